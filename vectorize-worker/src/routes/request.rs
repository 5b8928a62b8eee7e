//! What requests have in common: messages as JSON, namespaces, embeddings, delete tokens.

use serde::de::DeserializeOwned;
use wire::faces::bearer;
use wire::limits::EMBEDDING_DIMENSIONS;
use wire::{Kind, Problem};
use worker::Request;

use crate::vectorize::limits::NAME_BYTES_MAX;

/// How far the length of an embedding may be from 1. Numbers that were rounded to a few digits are
/// within it.
const LENGTH_TOLERANCE: f64 = 1e-2;

/// The token that comes with a request.
pub(super) fn token(request: &Request) -> Result<Option<String>, Problem> {
    let authorization = request
        .headers()
        .get("authorization")
        .map_err(|_| Problem::new(Kind::Malformed, "The header `Authorization` cannot be read."))?;
    Ok(authorization.as_deref().and_then(bearer).map(ToOwned::to_owned))
}

/// A body as a message.
pub(super) fn message<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        // The error itself could quote what was sent.
        let (line, column) = (error.line(), error.column());
        let text = format!(
            "The body is not the JSON message of this route (line {line}, column {column})."
        );
        Problem::new(Kind::Malformed, text)
    })
}

/// Checks that the index takes a namespace.
pub(super) fn check_namespace(namespace: &str) -> Result<(), Problem> {
    if (1..=NAME_BYTES_MAX).contains(&namespace.len()) {
        return Ok(());
    }
    let text = format!("The namespace must have 1 to {NAME_BYTES_MAX} bytes.");
    Err(Problem::new(Kind::Unusable, text))
}

/// Checks that an embedding is one of the model: of the right size, finite, and of length 1,
/// because else its distances mean nothing.
pub(super) fn check_embedding(values: &[f32]) -> Result<(), Problem> {
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
    Err(Problem::new(Kind::Unusable, text))
}
