//! An embedding that a caller brings, as JSON.

use facenet::Embedding;
use serde::Deserialize;
use wire::limits::{JSON_BYTES_MAX, JSON_DEPTH_MAX};
use wire::{Kind, Problem};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    embedding: Vec<f32>,
}

/// Reads `{"embedding": [512 numbers]}`.
///
/// # Errors
/// 413 when the body is too large, 400 when it is something else, 422 when the numbers are no
/// embedding: too few or too many, not finite as 32-bit floats, or all zero.
pub fn parse(body: &[u8]) -> Result<Embedding, Problem> {
    if body.len() > JSON_BYTES_MAX {
        let kib = JSON_BYTES_MAX >> 10;
        let detail = format!("The JSON is larger than {kib} KiB. Send 512 numbers.");
        return Err(Problem::new(Kind::TooLarge, detail));
    }
    let malformed =
        || Problem::new(Kind::Malformed, "Send JSON of the form {\"embedding\": [512 numbers]}.");
    if depth(body) > JSON_DEPTH_MAX {
        return Err(malformed());
    }
    let query: Query = serde_json::from_slice(body).map_err(|_| malformed())?;
    Embedding::normalise(query.embedding)
        .map_err(|error| Problem::new(Kind::Unusable, format!("This is no embedding: {error}.")))
}

/// How deep brackets are nested. Brackets in strings count too: no valid body has any.
fn depth(body: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0usize, 0);
    for byte in body {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_embeddings_are_checked() {
        let kind = |body: &str| parse(body.as_bytes()).unwrap_err().kind;
        let vector = |number: &str| format!("{{\"embedding\":[{}]}}", [number; 512].join(","));
        for body in ["", "{", "{}", "[]", "null", "{\"embedding\":[\"a\"]}", &vector("NaN")] {
            assert_eq!(kind(body), Kind::Malformed, "{body}");
        }
        for body in ["{\"embedding\":[1],\"x\":1}", "{\"embedding\":[1],\"embedding\":[1]}"] {
            assert_eq!(kind(body), Kind::Malformed, "{body}");
        }
        assert_eq!(kind(&vector("1e999")), Kind::Malformed);
        assert_eq!(kind("{\"embedding\":[1,2]}"), Kind::Unusable);
        assert_eq!(kind(&vector("0")), Kind::Unusable);
        // Finite as it is written, infinite as a 32-bit float.
        assert_eq!(kind(&vector("1e39")), Kind::Unusable);
        assert_eq!(kind(&vector("1e-300")), Kind::Unusable);
        assert!(parse(vector("1").as_bytes()).is_ok());
        assert!(parse(vector("-0.12345678901234567").as_bytes()).is_ok());
    }

    #[test]
    fn size_and_depth_are_bounded() {
        let kind = |body: &str| parse(body.as_bytes()).unwrap_err().kind;
        assert_eq!(kind(&" ".repeat(JSON_BYTES_MAX + 1)), Kind::TooLarge);
        assert_eq!(kind(&"[".repeat(JSON_BYTES_MAX)), Kind::Malformed);
        assert_eq!(depth(b"{\"embedding\":[1]}"), 2);
        assert_eq!(depth(b"]]][[]["), 2);
    }
}
