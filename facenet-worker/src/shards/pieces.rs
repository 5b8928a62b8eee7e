//! The bytes of a record as R2 sends them, in large pieces.
//!
//! A stream's usual reader gives pieces of 4 KiB, and each takes a turn of the event loop: some
//! 11,500 for both records. A reader that brings its own memory (BYOB) waits for a whole piece.

use worker::js_sys::{ArrayBuffer, Function, Object, Promise, Reflect, Uint8Array};
use worker::wasm_bindgen::{JsCast as _, JsValue};
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::ReadableStream;

/// Bytes of a piece. One piece at a time is in WebAssembly memory, which never shrinks.
const PIECE_BYTES: u32 = 64 << 10;

/// A stream that is being read.
pub(super) struct Pieces {
    reader: JsValue,
    read_at_least: Function,
    /// The buffer that the stream fills. The stream gives another one back with each piece.
    memory: ArrayBuffer,
    piece: Vec<u8>,
}

impl Pieces {
    /// Begins to read.
    ///
    /// # Errors
    /// When somebody else reads the stream, or it is not a stream of bytes.
    pub(super) fn of(stream: &ReadableStream) -> Result<Self, JsValue> {
        let options = Object::new();
        Reflect::set(&options, &"mode".into(), &"byob".into())?;
        let get_reader: Function = Reflect::get(stream, &"getReader".into())?.dyn_into()?;
        let reader = get_reader.call1(stream, &options)?;
        // Workers have this besides `read`, which may give smaller pieces.
        let read_at_least = Reflect::get(&reader, &"readAtLeast".into())?.dyn_into()?;
        let memory = ArrayBuffer::new(PIECE_BYTES);
        Ok(Self { reader, read_at_least, memory, piece: Vec::new() })
    }

    /// The next bytes. Nothing at the end.
    ///
    /// # Errors
    /// When the stream breaks off.
    pub(super) async fn next(&mut self) -> Result<Option<&[u8]>, JsValue> {
        let view = Uint8Array::new(&self.memory);
        let read = self.read_at_least.call2(&self.reader, &PIECE_BYTES.into(), &view)?;
        let read = JsFuture::from(read.dyn_into::<Promise>()?).await?;
        let Ok(bytes) = Reflect::get(&read, &"value".into())?.dyn_into::<Uint8Array>() else {
            return Ok(None);
        };
        self.memory = bytes.buffer();
        self.piece.resize(bytes.length() as usize, 0);
        bytes.copy_to(&mut self.piece);
        Ok((!self.piece.is_empty()).then_some(&self.piece))
    }
}
