//! What the index answers instead of a result, with the codes and texts of Vectorize.

use serde::{Deserialize, Serialize};

/// A refusal as Vectorize words it. Where nobody has published a code, there is none here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Vectorize's number for this kind of refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<u32>,
    /// The text.
    pub error: String,
}

impl Fault {
    /// A refusal without a published code.
    pub fn new(error: impl Into<String>) -> Self {
        Self { code: None, error: error.into() }
    }

    /// A refusal with its published code.
    pub fn coded(code: u32, error: impl Into<String>) -> Self {
        Self { code: Some(code), error: error.into() }
    }
}
