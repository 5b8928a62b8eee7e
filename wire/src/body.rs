//! Bodies of requests, read up to a limit.

use futures_util::StreamExt as _;
use worker::Request;

use crate::limits::BODY_BYTES_MAX;
use crate::{Kind, Problem};

/// Reads the whole body.
///
/// What is beyond the limit is still read, and dropped: answering with a chunked body half read
/// would cost the caller the connection. (The platform bounds how much that can be.)
///
/// # Errors
/// When it is larger than [`BODY_BYTES_MAX`] or breaks off.
pub async fn read(request: &mut Request) -> Result<Vec<u8>, Problem> {
    let announced = request.headers().get("content-length").ok().flatten();
    let announced = announced.and_then(|length| length.parse::<usize>().ok()).unwrap_or(0);
    if announced > BODY_BYTES_MAX {
        return Err(too_large());
    }
    // A request without a body has no stream.
    let Ok(mut stream) = request.stream() else { return Ok(Vec::new()) };
    let mut bytes = Vec::with_capacity(announced);
    let mut length = 0;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk
            .map_err(|_| Problem::new(Kind::Malformed, "The body broke off. Send it again."))?;
        length += chunk.len();
        if length <= BODY_BYTES_MAX {
            bytes.extend_from_slice(&chunk);
        }
    }
    if length > BODY_BYTES_MAX { Err(too_large()) } else { Ok(bytes) }
}

fn too_large() -> Problem {
    let mib = BODY_BYTES_MAX >> 20;
    Problem::new(Kind::TooLarge, format!("The body is larger than {mib} MiB. Send a smaller one."))
}
