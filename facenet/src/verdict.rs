//! When two embeddings are the same person: the one table of thresholds.

/// What a distance between two faces means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The same person, as far as the model can tell.
    Match,
    /// Perhaps the same person: someone has to look.
    Possible,
    /// Different people, or nobody to compare with.
    None,
}

impl Verdict {
    /// `match`, `possible` or `none`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::Possible => "possible",
            Self::None => "none",
        }
    }
}

/// The distances up to which a model calls two faces a match, or possibly one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// Largest L2 distance of a match.
    pub match_max: f32,
    /// Largest L2 distance of a possible match, at least `match_max`.
    pub possible_max: f32,
}

/// Thresholds by model, each valid for the [pipeline](crate::PIPELINE) of this library only.
///
/// `casia-webface` is provisional: measured on 172 faces of 89 people (221 same, 13,936
/// different pairs) cropped by the landmark box. At 0.85 no different pair was closer and 14 to
/// 22 % of the same pairs were further apart; at 1.05 those were 0.14 % and 0.5 to 2 %.
///
/// `vggface2` is provisional too, and nothing of it was measured here (0 pairs). By published
/// figures for this checkpoint, the nearest strangers in facenet-pytorch's tests and example are
/// 0.886 and 0.78 apart, `PhotoPrism` settled at 0.82 after long tuning, and the false matches that
/// users of `CompreFace` report lie between 0.75 and 0.95: a match is nearer than all of these.
const TABLE: [(&str, Thresholds); 2] = [
    ("casia-webface", Thresholds { match_max: 0.85, possible_max: 1.05 }),
    ("vggface2", Thresholds { match_max: 0.75, possible_max: 0.95 }),
];

impl Thresholds {
    /// The thresholds of a model, or none if it is not known.
    #[must_use]
    pub fn of(model: &str) -> Option<Self> {
        TABLE.iter().find(|(name, _)| *name == model).map(|(_, thresholds)| *thresholds)
    }

    /// The same with the caller's own limit for a match.
    #[must_use]
    pub fn with_match_max(self, match_max: f32) -> Self {
        Self { match_max, possible_max: self.possible_max.max(match_max) }
    }

    /// What `distance` means.
    #[must_use]
    pub fn verdict(self, distance: f32) -> Verdict {
        if distance <= self.match_max {
            Verdict::Match
        } else if distance <= self.possible_max {
            Verdict::Possible
        } else {
            Verdict::None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_belong_to_the_nearer_verdict() {
        let thresholds = Thresholds::of("casia-webface").unwrap();
        let says = |distance| thresholds.verdict(distance).as_str();
        assert_eq!(says(0.0), "match");
        assert_eq!(says(0.85), "match");
        assert_eq!(says(0.8501), "possible");
        assert_eq!(says(1.05), "possible");
        assert_eq!(says(1.0501), "none");
        assert_eq!(says(f32::NAN), "none");
    }

    #[test]
    fn callers_choose_their_own_limit() {
        let thresholds = Thresholds::of("casia-webface").unwrap();
        assert_eq!(thresholds.with_match_max(0.5).verdict(0.6), Verdict::Possible);
        assert_eq!(thresholds.with_match_max(1.5).verdict(1.4), Verdict::Match);
        assert_eq!(thresholds.with_match_max(1.5).verdict(1.6), Verdict::None);
        assert_eq!(Thresholds::of("unknown"), None);
    }
}
