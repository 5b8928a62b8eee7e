//! How far two ways from a photograph to an embedding agree: the page's and the Worker's, for
//! example. Both had the same photographs.

use std::fmt::Write as _;

use facenet::verdict::Thresholds;
use serde_json::{Value, json};

use crate::distances::Picture;

/// Two embeddings of a photograph whose cosine is lower are of two faces, or of one that was cut
/// out otherwise. Of two pictures of a person from one sitting it is about 0.8.
const SAME_FACE_MIN: f64 = 0.9;

/// How far two ways agree.
#[derive(Clone, Debug, PartialEq)]
pub struct Agreement {
    /// The cosines of both embeddings of a photograph, and its index; lowest first. There is at
    /// least one.
    cosines: Vec<(f64, u32)>,
    /// The photographs that only the first way could use, and those that only the other one could.
    alone: [usize; 2],
    /// Pairs of one person, and pairs of two people, that are a match by one way and none by the
    /// other. None for a model without thresholds.
    changed: Option<[u32; 2]>,
}

impl Agreement {
    /// Compares two ways by the photographs that both could use, which are in the same order.
    /// `alone` is how many each could use that the other one could not. None when there are none.
    #[must_use]
    pub fn between(
        one: &[Picture],
        other: &[Picture],
        alone: [usize; 2],
        model: &str,
    ) -> Option<Self> {
        let both = one.iter().zip(other).zip(0..);
        let cosine = |((a, b), index): ((&Picture, &Picture), u32)| {
            (a.embedding.cosine(&b.embedding), index)
        };
        let mut cosines: Vec<_> = both.map(cosine).collect();
        cosines.sort_by(|a, b| a.0.total_cmp(&b.0));
        let changed =
            Thresholds::of(model).map(|thresholds| changed(one, other, thresholds.match_max));
        (!cosines.is_empty()).then_some(Self { cosines, alone, changed })
    }

    /// The photographs that differ most: the cosine of each and its index, lowest first.
    #[must_use]
    pub fn lowest(&self) -> &[(f64, u32)] {
        &self.cosines
    }

    /// The cosine that this share of the photographs is below.
    fn quantile(&self, share: f64) -> f64 {
        let last = self.cosines.len().saturating_sub(1);
        let at = (share * last as f64).round() as usize;
        self.cosines.get(at.min(last)).map_or(f64::NAN, |&(cosine, _)| cosine)
    }

    /// How many photographs show the same face in the same place.
    fn same_face(&self) -> usize {
        self.cosines.len() - self.cosines.partition_point(|&(cosine, _)| cosine < SAME_FACE_MIN)
    }

    /// The results for people, by the names of both ways.
    #[must_use]
    pub fn describe(&self, one: &str, other: &str) -> String {
        let [lowest, fifth, median] = [0.0, 0.05, 0.5].map(|share| self.quantile(share));
        let mut text = format!(
            "{other} beside {one}\n  \
             same face in {} of {}; usable by {one} only {}, by {other} only {}\n  \
             cosine: median {median:.5}, fifth percentile {fifth:.5}, lowest {lowest:.5}\n",
            self.same_face(),
            self.cosines.len(),
            self.alone[0],
            self.alone[1],
        );
        if let Some([same, different]) = self.changed {
            let _ = writeln!(
                text,
                "  match in one only: pairs of one person {same}, of two people {different}"
            );
        }
        text
    }

    /// The same for programs.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "photographs": self.cosines.len(),
            "same_face": self.same_face(),
            "usable_by_the_first_only": self.alone[0],
            "usable_by_this_only": self.alone[1],
            "cosine_median": self.quantile(0.5),
            "cosine_fifth_percentile": self.quantile(0.05),
            "cosine_lowest": self.quantile(0.0),
            "match_in_one_only": self.changed.map(|[same, different]| {
                json!({ "same": same, "different": different })
            }),
        })
    }
}

/// The pairs that are within a distance by one way and beyond it by the other: those of one person,
/// and those of two people.
fn changed(one: &[Picture], other: &[Picture], distance_max: f32) -> [u32; 2] {
    let is_match = |a: &Picture, b: &Picture| a.embedding.distance(&b.embedding) <= distance_max;
    let mut counts = [0; 2];
    let both: Vec<_> = one.iter().zip(other).collect();
    for (index, (a, other_a)) in both.iter().enumerate() {
        for (b, other_b) in both.iter().take(index) {
            let [same, different] = &mut counts;
            let count = if a.person == b.person { same } else { different };
            *count += u32::from(is_match(a, b) != is_match(other_a, other_b));
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distances::tests::on_a_circle;

    const MODEL: &str = "casia-webface";

    /// By hand: 45 degrees are a distance of 0.77, a match; 60 are 1, and none.
    #[test]
    fn what_differs_is_counted() {
        let one = on_a_circle(&[&[0.0, 60.0], &[120.0, 165.0]]);
        let other = on_a_circle(&[&[0.0, 45.0], &[120.0, 90.0]]);
        let agreement = Agreement::between(&one, &other, [2, 1], MODEL).unwrap();
        let lowest = agreement.lowest().iter().map(|&(_, index)| index);
        assert!(lowest.take(2).eq([3, 1]), "{agreement:?}");
        assert_eq!(agreement.same_face(), 3);
        let cosine = 75.0_f64.to_radians().cos();
        assert!((agreement.quantile(0.0) - cosine).abs() < 1e-6, "{agreement:?}");
        let cosine = 15.0_f64.to_radians().cos();
        assert!((agreement.quantile(0.4) - cosine).abs() < 1e-6, "{agreement:?}");
        // Of one person 0 and 60; of two people 45 and 90.
        assert_eq!(
            agreement.describe("detect", "served"),
            "served beside detect\n  \
             same face in 3 of 4; usable by detect only 2, by served only 1\n  \
             cosine: median 1.00000, fifth percentile 0.25882, lowest 0.25882\n  \
             match in one only: pairs of one person 1, of two people 1\n"
        );
        let json = agreement.json();
        assert_eq!(json["match_in_one_only"], json!({ "same": 1, "different": 1 }));
        assert_eq!(json["usable_by_this_only"], 1);
    }

    #[test]
    fn without_photographs_or_thresholds_less_is_said() {
        assert_eq!(Agreement::between(&[], &[], [0, 3], MODEL), None);
        let one = on_a_circle(&[&[0.0], &[60.0]]);
        let agreement = Agreement::between(&one, &one, [0, 0], "unknown").unwrap();
        assert!(!agreement.describe("detect", "native").contains("match"));
        assert!(agreement.json()["match_in_one_only"].is_null());
    }
}
