//! Checks that several routes make of what they are sent.

use serde::de::DeserializeOwned;
use wire::{Kind, limits::EMBEDDING_DIMENSIONS};

use crate::{store::Trouble, vectorize};

/// How far the length of an embedding may be from 1: what rounding to a few digits does.
const LENGTH_TOLERANCE: f64 = 1e-2;

/// A body as a message.
pub(crate) fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Trouble> {
    serde_json::from_slice(body).map_err(|error| {
        // The error itself could quote what was sent.
        let (line, column) = (error.line(), error.column());
        let text = format!(
            "The body is not the JSON message of this route (line {line}, column {column})."
        );
        Trouble::problem(Kind::Malformed, text)
    })
}

/// A namespace that the index takes.
pub(crate) fn namespace(namespace: &str) -> Result<(), Trouble> {
    let max = vectorize::limits::NAME_BYTES_MAX;
    if (1..=max).contains(&namespace.len()) {
        return Ok(());
    }
    Err(Trouble::problem(Kind::Unusable, format!("The namespace must have 1 to {max} bytes.")))
}

/// An embedding as the model makes them: of the right size, finite, and of length 1, so that
/// distances mean what they should.
pub(crate) fn embedding(values: &[f32]) -> Result<(), Trouble> {
    let length = values.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
    let text = if values.len() != EMBEDDING_DIMENSIONS {
        let got = values.len();
        format!("The embedding must have {EMBEDDING_DIMENSIONS} numbers; it has {got}.")
    } else if !length.is_finite() {
        "The embedding must have finite numbers only.".to_owned()
    } else if (length - 1.0).abs() > LENGTH_TOLERANCE {
        "The embedding must be L2-normalised.".to_owned()
    } else {
        return Ok(());
    };
    Err(Trouble::problem(Kind::Unusable, text))
}
