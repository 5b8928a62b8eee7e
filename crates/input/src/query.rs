//! The query string of `/match`.

use wire::limits::{QUERY_BYTES_MAX, TOP_K_DEFAULT, TOP_K_MAX};
use wire::{Kind, Problem};

/// What a caller can say about a search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// How many people to return at most.
    pub top_k: u32,
    /// Largest L2 distance of a match, if the caller brings one.
    pub threshold: Option<f32>,
}

impl Default for Options {
    fn default() -> Self {
        Self { top_k: TOP_K_DEFAULT, threshold: None }
    }
}

/// Reads a query string, without its question mark. Unknown parameters are skipped, since proxies
/// and links from elsewhere add some.
///
/// # Errors
/// 400 when it is too long, or a known parameter is out of its range, is no plain decimal number,
/// or comes twice.
pub fn parse(query: &str) -> Result<Options, Problem> {
    if query.len() > QUERY_BYTES_MAX {
        let detail = format!("The query string is longer than {QUERY_BYTES_MAX} bytes.");
        return Err(Problem::new(Kind::Malformed, detail));
    }
    let (mut top_k, mut threshold) = (None, None);
    for pair in query.split('&') {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let repeated = match key {
            "top_k" => top_k.replace(parse_top_k(value)?).is_some(),
            "threshold" => threshold.replace(parse_threshold(value)?).is_some(),
            _ => false,
        };
        if repeated {
            // Only a known key comes here, so that the problem may quote it.
            let detail = format!("The query string has `{key}` twice.");
            return Err(Problem::new(Kind::Malformed, detail));
        }
    }
    Ok(Options { top_k: top_k.unwrap_or(TOP_K_DEFAULT), threshold })
}

fn parse_top_k(value: &str) -> Result<u32, Problem> {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let top_k = value.parse().ok().filter(|k| digits && (1..=TOP_K_MAX).contains(k));
    top_k.ok_or_else(|| {
        let detail = format!("`top_k` is a whole number from 1 to {TOP_K_MAX}.");
        Problem::new(Kind::Malformed, detail)
    })
}

/// Takes no exponents and no words: Rust would also parse `inf` and `NaN`.
fn parse_threshold(value: &str) -> Result<f32, Problem> {
    let plain = value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let threshold = value.parse().ok().filter(|t| plain && (0.0..=2.0).contains(t));
    threshold.ok_or_else(|| {
        let detail = "`threshold` is a distance from 0 to 2, for example 0.9.";
        Problem::new(Kind::Malformed, detail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_have_defaults_and_bounds() {
        assert_eq!(parse(""), Ok(Options::default()));
        assert_eq!(parse("&&x&=1"), Ok(Options::default()));
        let both = Options { top_k: 20, threshold: Some(0.9) };
        assert_eq!(parse("top_k=20&threshold=0.9&x=1"), Ok(both));
        for threshold in ["0", "2", "2.0", ".5", "0.85"] {
            assert!(parse(&format!("threshold={threshold}")).is_ok(), "{threshold}");
        }
    }

    #[test]
    fn what_is_no_plain_number_is_refused() {
        let kind = |query: &str| parse(query).map_err(|problem| problem.kind);
        for value in ["", "0", "21", "-1", "x", "1.5", "+5", "1e1", "99999999999", "%35", "5 "] {
            assert_eq!(kind(&format!("top_k={value}")), Err(Kind::Malformed), "{value}");
        }
        for value in ["", ".", "-0.1", "2.1", "NaN", "inf", "1e0", "1e-9", "+1", "0x1", "1.0.0"] {
            assert_eq!(kind(&format!("threshold={value}")), Err(Kind::Malformed), "{value}");
        }
        for query in ["top_k=5&top_k=5", "threshold=1&x&threshold=1"] {
            assert_eq!(kind(query), Err(Kind::Malformed), "{query}");
        }
        assert_eq!(kind(&"x".repeat(QUERY_BYTES_MAX + 1)), Err(Kind::Malformed));
    }
}
