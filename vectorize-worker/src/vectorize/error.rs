//! What can go wrong with an index.

use std::fmt;

use js_sys::Error as JsError;
use wasm_bindgen::{JsCast, JsValue};

/// What the binding says when the index answers no JSON. The beginning of the answer follows.
const QUOTES_ANSWER: &str = "Failed to parse body as JSON, got:";

/// A call that failed. Displays without data, so it can be logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The index refused, or could not be reached: the method threw. Holds the text as thrown, such
    /// as `VECTOR_QUERY_ERROR (code = 40006): invalid query vector, expected 512 dimensions, ..`.
    Refused(String),
    /// The index answered something that is not in its interface, or was asked something that
    /// JSON cannot hold. Says what.
    Unreadable(String),
}

impl Error {
    /// From what a method threw, or what its promise was rejected with.
    pub(super) fn from_js(thrown: &JsValue) -> Self {
        // Neither value is sure to be text, and a conversion that expects text would panic.
        let message = match thrown.dyn_ref::<JsError>() {
            Some(error) => JsValue::from(error.message()).as_string(),
            None => thrown.as_string(),
        };
        Self::from_message(message.unwrap_or_else(|| "thrown without a text".to_owned()))
    }

    fn from_message(message: String) -> Self {
        // The quoted answer may hold metadata of vectors.
        if message.contains(QUOTES_ANSWER) {
            return Self::Unreadable("it is not JSON".to_owned());
        }
        Self::Refused(message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(message) => f.write_str(message),
            Self::Unreadable(reason) => write!(f, "unreadable answer from Vectorize: {reason}"),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_display_as_thrown() {
        let text = "VECTOR_QUERY_ERROR (code = 40006): expected 512 dimensions, and got 1";
        let error = Error::from_message(text.into());
        assert_eq!(error, Error::Refused(text.into()));
        assert_eq!(error.to_string(), text);
    }

    #[test]
    fn quoted_answers_are_dropped() {
        let quoted =
            "Failed to parse body as JSON, got: {\"matches\":[{\"metadata\":{\"name\":\"Ada";
        let error = Error::from_message(quoted.into());
        assert_eq!(error.to_string(), "unreadable answer from Vectorize: it is not JSON");
    }
}
