//! A request with its body, taken apart.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures_util::stream;
use hyper::http::request::Parts;
use hyper::{Method, header};
use serde_json::Value;
use url::form_urlencoded;

use crate::answer::{Outcome, Refusal};

/// A part of a multipart body.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) media_type: String,
    pub(crate) bytes: Bytes,
}

/// A request.
pub(crate) struct Call {
    pub(crate) method: Method,
    /// The parts of the path after the base, decoded.
    pub(crate) path: Vec<String>,
    pub(crate) query: BTreeMap<String, String>,
    /// What follows `Bearer`.
    pub(crate) token: String,
    pub(crate) body: Bytes,
    /// The parts of a multipart body.
    pub(crate) parts: Option<Vec<Part>>,
}

impl Call {
    /// Takes a request apart. `base` is the path before the API's own.
    pub(crate) async fn of(parts: Parts, body: Bytes, base: &str) -> Result<Self, Refusal> {
        let whole = parts.uri.path();
        let path = whole.strip_prefix(base).ok_or_else(|| Refusal::no_route(whole))?;
        let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let kind = text(header::CONTENT_TYPE).unwrap_or_default();
        let form = match multer::parse_boundary(kind) {
            Ok(boundary) => Some(read_parts(body.clone(), boundary).await?),
            Err(_) => None,
        };
        let token = text(header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
        Ok(Self {
            path: path.split('/').filter(|part| !part.is_empty()).map(decode).collect(),
            query: form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
                .into_owned()
                .collect(),
            token: token.unwrap_or_default().to_owned(),
            method: parts.method,
            body,
            parts: form,
        })
    }

    /// Nothing that this stand-in, or Cloudflare, has.
    pub(crate) fn no_route(&self) -> Outcome {
        Err(Refusal::no_route(&format!("{} /{}", self.method, self.path.join("/"))))
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Result<Value, Refusal> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Refusal::bad_request(format!("could not parse the body: {error}")))
    }

    /// The number `per_page` of the query, which must be 1 to `max`; `default` where it is missing.
    pub(crate) fn per_page(&self, default: usize, max: usize) -> Result<usize, Refusal> {
        let Some(text) = self.query.get("per_page") else { return Ok(default) };
        let number = text.parse().ok().filter(|number| (1..=max).contains(number));
        number.ok_or_else(|| Refusal::bad_request(format!("per_page must be 1 to {max}")))
    }
}

fn decode(part: &str) -> String {
    // A plus stays a plus in a path.
    let part = part.replace('+', "%2B");
    let pairs = form_urlencoded::parse(part.as_bytes()).next();
    pairs.map(|(name, _)| name.into_owned()).unwrap_or_default()
}

async fn read_parts(body: Bytes, boundary: String) -> Result<Vec<Part>, Refusal> {
    let refuse = |error: multer::Error| Refusal::bad_request(format!("multipart: {error}"));
    let body = stream::once(async { Ok::<_, std::io::Error>(body) });
    let mut form = multer::Multipart::new(body, boundary);
    let mut parts = Vec::new();
    while let Some(field) = form.next_field().await.map_err(refuse)? {
        parts.push(Part {
            name: field.name().unwrap_or_default().to_owned(),
            media_type: field.content_type().map(ToString::to_string).unwrap_or_default(),
            bytes: field.bytes().await.map_err(refuse)?,
        });
    }
    Ok(parts)
}
