//! What both Workers do with requests and responses of the runtime: read bodies, answer, and read
//! the other Worker's answers.

use futures_util::StreamExt as _;
use serde::Serialize;
use worker::js_sys::{ArrayBuffer, Uint8Array};
use worker::wasm_bindgen::JsCast as _;
use worker::wasm_bindgen_futures::JsFuture;
use worker::{Headers, Request, Response, ResponseBody, web_sys};

use crate::limits::BODY_BYTES_MAX;
use crate::problem::MEDIA_TYPE;
use crate::{Kind, Problem};

/// Reads the whole body of a request, up to [`BODY_BYTES_MAX`] bytes.
///
/// # Errors
/// As of [`read_up_to`].
pub async fn read(request: &mut Request) -> Result<Vec<u8>, Problem> {
    read_up_to(request, BODY_BYTES_MAX).await
}

/// Reads the whole body of a request.
///
/// Bytes beyond the limit are read too, and dropped: if a body in chunks were left half read, the
/// caller would lose the connection. (The platform bounds how many there can be.)
///
/// # Errors
/// 413 when the body is larger than `bytes_max`, 400 when it breaks off.
pub async fn read_up_to(request: &mut Request, bytes_max: usize) -> Result<Vec<u8>, Problem> {
    let announced = request.headers().get("content-length").ok().flatten();
    let announced = announced.and_then(|length| length.parse::<usize>().ok()).unwrap_or(0);
    if announced > bytes_max {
        return Err(too_large(bytes_max));
    }
    if announced > 0 {
        // All at once is cheaper than chunk by chunk.
        let bytes = request.bytes().await.map_err(|_| broke_off())?;
        return if bytes.len() > bytes_max { Err(too_large(bytes_max)) } else { Ok(bytes) };
    }
    // A request without a body has no stream.
    let Ok(mut stream) = request.stream() else { return Ok(Vec::new()) };
    let mut bytes = Vec::new();
    let mut length: usize = 0;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| broke_off())?;
        length = length.saturating_add(chunk.len());
        if length <= bytes_max {
            bytes.extend_from_slice(&chunk);
        } else {
            bytes = Vec::new();
        }
    }
    if length > bytes_max { Err(too_large(bytes_max)) } else { Ok(bytes) }
}

/// The problem of a body that ends before it is whole.
#[must_use]
pub fn broke_off() -> Problem {
    Problem::new(Kind::Malformed, "The body broke off. Send it again.")
}

fn too_large(bytes_max: usize) -> Problem {
    let kib = bytes_max >> 10;
    Problem::new(Kind::TooLarge, format!("The body is larger than {kib} KiB. Send a smaller one."))
}

/// Reads the whole body of an answer of the other Worker.
///
/// This is one call of the runtime. [`Response::bytes`] makes a reader and several calls, which
/// take longer than everything else that is done with the answer.
///
/// # Errors
/// When the answer breaks off.
pub async fn body_of(response: &Response) -> worker::Result<Vec<u8>> {
    let ResponseBody::Stream(stream) = response.body() else { return Ok(Vec::new()) };
    let body = web_sys::Response::new_with_opt_readable_stream(Some(stream))?.array_buffer()?;
    let buffer: ArrayBuffer = JsFuture::from(body).await?.unchecked_into();
    Ok(Uint8Array::new(&buffer).to_vec())
}

/// The problem that the other Worker or a Durable Object has answered with, from the headers and
/// the body of the answer. Nothing when it is not a problem document of a kind that we know.
#[must_use]
pub fn problem_of(headers: &Headers, body: &[u8]) -> Option<Problem> {
    let retry_after = headers.get("retry-after").ok().flatten();
    Problem::from_answer(body, retry_after.as_deref())
}

/// Headers of an answer that no cache may keep. Answers are about faces, and a copy in a cache
/// would outlive a deletion.
///
/// # Errors
/// When the runtime refuses a header.
pub fn headers(content_type: &str) -> worker::Result<Headers> {
    let headers = no_store()?;
    headers.set("content-type", content_type)?;
    Ok(headers)
}

/// The one place that says `no-store`.
fn no_store() -> worker::Result<Headers> {
    let headers = Headers::new();
    headers.set("cache-control", "no-store")?;
    Ok(headers)
}

/// An answer as JSON, which no cache may keep.
///
/// # Errors
/// When the value cannot be written as JSON, or the runtime refuses to make a response.
pub fn json(value: &impl Serialize, status: u16) -> worker::Result<Response> {
    let body = serde_json::to_vec(value)?;
    Ok(Response::from_bytes(body)?.with_status(status).with_headers(headers("application/json")?))
}

/// An answer without a body, which no cache may keep: 204 when it is done, 202 when it will be.
///
/// # Errors
/// When the runtime refuses to make a response.
pub fn empty(status: u16) -> worker::Result<Response> {
    Ok(Response::empty()?.with_status(status).with_headers(no_store()?))
}

impl Problem {
    /// The problem as an answer, which no cache may keep.
    ///
    /// # Errors
    /// When the runtime refuses to make a response.
    pub fn into_response(self) -> worker::Result<Response> {
        let response = json(&self.document(), self.kind.status())?;
        let headers = response.headers();
        headers.set("content-type", MEDIA_TYPE)?;
        if let Some(challenge) = self.kind.challenge() {
            headers.set("www-authenticate", challenge)?;
        }
        if let Some(seconds) = self.retry_after {
            headers.set("retry-after", &seconds.to_string())?;
        }
        if let Some(methods) = self.allow {
            headers.set("allow", methods)?;
        }
        Ok(response)
    }
}
