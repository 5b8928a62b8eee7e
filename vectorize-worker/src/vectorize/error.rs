//! What can go wrong with an index.

use std::fmt;

use wasm_bindgen::{JsCast, JsValue};

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The index refused.
    Refused {
        /// Vectorize's number for the reason, such as 40041 for too many requests.
        code: Option<u32>,
        /// Vectorize's text, such as `VECTOR_QUERY_ERROR (code = 40006): invalid query vector`.
        message: String,
    },
    /// The index answered something that is not in its interface.
    Unreadable(String),
}

impl Error {
    /// Vectorize's number for the reason, where it gave one.
    #[must_use]
    pub fn code(&self) -> Option<u32> {
        match self {
            Self::Refused { code, .. } => *code,
            Self::Unreadable(_) => None,
        }
    }

    /// Whether the same call may well succeed a little later.
    #[must_use]
    pub fn is_rate_limited(&self) -> bool {
        self.code() == Some(40041)
    }

    /// From what a method threw, or its promise rejected with.
    pub(super) fn from_js(thrown: &JsValue) -> Self {
        let message = match thrown.dyn_ref::<js_sys::Error>() {
            Some(error) => String::from(error.message()),
            None => thrown.as_string().unwrap_or_else(|| format!("{thrown:?}")),
        };
        Self::from_message(message)
    }

    fn from_message(message: String) -> Self {
        let code = message
            .split_once("(code = ")
            .and_then(|(_, rest)| rest.split_once(')'))
            .and_then(|(code, _)| code.parse().ok());
        Self::Refused { code, message }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { message, .. } => f.write_str(message),
            Self::Unreadable(reason) => write!(f, "unreadable answer from Vectorize: {reason}"),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_found_in_messages() {
        let error = |text: &str| Error::from_message(text.into());
        let refusal = error("VECTOR_DELETE_ERROR (code = 40041): Too Many Requests");
        assert_eq!(refusal.code(), Some(40041));
        assert!(refusal.is_rate_limited());
        assert_eq!(error("VECTOR_GET_ERROR: Status + 502").code(), None);
        assert_eq!(error("VECTOR_GET_ERROR (code = x): y").code(), None);
        assert_eq!(error("(code = ").to_string(), "(code = ");
    }
}
