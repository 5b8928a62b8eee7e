//! Uploads: bodies of requests while they are read. The runtime keeps them, because our WebAssembly
//! memory never shrinks. All bodies of an isolate together are bounded.
//!
//! Above that bound, the body that has taken longest ends. So whoever sends slowly on purpose goes
//! first, and whoever sends a crop is served.

use std::cell::RefCell;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use wire::http::broke_off;
use wire::limits::{UPLOAD_S_MAX, UPLOADS_BYTES_MAX, UPLOADS_MAX};
use wire::{Kind, Problem};
use worker::js_sys::{ArrayBuffer, Uint8Array};
use worker::{Date, Delay, Request};

use crate::byob::Reader;
use crate::error;

/// Bytes that are waited for at a time. A crop comes in one or two pieces, and the memory for one
/// of each body does not count in what all may have.
const PIECE_BYTES: usize = 32 << 10;

/// The body of one request.
struct Upload {
    number: u64,
    since_ms: u64,
    bytes: usize,
    chunks: Vec<Uint8Array>,
}

/// The bodies of an isolate, the oldest first.
#[derive(Default)]
struct Uploads {
    next_number: u64,
    held: Vec<Upload>,
}

thread_local! {
    static UPLOADS: RefCell<Uploads> = RefCell::default();
}

/// Reads the whole body of a request.
///
/// Bytes beyond the limit are read too, and dropped: if a body in chunks were left half read, the
/// caller would lose the connection. (The platform bounds how many there can be.)
///
/// # Errors
/// 413 when it is larger than `bytes_max`, 400 when it breaks off, 408 when it takes too long.
pub(crate) async fn read(request: &Request, bytes_max: usize) -> Result<Uint8Array, Problem> {
    let announced = request.headers().get("content-length").ok().flatten();
    let announced = announced.and_then(|length| length.parse::<usize>().ok());
    if announced.is_some_and(|length| length > bytes_max) {
        return Err(too_large(bytes_max));
    }
    // A request without a body has no stream.
    let Some(stream) = request.inner().body() else { return Ok(Uint8Array::new_with_length(0)) };
    let reader = Reader::of(&stream).map_err(|error| {
        error::internal(format_args!("a body is no stream of bytes: {error:?}"))
    })?;
    let now_ms = Date::now().as_millis();
    let number = UPLOADS.with_borrow_mut(|uploads| uploads.begin(now_ms));
    let outcome = chunks(&reader, number, announced, bytes_max).await;
    let upload = UPLOADS.with_borrow_mut(|uploads| uploads.end(number));
    if let Err(problem) = outcome {
        reader.cancel();
        return Err(problem);
    }
    let upload = upload.ok_or_else(too_slow)?;
    joined(&upload).ok_or_else(broke_off)
}

/// Reads chunks into an upload until there are no more, or all that were announced.
async fn chunks(
    reader: &Reader,
    number: u64,
    announced: Option<usize>,
    bytes_max: usize,
) -> Result<(), Problem> {
    let mut end = pin!(Delay::from(Duration::from_secs(u64::from(UPLOAD_S_MAX))));
    let mut length: usize = 0;
    loop {
        let left = announced.map_or(PIECE_BYTES, |announced| announced.saturating_sub(length));
        if left == 0 {
            break;
        }
        let memory = ArrayBuffer::new(left.min(PIECE_BYTES) as u32);
        let chunk = match select(pin!(reader.fill(&memory)), end.as_mut()).await {
            Either::Left((chunk, _)) => chunk.map_err(|_| broke_off())?,
            Either::Right(_) => return Err(too_slow()),
        };
        let Some(chunk) = chunk else { break };
        length = length.saturating_add(chunk.length() as usize);
        // Also after the upload has ended, so that the caller gets the answer.
        let chunk = (length <= bytes_max).then_some(chunk);
        UPLOADS.with_borrow_mut(|uploads| uploads.add(number, chunk));
    }
    if length > bytes_max { Err(too_large(bytes_max)) } else { Ok(()) }
}

/// The chunks as one.
fn joined(upload: &Upload) -> Option<Uint8Array> {
    if let [only] = upload.chunks.as_slice() {
        return Some(only.clone());
    }
    let all = Uint8Array::new_with_length(u32::try_from(upload.bytes).ok()?);
    let mut at = 0;
    for chunk in &upload.chunks {
        all.set(chunk, at);
        at += chunk.length();
    }
    Some(all)
}

impl Uploads {
    /// Admits a body, and gives its number.
    fn begin(&mut self, now_ms: u64) -> u64 {
        // When a caller goes away, the request is never continued and never dropped.
        let age_ms_max = u64::from(UPLOAD_S_MAX) * 1000;
        self.held.retain(|upload| now_ms.saturating_sub(upload.since_ms) <= age_ms_max);
        while self.held.len() >= UPLOADS_MAX {
            self.held.remove(0);
        }
        let number = self.next_number;
        self.next_number += 1;
        self.held.push(Upload { number, since_ms: now_ms, bytes: 0, chunks: Vec::new() });
        number
    }

    /// Adds a chunk to a body. Without a chunk, drops what there is of the body: it is too large.
    fn add(&mut self, number: u64, chunk: Option<Uint8Array>) {
        let Some(upload) = self.held.iter_mut().find(|upload| upload.number == number) else {
            return;
        };
        if let Some(chunk) = chunk {
            upload.bytes += chunk.length() as usize;
            upload.chunks.push(chunk);
        } else {
            upload.bytes = 0;
            upload.chunks.clear();
        }
        while self.held.iter().map(|upload| upload.bytes).sum::<usize>() > UPLOADS_BYTES_MAX {
            self.held.remove(0);
        }
    }

    /// Takes a body. Nothing when it had to end early.
    fn end(&mut self, number: u64) -> Option<Upload> {
        let at = self.held.iter().position(|upload| upload.number == number)?;
        Some(self.held.remove(at))
    }
}

fn too_slow() -> Problem {
    let detail = "The body came too slowly while many others were sent. Send a smaller picture, \
                  best a crop of the face.";
    Problem::new(Kind::TooSlow, detail)
}

fn too_large(bytes_max: usize) -> Problem {
    let kib = bytes_max >> 10;
    Problem::new(Kind::TooLarge, format!("The body is larger than {kib} KiB. Send a smaller one."))
}
