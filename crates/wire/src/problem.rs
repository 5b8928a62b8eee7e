//! Problem documents (RFC 9457): the only form in which an error leaves a Worker.

use serde::{Deserialize, Serialize};

use crate::limits::RATE_LIMIT_PERIOD_S;

/// The media type of a problem document.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// What every `type` begins with.
const TYPE_PREFIX: &str = "urn:cface:problem:";

/// What went wrong, sorted by what the caller can do about it. Each kind has one status and one
/// stable `type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 400: the request cannot be read.
    Malformed,
    /// 401: the delete token is missing or wrong.
    WrongToken,
    /// 403: the request comes from a page of another origin, which may not send it.
    ForeignPage,
    /// 401: the API key is missing or unknown.
    WrongKey,
    /// 403: the API key does not allow this.
    MissingScope,
    /// 404: no such route or face.
    NotFound,
    /// 405: the route exists, the method does not.
    MethodNotAllowed,
    /// 408: the body came too slowly.
    TooSlow,
    /// 413: the body or the picture is too large.
    TooLarge,
    /// 415: the body is not of a type that the route takes.
    UnsupportedType,
    /// 422: the request can be read but not used (dimensions, name, consent).
    Unusable,
    /// 429: too many requests.
    RateLimited,
    /// 503: the model is missing or does not load.
    ModelUnavailable,
    /// 503: a part of the service does not answer.
    Unavailable,
    /// 500: our fault.
    Internal,
}

impl Kind {
    /// Every kind, for documentation and tests.
    pub const ALL: [Self; 15] = [
        Self::Malformed,
        Self::WrongToken,
        Self::ForeignPage,
        Self::WrongKey,
        Self::MissingScope,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::TooSlow,
        Self::TooLarge,
        Self::UnsupportedType,
        Self::Unusable,
        Self::RateLimited,
        Self::ModelUnavailable,
        Self::Unavailable,
        Self::Internal,
    ];

    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        self.row().0
    }

    /// The last part of the `type`.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        self.row().1
    }

    /// The `title`: the same for every problem of this kind.
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.row().2
    }

    /// How a caller shows who it is; sent as `WWW-Authenticate`, which every 401 must have.
    #[must_use]
    pub const fn challenge(self) -> Option<&'static str> {
        match self {
            Self::WrongToken => Some("Bearer realm=\"delete token\""),
            Self::WrongKey => Some("ApiKey realm=\"cface\", header=\"X-API-Key\""),
            _ => None,
        }
    }

    const fn row(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::Malformed => (400, "malformed", "The request cannot be read"),
            Self::WrongToken => (401, "wrong-token", "The delete token is missing or wrong"),
            Self::ForeignPage => (403, "foreign-page", "Pages of other origins may not do this"),
            Self::WrongKey => (401, "wrong-key", "The API key is missing or unknown"),
            Self::MissingScope => (403, "missing-scope", "The API key does not allow this"),
            Self::NotFound => (404, "not-found", "There is nothing here"),
            Self::MethodNotAllowed => (405, "method-not-allowed", "The method is not allowed here"),
            Self::TooSlow => (408, "too-slow", "The request came too slowly"),
            Self::TooLarge => (413, "too-large", "The request is too large"),
            Self::UnsupportedType => {
                (415, "unsupported-type", "The content is not of a usable type")
            }
            Self::Unusable => (422, "unusable", "The content cannot be used"),
            Self::RateLimited => (429, "rate-limited", "Too many requests"),
            Self::ModelUnavailable => (503, "model-unavailable", "The model is not available"),
            Self::Unavailable => (503, "unavailable", "The service is not available"),
            Self::Internal => (500, "internal", "Something went wrong on our side"),
        }
    }
}

/// What the caller is told when something went wrong. It never holds an internal detail: those go
/// to the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What kind of problem.
    pub kind: Kind,
    /// One or two sentences that say what to do.
    pub detail: String,
    /// Seconds after which trying again makes sense; sent as `Retry-After`.
    pub retry_after: Option<u32>,
    /// Why a picture cannot be used, a word each; sent as `reasons`.
    pub reasons: Vec<String>,
    /// The methods that the route takes; sent as `Allow`.
    pub allow: Option<&'static str>,
    /// What failed, for the log. It is never sent.
    pub fault: Option<String>,
}

/// The document as it is sent.
#[derive(Debug, Serialize, Deserialize)]
pub struct Document {
    /// `urn:cface:problem:` and the kind's slug.
    #[serde(rename = "type")]
    pub type_: String,
    /// As in [`Kind::title`].
    pub title: String,
    /// As in [`Kind::status`].
    pub status: u16,
    /// As in [`Problem::detail`].
    pub detail: String,
    /// As in [`Problem::reasons`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
}

