//! Bodies of requests, read up to a limit.

use futures_util::StreamExt as _;
use wire::limits::BODY_BYTES_MAX;
use wire::{Kind, Problem};
use worker::Request;

/// Reads the whole body.
///
/// # Errors
/// When it is larger than [`BODY_BYTES_MAX`] or breaks off.
pub(crate) async fn read(request: &mut Request) -> Result<Vec<u8>, Problem> {
    let announced = request.headers().get("content-length").ok().flatten();
    let announced = announced.and_then(|length| length.parse::<usize>().ok()).unwrap_or(0);
    if announced > BODY_BYTES_MAX {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(announced);
    // A request without a body has no stream.
    let Ok(mut stream) = request.stream() else { return Ok(bytes) };
    while let Some(chunk) = stream.next().await {
        let chunk = chunk
            .map_err(|_| Problem::new(Kind::Malformed, "The body broke off. Send it again."))?;
        if bytes.len() + chunk.len() > BODY_BYTES_MAX {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn too_large() -> Problem {
    let mib = BODY_BYTES_MAX >> 20;
    Problem::new(Kind::TooLarge, format!("The body is larger than {mib} MiB. Send a smaller one."))
}

/// The request's media type without parameters, lower case.
pub(crate) fn media_type(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}
