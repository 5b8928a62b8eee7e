//! Query strings.

use facenet::verdict::hundredths;
use wire::limits::{QUERY_BYTES_MAX, TOP_K_DEFAULT, TOP_K_MAX};
use wire::{Kind, Problem};

/// What a caller can say about a search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// How many people to return at most.
    pub top_k: u32,
    /// Largest L2 distance of a match, rounded to 0.01, if the caller brings one.
    pub threshold: Option<f32>,
    /// Whether the picture is a photograph in which faces are to be found.
    pub detect: bool,
    /// Whether the gallery of samples is searched, instead of people's.
    pub samples: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { top_k: TOP_K_DEFAULT, threshold: None, detect: false, samples: false }
    }
}

/// Reads a query string, without its question mark. Unknown parameters are skipped, since proxies
/// and links from elsewhere add some. `threshold_max` is the largest L2 distance at which the model
/// calls two faces possibly the same: callers see nobody beyond it.
///
/// # Errors
/// 400 when it is too long, or a known parameter is out of its range, is no decimal number, or
/// comes twice.
pub fn parse(query: &str, threshold_max: f32) -> Result<Options, Problem> {
    let (mut top_k, mut threshold, mut detect, mut samples) = (None, None, None, None);
    read(query, |key, value| {
        Ok(match key {
            "top_k" => top_k.replace(parse_top_k(value)?).is_some(),
            "threshold" => threshold.replace(parse_threshold(value, threshold_max)?).is_some(),
            "detect" => detect.replace(parse_detect(value)?).is_some(),
            "gallery" => samples.replace(is_samples(value)?).is_some(),
            _ => false,
        })
    })?;
    Ok(Options {
        top_k: top_k.unwrap_or(TOP_K_DEFAULT),
        threshold,
        detect: detect.unwrap_or_default(),
        samples: samples.unwrap_or_default(),
    })
}

/// Whether a query string has `detect=true`, for routes that know no other parameter.
///
/// # Errors
/// 400 when it is too long, or `detect` is neither `true` nor `false`, or comes twice.
pub fn detect(query: &str) -> Result<bool, Problem> {
    let mut detect = None;
    read(
        query,
        |key, value| Ok(key == "detect" && detect.replace(parse_detect(value)?).is_some()),
    )?;
    Ok(detect.unwrap_or_default())
}

/// Hands each parameter to `take`, which says whether the same key came before.
fn read(
    query: &str,
    mut take: impl FnMut(&str, &str) -> Result<bool, Problem>,
) -> Result<(), Problem> {
    if query.len() > QUERY_BYTES_MAX {
        let detail = format!("The query string is longer than {QUERY_BYTES_MAX} bytes.");
        return Err(Problem::new(Kind::Malformed, detail));
    }
    for pair in query.split('&') {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        if take(key, value)? {
            // Only a known key comes here, so that the problem may quote it.
            let detail = format!("The query string has `{key}` twice.");
            return Err(Problem::new(Kind::Malformed, detail));
        }
    }
    Ok(())
}

fn parse_detect(value: &str) -> Result<bool, Problem> {
    value.parse().map_err(|_| Problem::new(Kind::Malformed, "`detect` is `true` or `false`."))
}

fn is_samples(value: &str) -> Result<bool, Problem> {
    match value {
        "people" => Ok(false),
        "samples" => Ok(true),
        _ => Err(Problem::new(Kind::Malformed, "`gallery` is `people` or `samples`.")),
    }
}

fn parse_top_k(value: &str) -> Result<u32, Problem> {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let top_k = value.parse().ok().filter(|k| digits && (1..=TOP_K_MAX).contains(k));
    top_k.ok_or_else(|| {
        let detail = format!("`top_k` is a whole number from 1 to {TOP_K_MAX}.");
        Problem::new(Kind::Malformed, detail)
    })
}

