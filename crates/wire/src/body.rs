//! Bodies: of requests, up to a limit, and of what other Workers and objects answer.

use futures_util::StreamExt as _;
use worker::js_sys::Uint8Array;
use worker::wasm_bindgen_futures::JsFuture;
use worker::{Request, Response, ResponseBody, web_sys};

use crate::limits::BODY_BYTES_MAX;
use crate::{Kind, Problem};

/// Reads the whole body of up to [`BODY_BYTES_MAX`] bytes.
///
/// # Errors
/// As of [`read_up_to`].
pub async fn read(request: &mut Request) -> Result<Vec<u8>, Problem> {
    read_up_to(request, BODY_BYTES_MAX).await
}

/// Reads the whole body.
///
/// What is beyond the limit is still read, and dropped: answering with a chunked body half read
/// would cost the caller the connection. (The platform bounds how much that can be.)
///
/// # Errors
/// When it is larger than `bytes_max` or breaks off.
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

/// Reads the whole body of an answer that is ours, in one call of the runtime. [`Response::bytes`]
/// makes a reader and several calls, which takes longer than the rest of what is done to it.
///
/// # Errors
/// When the answer breaks off.
pub async fn of_answer(response: &Response) -> worker::Result<Vec<u8>> {
    let ResponseBody::Stream(stream) = response.body() else { return Ok(Vec::new()) };
    let body = web_sys::Response::new_with_opt_readable_stream(Some(stream))?.array_buffer()?;
    Ok(Uint8Array::new(&JsFuture::from(body).await?).to_vec())
}

fn broke_off() -> Problem {
    Problem::new(Kind::Malformed, "The body broke off. Send it again.")
}

fn too_large(bytes_max: usize) -> Problem {
    let kib = bytes_max >> 10;
    Problem::new(Kind::TooLarge, format!("The body is larger than {kib} KiB. Send a smaller one."))
}