impl Problem {
    /// A problem of a kind. `detail` says to the caller what to do.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        // All that a caller can do about these is to come back later.
        let retry_after = match kind.status() {
            429 => Some(RATE_LIMIT_PERIOD_S),
            503 => Some(2),
            _ => None,
        };
        Self {
            kind,
            detail: detail.into(),
            retry_after,
            reasons: Vec::new(),
            allow: None,
            fault: None,
        }
    }

    /// A fault of ours, whose details are in the log.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(Kind::Internal, "Try again; if it happens again, the fault is ours.")
    }

    /// Something failed that may succeed the next time. `what` is a sentence that says what.
    #[must_use]
    pub fn try_again(kind: Kind, what: &str) -> Self {
        Self::new(kind, format!("{what} Try again."))
    }

    /// The route exists, but does not take this method. `allow` lists those that it takes.
    #[must_use]
    pub fn method_not_allowed(allow: &'static str) -> Self {
        let detail = format!("This route takes {allow}.");
        Self { allow: Some(allow), ..Self::new(Kind::MethodNotAllowed, detail) }
    }

    /// The problem in the body of another Worker's answer, if it is of a kind that we know.
    /// `retry_after` is the header of that name, which says more than the kind does.
    #[must_use]
    pub fn from_answer(body: &[u8], retry_after: Option<&str>) -> Option<Self> {
        let problem = Self::from_document(serde_json::from_slice(body).ok()?)?;
        let seconds = retry_after.and_then(|seconds| seconds.parse().ok());
        Some(Self { retry_after: seconds.or(problem.retry_after), ..problem })
    }

    /// The problem that a document describes, if it is of a kind that we know.
    #[must_use]
    pub fn from_document(document: Document) -> Option<Self> {
        let slug = document.type_.strip_prefix(TYPE_PREFIX)?;
        let kind = Kind::ALL.into_iter().find(|kind| kind.slug() == slug)?;
        Some(Self { reasons: document.reasons, ..Self::new(kind, document.detail) })
    }

    /// The document to send.
    #[must_use]
    pub fn document(&self) -> Document {
        Document {
            type_: format!("{TYPE_PREFIX}{}", self.kind.slug()),
            title: self.kind.title().into(),
            status: self.kind.status(),
            detail: self.detail.clone(),
            reasons: self.reasons.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_differ_in_type_and_fit_their_status() {
        for (i, a) in Kind::ALL.iter().enumerate() {
            assert!((400..600).contains(&a.status()));
            assert_eq!(a.challenge().is_some(), a.status() == 401);
            for b in &Kind::ALL[i + 1..] {
                assert_ne!(a.slug(), b.slug());
            }
        }
    }

    #[test]
    fn documents_hold_the_members_of_rfc_9457() {
        let document = Problem::new(Kind::ModelUnavailable, "Try again.").document();
        let json = serde_json::to_value(&document).unwrap();
        assert_eq!(json["type"], "urn:cface:problem:model-unavailable");
        assert_eq!(json["status"], 503);
        assert_eq!(json["detail"], "Try again.");
        assert!(json["title"].is_string());
    }

    #[test]
    fn problems_are_read_back() {
        let sent = Problem::try_again(Kind::ModelUnavailable, "The model does not answer.");
        let body = serde_json::to_vec(&sent.document()).unwrap();
        assert_eq!(Problem::from_answer(&body, None), Some(sent.clone()));
        assert_eq!(Problem::from_answer(&body, Some("soon")), Some(sent.clone()));
        let later = Problem { retry_after: Some(7), ..sent };
        assert_eq!(Problem::from_answer(&body, Some("7")), Some(later));
        let unknown = String::from_utf8(body).unwrap().replace("model-unavailable", "other");
        for body in [unknown.as_bytes(), b"", b"null", b"<html>"] {
            assert_eq!(Problem::from_answer(body, Some("7")), None);
        }
    }

    #[test]
    fn outages_say_when_to_come_back() {
        assert_eq!(Problem::new(Kind::Unavailable, "x").retry_after, Some(2));
        assert_eq!(Problem::new(Kind::RateLimited, "x").retry_after, Some(60));
        assert_eq!(Problem::new(Kind::Malformed, "x").retry_after, None);
        assert_eq!(Problem::method_not_allowed("POST").allow, Some("POST"));
    }
}