/// Takes no words: Rust would also parse `inf` and `NaN`. A threshold is rounded to 0.01, as
/// distances are: whoever could ask for finer ones would find out finer distances.
fn parse_threshold(value: &str, max: f32) -> Result<f32, Problem> {
    let decimal = value.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && value.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'-'));
    let threshold = value.parse().ok().filter(|t| decimal && (0.0..=max).contains(t));
    threshold.map(hundredths).ok_or_else(|| {
        let detail = format!(
            "`threshold` is a distance from 0 to {max}, beyond which the model calls nobody even \
             possibly the same."
        );
        Problem::new(Kind::Malformed, detail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: f32 = 1.05;

    fn parse(query: &str) -> Result<Options, Problem> {
        super::parse(query, MAX)
    }

    #[test]
    fn options_have_defaults_and_bounds() {
        assert_eq!(parse(""), Ok(Options::default()));
        assert_eq!(parse("&&x&=1"), Ok(Options::default()));
        let both = Options { top_k: 20, threshold: Some(0.9), ..Options::default() };
        assert_eq!(parse("top_k=20&threshold=0.9&x=1"), Ok(both));
        for (threshold, expected) in [
            ("0", 0.0),
            ("1.05", MAX),
            (".5", 0.5),
            ("0.85", 0.85),
            ("1e0", 1.0),
            ("1e-9", 0.0),
            ("0.846", 0.85),
            ("1.0499", MAX),
        ] {
            let parsed = parse(&format!("threshold={threshold}")).unwrap();
            assert_eq!(parsed.threshold, Some(expected), "{threshold}");
        }
    }

    #[test]
    fn samples_are_asked_for() {
        let samples = |query: &str| parse(query).map(|options| options.samples);
        for (query, expected) in [("", false), ("gallery=people", false), ("gallery=samples", true)]
        {
            assert_eq!(samples(query), Ok(expected), "{query}");
        }
        for query in ["gallery", "gallery=", "gallery=Samples", "gallery=people&gallery=samples"] {
            assert_eq!(samples(query).unwrap_err().kind, Kind::Malformed, "{query}");
        }
    }

    #[test]
    fn photographs_are_asked_for() {
        for (query, expected) in [("", false), ("detect=true", true), ("x&detect=false", false)] {
            assert_eq!(detect(query), Ok(expected), "{query}");
            assert_eq!(parse(query).unwrap().detect, expected, "{query}");
        }
        // What one route knows is skipped by another.
        assert_eq!(detect("top_k=many&detect=true"), Ok(true));
    }

    #[test]
    fn what_is_no_plain_number_is_refused() {
        let kind = |query: &str| parse(query).map_err(|problem| problem.kind);
        for value in ["", "0", "21", "-1", "x", "1.5", "+5", "1e1", "99999999999", "%35", "5 "] {
            assert_eq!(kind(&format!("top_k={value}")), Err(Kind::Malformed), "{value}");
        }
        for value in ["", ".", "-0.1", "-0", "1.06", "2", "NaN", "inf", "1e1", "+1", "0x1", "1.0.0"]
        {
            assert_eq!(kind(&format!("threshold={value}")), Err(Kind::Malformed), "{value}");
        }
        for query in ["top_k=5&top_k=5", "threshold=1&x&threshold=1"] {
            assert_eq!(kind(query), Err(Kind::Malformed), "{query}");
        }
        for query in ["detect", "detect=", "detect=1", "detect=True", "detect=true&detect=true"] {
            assert_eq!(kind(query), Err(Kind::Malformed), "{query}");
            assert_eq!(detect(query).unwrap_err().kind, Kind::Malformed, "{query}");
        }
        let problem = parse("threshold=2").unwrap_err();
        assert!(problem.detail.contains("1.05"), "{}", problem.detail);
        assert_eq!(kind(&"x".repeat(QUERY_BYTES_MAX + 1)), Err(Kind::Malformed));
    }
}
