//! What can go wrong with an index.

use std::fmt;

use wasm_bindgen::{JsCast, JsValue};

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The index refused, or could not be reached: the method threw.
    Refused {
        /// Vectorize's number for the reason, such as 40041; [`Error::reason`] knows them.
        /// Nothing when no answer came, or one without a number.
        code: Option<u32>,
        /// The text as thrown, such as
        /// `VECTOR_QUERY_ERROR (code = 40006): invalid query vector, expected 512 dimensions, ..`.
        message: String,
    },
    /// The index answered something that is not in its interface, or was asked something that
    /// cannot be said in JSON. Holds the reason, never data.
    Unreadable(String),
}

/// Why an index refused, as far as its numbers are known. Cloudflare does not document them; these
/// have been seen by users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// 40006: the vector of a query has other dimensions than the index.
    QueryDimensions,
    /// 40007: more ids than [`limits::GET_IDS_MAX`](super::limits::GET_IDS_MAX) or
    /// [`limits::DELETE_IDS_MAX`](super::limits::DELETE_IDS_MAX).
    TooManyIds,
    /// 40008: an id of more than [`limits::NAME_BYTES_MAX`](super::limits::NAME_BYTES_MAX).
    LongId,
    /// 40009: a namespace of more than that.
    LongNamespace,
    /// 40012: a vector to be stored has other dimensions than the index.
    VectorDimensions,
    /// 40016: more metadata than
    /// [`limits::METADATA_BYTES_MAX`](super::limits::METADATA_BYTES_MAX).
    LargeMetadata,
    /// 40018: a key of metadata that is empty, starts with `$`, or holds `.` or `"`.
    MetadataKey,
    /// 40023: the vectors to be stored cannot be read, for example because a number is not
    /// finite, which JSON turns into null.
    UnreadableVectors,
    /// 40025: more matches than [`limits::TOP_K_MAX`](super::limits::TOP_K_MAX) or
    /// [`limits::TOP_K_WITH_CONTENT_MAX`](super::limits::TOP_K_WITH_CONTENT_MAX).
    TopK,
    /// 40026: the request cannot be read, for example because a number of the query is not
    /// finite.
    UnreadableRequest,
    /// 40041: too many requests. Try again, later each time.
    RateLimited,
    /// A number that this module does not know.
    Other(u32),
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

    /// What Vectorize's number means, where it gave one.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        self.code().map(|code| match code {
            40006 => Reason::QueryDimensions,
            40007 => Reason::TooManyIds,
            40008 => Reason::LongId,
            40009 => Reason::LongNamespace,
            40012 => Reason::VectorDimensions,
            40016 => Reason::LargeMetadata,
            40018 => Reason::MetadataKey,
            40023 => Reason::UnreadableVectors,
            40025 => Reason::TopK,
            40026 => Reason::UnreadableRequest,
            40041 => Reason::RateLimited,
            other => Reason::Other(other),
        })
    }

    /// The status of an answer that could not be read, such as 503 when the index is not there.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { message, .. } => {
                message.split_once("_ERROR: Status + ")?.1.trim().parse().ok()
            }
            Self::Unreadable(_) => None,
        }
    }

    /// Whether there were too many requests.
    #[must_use]
    pub fn is_rate_limited(&self) -> bool {
        self.reason() == Some(Reason::RateLimited)
    }

    /// Whether the same call may well succeed a little later: there were too many requests, or
    /// the index was not there. Every call of this module can be made again without harm, even
    /// one that was carried out and whose answer was lost.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.is_rate_limited() || self.status().is_some_and(|status| status >= 500)
    }

    /// From what a method threw, or its promise rejected with.
    pub(super) fn from_js(thrown: &JsValue) -> Self {
        let error = thrown.dyn_ref::<js_sys::Error>();
        // Neither is sure to be text, and a conversion that takes it for granted would panic.
        let message = match error {
            Some(error) => JsValue::from(error.message()).as_string(),
            None => thrown.as_string(),
        };
        Self::from_message(message.unwrap_or_else(|| "thrown without a text".to_owned()))
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

    fn error(text: &str) -> Error {
        Error::from_message(text.into())
    }

    #[test]
    fn codes_are_found_in_messages() {
        let refusal = error("VECTOR_DELETE_ERROR (code = 40041): Too Many Requests");
        assert_eq!(refusal.code(), Some(40041));
        assert!(refusal.is_rate_limited());
        assert_eq!(error("VECTOR_GET_ERROR: Status + 502").code(), None);
        assert_eq!(error("VECTOR_GET_ERROR (code = x): y").code(), None);
        assert_eq!(error("(code = ").to_string(), "(code = ");
    }

    #[test]
    fn codes_have_reasons() {
        let refusal = error("VECTOR_DELETE_ERROR (code = 40007): too many ids in payload");
        assert_eq!(refusal.reason(), Some(Reason::TooManyIds));
        assert!(!refusal.is_transient());
        let unknown = error("VECTOR_DELETE_ERROR (code = 40999): nobody knows");
        assert_eq!(unknown.reason(), Some(Reason::Other(40999)));
        assert_eq!(error("Network connection lost.").reason(), None);
    }

    #[test]
    fn what_may_pass_is_transient() {
        for (text, transient, status) in [
            ("VECTOR_UPSERT_ERROR (code = 40041): Too Many Requests", true, None),
            ("VECTOR_UPSERT_ERROR: Status + 503", true, Some(503)),
            ("VECTOR_UPSERT_ERROR: Status + 404", false, Some(404)),
            ("VECTOR_UPSERT_ERROR: Status + many", false, None),
            ("something else", false, None),
        ] {
            assert_eq!((error(text).is_transient(), error(text).status()), (transient, status));
        }
        assert!(!Error::Unreadable("x".into()).is_transient());
    }
}
