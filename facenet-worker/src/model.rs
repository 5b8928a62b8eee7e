//! The client's side of the two Durable Objects: a face in, an embedding out.

use facenet::{Embedding, Face, Part};
use wire::problem::Document;
use wire::{Kind, Problem};
use worker::wasm_bindgen::JsValue;
use worker::{Env, Headers, Method, Request, RequestInit, Response, Result, console_error};

use crate::bindings;
use crate::placement::Continent;

/// Tells the first shard where the caller is, so that it calls the second one there.
pub(crate) const CONTINENT_HEADER: &str = "x-cface-continent";

/// The embedding of a face.
///
/// # Errors
/// When the model is not available.
pub(crate) async fn embed(
    env: &Env,
    continent: Continent,
    face: &Face,
) -> Result<Embedding, Problem> {
    let unavailable = |error: worker::Error| {
        console_error!("the shards do not answer: {error}");
        Problem::new(Kind::ModelUnavailable, "The model does not answer. Try again.")
    };
    let mut response =
        call(env, bindings::FACENET_SHARD1, continent, face.rgb()).await.map_err(unavailable)?;
    let body = response.bytes().await.map_err(unavailable)?;
    if response.status_code() != 200 {
        // A shard that has a problem answers with its document.
        let document = serde_json::from_slice::<Document>(&body).ok();
        return Err(document.and_then(Problem::from_document).unwrap_or_else(|| {
            console_error!("a shard answered {}", response.status_code());
            Problem::new(Kind::ModelUnavailable, "The model does not answer. Try again.")
        }));
    }
    Embedding::normalise(floats(&body)).map_err(|error| {
        console_error!("the model gave no embedding: {error}");
        Problem::new(Kind::Internal, "Try again; if it happens again, the fault is ours.")
    })
}

/// Passes the boundary tensor to the second shard.
pub(crate) async fn call_shard2(
    env: &Env,
    continent: Continent,
    boundary: &[f32],
) -> Result<Response> {
    debug_assert_eq!(boundary.len(), Part::Shard2.input_len());
    call(env, bindings::FACENET_SHARD2, continent, &bytes(boundary)).await
}

async fn call(env: &Env, shard: &str, continent: Continent, body: &[u8]) -> Result<Response> {
    let headers = Headers::new();
    headers.set(CONTINENT_HEADER, continent.code)?;
    let body = JsValue::from(worker::js_sys::Uint8Array::from(body));
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_headers(headers).with_body(Some(body));
    // The host is a formality: a stub's request goes to its object, whatever the URL.
    let request = Request::new_with_init("http://facenet/run", &init)?;
    let stub = env
        .durable_object(shard)?
        .get_by_name_with_location_hint(continent.code, continent.location_hint)?;
    stub.fetch_with_request(request).await
}

/// Numbers as they travel between objects: 32-bit floats, little-endian.
pub(crate) fn bytes(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// The inverse of [`bytes`]. An incomplete number at the end is dropped; whoever takes the
/// numbers checks how many there are.
pub(crate) fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|word| f32::from_le_bytes(*word)).collect()
}
