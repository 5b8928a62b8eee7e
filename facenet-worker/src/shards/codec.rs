//! The messages between `cface` and its Durable Objects, and between the two objects.
//!
//! For minutes after a deployment an object may run older or newer code than its caller. So a
//! request names the version of the messages, and the weights to compute with. An answer names the
//! weights that it was computed with, and is dropped when they are others.
//!
//! A body is an `ArrayBuffer`: pixels as bytes, or numbers as 32-bit floats, little-endian as all
//! machines of the runtime are. It is copied once in each direction, between WebAssembly memory and
//! that buffer. Problems are documents, as everywhere.

use facenet::Face;
use facenet::record::Weights;
use wire::{Problem, http};
use worker::js_sys::{ArrayBuffer, Float32Array, Uint8Array};
use worker::wasm_bindgen::JsCast as _;
use worker::wasm_bindgen_futures::JsFuture;
use worker::{Headers, Method, Request, RequestInit, Response, Result, web_sys};

use super::engine;
use super::region::Region;
use crate::caller::CallerId;
use crate::error;

/// The version of the messages. Raise it when code of the version before would misread a request or
/// an answer. It is part of the objects' names too: so a new version calls objects that no other
/// version has called, and these mostly run the new code.
const VERSION: u32 = 1;

/// The version and the engine's pipeline: one engine computes all of an embedding.
pub(super) fn version() -> String {
    format!("{VERSION}-{}", engine::PIPELINE)
}

/// Names the version.
const VERSION_HEADER: &str = "x-cface-version";

/// Names the weights, in requests and in answers.
const WEIGHTS_HEADER: &str = "x-cface-weights";

/// Tells the first shard where the caller is, so that it calls the second one there.
const REGION_HEADER: &str = "x-cface-region";

/// Tells the shards who the caller is, so that callers are served in turn.
const CALLER_HEADER: &str = "x-cface-caller";

/// Marks the answer of an object that is overloaded.
const OVERLOADED_HEADER: &str = "x-cface-full";

/// Where a request comes from. That decides which objects serve it, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source {
    /// Where the caller is.
    pub(crate) region: Region,
    /// Who the caller is.
    pub(crate) caller: CallerId,
}

/// The pixels of a face, 160x160x3 bytes.
pub(super) fn encode_face(face: &Face) -> ArrayBuffer {
    Uint8Array::from(face.rgb()).buffer()
}

/// The inverse of [`encode_face`]. Nothing when there are more or fewer pixels.
pub(super) fn decode_face(buffer: &ArrayBuffer) -> Option<Face> {
    Face::from_rgb(bytes(buffer))
}

/// The boundary tensor or the embedding.
pub(super) fn encode_numbers(numbers: &[f32]) -> ArrayBuffer {
    Float32Array::from(numbers).buffer()
}

/// The inverse of [`encode_numbers`]. An incomplete number at the end is dropped; whoever takes
/// the numbers checks how many there are.
pub(super) fn decode_numbers(buffer: &ArrayBuffer) -> Vec<f32> {
    let length = buffer.byte_length() / 4;
    Float32Array::new_with_byte_offset_and_length(buffer, 0, length).to_vec()
}

fn bytes(buffer: &ArrayBuffer) -> Vec<u8> {
    Uint8Array::new(buffer).to_vec()
}

/// A request to an object: to compute.
///
/// # Errors
/// When the runtime refuses to make it.
pub(super) fn request(source: Source, weights: &Weights, body: &ArrayBuffer) -> Result<Request> {
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_body(Some(body.into()));
    to_object(source, weights, init)
}

/// A request to an object: to load what it would need to compute.
///
/// # Errors
/// When the runtime refuses to make it.
pub(super) fn wake_request(source: Source, weights: &Weights) -> Result<Request> {
    to_object(source, weights, RequestInit::new())
}

/// Whether a request is a [`wake_request`]: it has no body.
pub(super) fn is_wake(request: &Request) -> bool {
    request.method() == Method::Get
}

