//! What crosses between `cface` and its Durable Objects, and between the two objects.
//!
//! A body is an `ArrayBuffer`: pixels as bytes, or numbers as 32-bit floats, little-endian as all
//! machines of the runtime are. Each direction copies once, between WebAssembly memory and that
//! buffer. A problem is answered as everywhere, by its document.

use facenet::Face;
use wire::{Problem, http};
use worker::js_sys::{ArrayBuffer, Float32Array, Uint8Array};
use worker::wasm_bindgen::JsCast as _;
use worker::wasm_bindgen_futures::JsFuture;
use worker::{Headers, Method, Request, RequestInit, Response, Result};

use super::replicas::Continent;
use crate::caller::CallerId;
use crate::error;

/// Tells the first shard where the caller is, so that it calls the second one there.
const CONTINENT_HEADER: &str = "x-cface-continent";

/// Tells the shards whose turn it is.
const CALLER_HEADER: &str = "x-cface-caller";

/// Marks the answer of an object that has too much to do.
const OVERLOADED_HEADER: &str = "x-cface-full";

/// Where a request comes from. It decides which objects serve it, and when it is its turn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source {
    /// Where the caller is.
    pub(crate) continent: Continent,
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

/// A request to an object.
///
/// # Errors
/// When the runtime refuses to make it.
pub(super) fn request(source: Source, body: &ArrayBuffer) -> Result<Request> {
    let headers = Headers::new();
    headers.set(CONTINENT_HEADER, source.continent.code)?;
    headers.set(CALLER_HEADER, &source.caller.to_string())?;
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_headers(headers).with_body(Some(body.into()));
    // A stub's request goes to its object, whatever the URL.
    Request::new_with_init("http://facenet/run", &init)
}

/// The source that a request names.
pub(super) fn source_of(request: &Request) -> Source {
    let header = |name| request.headers().get(name).ok().flatten();
    let caller = header(CALLER_HEADER).and_then(|id| id.parse().ok()).unwrap_or_default();
    Source { continent: Continent::of(header(CONTINENT_HEADER).as_deref()), caller }
}

/// The body of a request.
///
/// # Errors
/// When it breaks off.
pub(super) async fn body_of(request: &Request) -> Result<ArrayBuffer> {
    let body = JsFuture::from(request.inner().array_buffer()?).await?;
    Ok(body.unchecked_into())
}

/// The answer of an object: a body, or why there is none.
///
/// # Errors
/// When the runtime refuses to make it.
pub(super) fn response(outcome: Result<ArrayBuffer, Problem>) -> Result<Response> {
    match outcome {
        Ok(body) => Response::from_bytes(bytes(&body)),
        Err(problem) => problem.into_response(),
    }
}

/// The answer of an object that has too much to do.
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
    /// Whether it has too much to do.
    pub(super) overloaded: bool,
    /// The body, or the object's problem.
    pub(super) outcome: Result<ArrayBuffer, Problem>,
}

impl Answer {
    /// Reads an answer.
    ///
    /// # Errors
    /// When it breaks off.
    pub(super) async fn read(response: &Response) -> Result<Self> {
        let overloaded = response.headers().has(OVERLOADED_HEADER)?;
        let body = http::buffer_of(response).await?;
        if response.status_code() == 200 {
            return Ok(Self { overloaded, outcome: Ok(body) });
        }
        let problem = http::problem_of(response, &bytes(&body)).unwrap_or_else(|| {
            error::model_unavailable(format_args!("a shard answered {}", response.status_code()))
        });
        Ok(Self { overloaded, outcome: Err(problem) })
    }
}
