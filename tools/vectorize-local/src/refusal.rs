//! What the index answers instead of a result, with the codes and texts of Vectorize. Where
//! nobody has published a code, there is none here.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits;
use crate::method::Method;

/// A refusal as Vectorize words it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Vectorize's number for this kind of refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<u32>,
    /// The text.
    pub error: String,
}

impl Refusal {
    /// A refusal without a published code.
    pub fn uncoded(error: impl Into<String>) -> Self {
        Self { code: None, error: error.into() }
    }

    /// A refusal with its published code.
    pub fn coded(code: u32, error: impl Into<String>) -> Self {
        Self { code: Some(code), error: error.into() }
    }

    /// A query with a vector of the wrong length.
    #[must_use]
    pub fn query_dimensions(expected: usize, got: usize) -> Self {
        let text = "invalid query vector";
        Self::coded(
            40006,
            format!("{text}, expected {expected} dimensions, and got {got} dimensions"),
        )
    }

    /// More ids than a call can have.
    #[must_use]
    pub fn too_many_ids(max: usize, got: usize) -> Self {
        let text = format!("too many ids in payload; max id count is {max}, got {got}");
        Self::coded(40007, text)
    }

    /// An id that is too long.
    #[must_use]
    pub fn long_id(got: usize) -> Self {
        let max = limits::ID_BYTES_MAX;
        Self::coded(40008, format!("id too long; max is {max} bytes, got {got} bytes"))
    }

    /// A namespace that is too long. The code is published, the text is made like that of ids.
    #[must_use]
    pub fn long_namespace(got: usize) -> Self {
        let max = limits::NAMESPACE_BYTES_MAX;
        Self::coded(40009, format!("namespace too long; max is {max} bytes, got {got} bytes"))
    }

    /// A vector of the wrong length in a write.
    #[must_use]
    pub fn vector_dimensions(id: &str, expected: usize, got: usize) -> Self {
        let text = format!(
            "invalid vector for id=\"{id}\", expected {expected} dimensions, and got {got} \
             dimensions"
        );
        Self::coded(40012, text)
    }

    /// Metadata that is too large.
    #[must_use]
    pub fn oversized_metadata(id: &str, got: usize) -> Self {
        let max = limits::METADATA_BYTES_MAX;
        let text = format!(
            "oversized metadata for vector id=\"{id}\"; the compact JSON representation of the \
             metadata must not exceed {max} bytes, got {got} bytes"
        );
        Self::coded(40016, text)
    }

    /// A key of metadata that cannot be one. The code is published, its text is not.
    #[must_use]
    pub fn metadata_key(id: &str, key: &str) -> Self {
        Self::coded(40018, format!("invalid metadata key {key:?} for vector id=\"{id}\""))
    }

    /// Vectors that cannot be read.
    #[must_use]
    pub fn unreadable_vectors() -> Self {
        Self::coded(40023, "failed to parse upsert vectors request in json format")
    }

    /// More vectors than a call can have. Neither code nor text is published.
    #[must_use]
    pub fn too_many_vectors(got: usize) -> Self {
        let max = limits::WRITE_VECTORS_MAX;
        Self::uncoded(format!("too many vectors in payload; max vector count is {max}, got {got}"))
    }

    /// More matches than a query can ask for together with values or all metadata.
    #[must_use]
    pub fn top_k_with_content(got: usize) -> Self {
        let (some, all) = (limits::TOP_K_WITH_CONTENT_MAX, limits::TOP_K_MAX);
        let text = format!(
            "with returnValues=true or returnMetadata=all, max top K is {some}, but got {got}; \
             for a top K up to {all}, retry with returnValues=false and returnMetadata=indexed"
        );
        Self::coded(40025, text)
    }

    /// More matches than a query can ask for.
    #[must_use]
    pub fn top_k(got: usize) -> Self {
        Self::coded(40025, format!("max top K is {}, but got {got}", limits::TOP_K_MAX))
    }

    /// A body that cannot be read.
    #[must_use]
    pub fn unreadable_body(reason: impl fmt::Display) -> Self {
        Self::coded(40026, format!("Failed to parse the request body as JSON: {reason}"))
    }

    /// Calls that come too fast. This index answers so only when a control call orders it.
    #[must_use]
    pub fn too_many_requests() -> Self {
        Self::coded(40041, "Too Many Requests")
    }

    /// A refusal of this code as a caller of `method` could get it.
    #[must_use]
    pub fn example(code: u32, method: Method) -> Self {
        let max = match method {
            Method::GetByIds => limits::GET_IDS_MAX,
            _ => limits::DELETE_IDS_MAX,
        };
        match code {
            40006 => Self::query_dimensions(limits::DIMENSIONS_MAX, 0),
            40007 => Self::too_many_ids(max, max + 1),
            40008 => Self::long_id(limits::ID_BYTES_MAX + 1),
            40009 => Self::long_namespace(limits::NAMESPACE_BYTES_MAX + 1),
            40012 => Self::vector_dimensions("id", limits::DIMENSIONS_MAX, 0),
            40016 => Self::oversized_metadata("id", limits::METADATA_BYTES_MAX + 1),
            40018 => Self::metadata_key("id", "$key"),
            40023 => Self::unreadable_vectors(),
            40025 => Self::top_k_with_content(limits::TOP_K_WITH_CONTENT_MAX + 1),
            40026 => Self::unreadable_body("expected value"),
            40041 => Self::too_many_requests(),
            other => Self::coded(other, "ordered by a control call"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_have_their_codes() {
        for code in (40000..40050).chain([0, 99999]) {
            assert_eq!(Refusal::example(code, Method::Upsert).code, Some(code));
        }
    }
}