fn to_object(source: Source, weights: &Weights, mut init: RequestInit) -> Result<Request> {
    let headers = Headers::new();
    headers.set(VERSION_HEADER, &version())?;
    headers.set(WEIGHTS_HEADER, &weights.to_string())?;
    headers.set(REGION_HEADER, source.region.code)?;
    headers.set(CALLER_HEADER, &source.caller.to_string())?;
    init.with_headers(headers);
    // A stub's request goes to its object, whatever the URL.
    Request::new_with_init("http://facenet/", &init)
}

/// The source that a request names.
pub(super) fn source_of(request: &Request) -> Source {
    let header = |name| request.headers().get(name).ok().flatten();
    let caller = header(CALLER_HEADER).and_then(|id| id.parse().ok()).unwrap_or_default();
    Source { region: Region::of(header(REGION_HEADER).as_deref()), caller }
}

/// The weights that a request is to be computed with.
///
/// # Errors
/// 503 when its sender runs code of another version, or wants weights of another pipeline. Both
/// will soon run the same code.
pub(super) fn weights_of(request: &Request) -> Result<Weights, Problem> {
    let header = |name| request.headers().get(name).ok().flatten();
    let is_current = header(VERSION_HEADER).is_some_and(|found| found == version());
    let weights = header(WEIGHTS_HEADER).and_then(|found| found.parse::<Weights>().ok());
    weights
        .filter(|weights| is_current && weights.pipeline() == facenet::PIPELINE)
        .ok_or_else(|| error::model_unavailable("a shard is asked by code of another version"))
}

/// The body of a request.
///
/// # Errors
/// When it breaks off.
pub(super) async fn body_of(request: &Request) -> Result<ArrayBuffer> {
    let body = JsFuture::from(request.inner().array_buffer()?).await?;
    Ok(body.unchecked_into())
}

/// The answer of an object: what it has computed, with which weights; or why it has not.
///
/// # Errors
/// When the runtime refuses to make it.
pub(super) fn response(outcome: Result<(ArrayBuffer, Weights), Problem>) -> Result<Response> {
    match outcome {
        Ok((body, weights)) => {
            let response = Response::from_bytes(bytes(&body))?;
            response.headers().set(WEIGHTS_HEADER, &weights.to_string())?;
            Ok(response)
        }
        Err(problem) => problem.into_response(),
    }
}

/// The answer of an object that is overloaded.
///
/// # Errors
/// When the runtime refuses to make it.
pub(super) fn overloaded_response() -> Result<Response> {
    let response = error::overloaded().into_response()?;
    response.headers().set(OVERLOADED_HEADER, "1")?;
    Ok(response)
}

/// What an object has answered.
pub(super) struct Answer {
    /// Whether it is overloaded.
    pub(super) overloaded: bool,
    /// The body, or the object's problem.
    pub(super) outcome: Result<ArrayBuffer, Problem>,
}

impl Answer {
    /// Reads the answer to a request for these weights.
    ///
    /// # Errors
    /// When it breaks off.
    pub(super) async fn read(response: &web_sys::Response, weights: &Weights) -> Result<Self> {
        let headers = Headers(response.headers());
        let overloaded = headers.has(OVERLOADED_HEADER)?;
        let found = headers.get(WEIGHTS_HEADER)?;
        let body = JsFuture::from(response.array_buffer()?).await?;
        let body: ArrayBuffer = body.unchecked_into();
        if response.status() == 200 {
            let fits = found.is_some_and(|found| found == weights.to_string());
            let other = || error::model_unavailable("a shard has computed with other weights");
            return Ok(Self { overloaded, outcome: fits.then_some(body).ok_or_else(other) });
        }
        let problem = http::problem_of(&headers, &bytes(&body)).unwrap_or_else(|| {
            error::model_unavailable(format_args!("a shard answered {}", response.status()))
        });
        Ok(Self { overloaded, outcome: Err(problem) })
    }
}
