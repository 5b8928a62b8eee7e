//! The form of Cloudflare's answers: an envelope of JSON, except for the contents of objects.

use serde_json::{Value, json};

/// When everything was made. No test depends on it.
pub(crate) const TIME: &str = "2026-01-01T00:00:00.000000Z";

/// What is answered to a request.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) media_type: &'static str,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// A result.
    pub(crate) fn of(result: &Value) -> Self {
        Self::page(result, &Value::Null)
    }

    /// A result of several pages.
    pub(crate) fn page(result: &Value, info: &Value) -> Self {
        Self::envelope(200, true, &[], result, info)
    }

    /// The contents of an object.
    pub(crate) fn object(bytes: Vec<u8>) -> Self {
        Self { status: 200, media_type: "application/octet-stream", body: bytes }
    }

    fn envelope(
        status: u16,
        success: bool,
        errors: &[Value],
        result: &Value,
        info: &Value,
    ) -> Self {
        let mut body =
            json!({ "success": success, "errors": errors, "messages": [], "result": result });
        if let (Some(body), false) = (body.as_object_mut(), info.is_null()) {
            body.insert("result_info".into(), info.clone());
        }
        Self { status, media_type: "application/json", body: body.to_string().into_bytes() }
    }

    /// The same with another status of success.
    pub(crate) fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }
}

/// Why a request is refused.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: u64,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(status: u16, code: u64, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    /// No such route, or not this method of it.
    pub(crate) fn no_route(path: &str) -> Self {
        Self::new(404, 7003, format!("Could not route to {path}, perhaps it is wrong?"))
    }

    /// A body that is not what the route takes.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, 10001, message)
    }

    /// The token lacks a permission, or is of another account.
    pub(crate) fn forbidden() -> Self {
        Self::new(403, 10000, "Authentication error")
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        let error = json!({ "code": refusal.code, "message": refusal.message });
        Self::envelope(refusal.status, false, &[error], &Value::Null, &Value::Null)
    }
}

/// What a route gives.
pub(crate) type Outcome = Result<Answer, Refusal>;
