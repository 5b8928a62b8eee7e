//! The bytes of a record as R2 sends them, in large pieces.

use worker::js_sys::ArrayBuffer;
use worker::wasm_bindgen::JsValue;
use worker::web_sys::ReadableStream;

use crate::byob::Reader;

/// Bytes of a piece. One piece at a time is in WebAssembly memory, which never shrinks.
const PIECE_BYTES: u32 = 64 << 10;

/// A stream that is being read.
pub(super) struct Pieces {
    reader: Reader,
    /// The buffer that the stream fills. The stream gives another one back with each piece.
    memory: ArrayBuffer,
    piece: Vec<u8>,
}

impl Pieces {
    /// Begins to read.
    ///
    /// # Errors
    /// As of [`Reader::of`].
    pub(super) fn of(stream: &ReadableStream) -> Result<Self, JsValue> {
        let reader = Reader::of(stream)?;
        Ok(Self { reader, memory: ArrayBuffer::new(PIECE_BYTES), piece: Vec::new() })
    }

    /// The next bytes. Nothing at the end.
    ///
    /// # Errors
    /// When the stream breaks off.
    pub(super) async fn next(&mut self) -> Result<Option<&[u8]>, JsValue> {
        let Some(bytes) = self.reader.fill(&self.memory).await? else { return Ok(None) };
        self.memory = bytes.buffer();
        self.piece.resize(bytes.length() as usize, 0);
        bytes.copy_to(&mut self.piece);
        Ok(Some(&self.piece))
    }
}
