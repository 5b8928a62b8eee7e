//! The headers that every answer has: what a browser may do with it, and the pages of which other
//! origins may read it. Those are the origins that the variable `ALLOWED_ORIGINS` names.

use wire::http;
use wire::log::CALLS_HEADER;
use worker::{Env, Headers, Method, Request, Response, Result};

use crate::bindings;
use crate::routes::Route;

/// Tell a browser that an answer is data, and not a document that may do something.
const SECURITY: [(&str, &str); 4] = [
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ("strict-transport-security", "max-age=31536000"),
];

/// What the pages of other origins may read besides the body.
const EXPOSED: &str = "retry-after, server-timing, allow, www-authenticate";

/// How long browsers may remember the answer to a preflight.
const PREFLIGHT_AGE_S_MAX: u32 = 600;

/// The origin of the page that sends a request, and whether it may use the API.
pub(crate) struct Origin {
    allowed: Option<String>,
}

impl Origin {
    /// Looks at a request before it is answered.
    pub(crate) fn of(request: &Request, env: &Env) -> Self {
        let origin = request.headers().get("origin").ok().flatten();
        let allowed = env.var(bindings::ALLOWED_ORIGINS).ok().map(|value| value.to_string());
        let allowed = allowed.unwrap_or_default();
        Self { allowed: origin.filter(|origin| is_allowed(origin, &allowed)) }
    }

    /// Whether it is one that the operator allows.
    pub(crate) const fn is_allowed(&self) -> bool {
        self.allowed.is_some()
    }

    /// The answer to a browser that asks what a page of another origin may send. Nothing when the
    /// request is not such a question, or the page may send nothing.
    pub(crate) fn preflight(&self, request: &Request) -> Option<Result<Response>> {
        let headers = request.headers();
        let asks = request.method() == Method::Options
            && headers.has("access-control-request-method").unwrap_or(false);
        let route = Route::parse(&request.path())?;
        (asks && self.is_allowed()).then(|| {
            let response = http::empty(204)?;
            let headers = response.headers();
            headers.set("access-control-allow-methods", route.allow())?;
            headers
                .set("access-control-allow-headers", "content-type, authorization, x-api-key")?;
            headers.set("access-control-max-age", &PREFLIGHT_AGE_S_MAX.to_string())?;
            Ok(response)
        })
    }

    /// Adds the headers that the answer does not have yet.
    pub(crate) fn add_to(&self, response: Response) -> Result<Response> {
        // Relayed responses have immutable headers, so all get a copy.
        let headers = response.headers().clone();
        for (name, value) in SECURITY {
            set_default(&headers, name, value)?;
        }
        // The private Worker sends it for the log only.
        headers.delete(CALLS_HEADER)?;
        headers.append("vary", "origin")?;
        let policy = if let Some(origin) = &self.allowed {
            headers.set("access-control-allow-origin", origin)?;
            headers.set("access-control-expose-headers", EXPOSED)?;
            "cross-origin"
        } else {
            "same-origin"
        };
        headers.set("cross-origin-resource-policy", policy)?;
        Ok(response.with_headers(headers))
    }
}

fn set_default(headers: &Headers, name: &str, value: &str) -> Result<()> {
    if headers.has(name)? { Ok(()) } else { headers.set(name, value) }
}

/// Whether `origin` is in a list with commas. `*` stands for all, and nothing for none.
fn is_allowed(origin: &str, list: &str) -> bool {
    let mut entries = list.split(',').map(|entry| entry.trim().trim_end_matches('/'));
    // A browser sends `null` for pages without an origin, which anybody can make.
    origin != "null" && entries.any(|entry| !entry.is_empty() && (entry == "*" || entry == origin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_origins_are_allowed() {
        let page = "https://example.org";
        for list in ["https://example.org", "https://a.test, https://example.org/", "*"] {
            assert!(is_allowed(page, list), "{list}");
        }
        for list in ["", " , ", "http://example.org", "https://example.org:8443", "example.org"] {
            assert!(!is_allowed(page, list), "{list}");
        }
        for origin in ["null", "", "https://example.org.evil.test", "https://EXAMPLE.org"] {
            assert!(!is_allowed(origin, page), "{origin}");
        }
        assert!(!is_allowed("null", "*"));
    }
}
