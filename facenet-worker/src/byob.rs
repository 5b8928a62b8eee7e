//! Reading a stream in large pieces.
//!
//! A stream's usual reader gives pieces of 4 KiB, and each takes a turn of the event loop and a
//! dozen calls between WebAssembly and JavaScript: some 11,500 for both records, and a dozen for a
//! crop. A reader that brings its own memory (BYOB) waits for a whole piece.

use worker::js_sys::{ArrayBuffer, Function, Object, Promise, Reflect, Uint8Array};
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::ReadableStream;

/// A stream that is being read.
pub(crate) struct Reader {
    reader: JsValue,
    read_at_least: Function,
}

impl Reader {
    /// Begins to read.
    ///
    /// # Errors
    /// When somebody else reads the stream, or it is not a stream of bytes.
    pub(crate) fn of(stream: &ReadableStream) -> Result<Self, JsValue> {
        let options = Object::new();
        Reflect::set(&options, &"mode".into(), &"byob".into())?;
        let get_reader: Function = Reflect::get(stream, &"getReader".into())?.dyn_into()?;
        let reader = get_reader.call1(stream, &options)?;
        // Workers have this besides the `read` of browsers, which gives less.
        let read_at_least = Reflect::get(&reader, &"readAtLeast".into())?.dyn_into()?;
        Ok(Self { reader, read_at_least })
    }

    /// Fills a buffer with bytes. The buffer cannot be used afterwards: the bytes returned have the
    /// next one. Only the last piece is shorter. `None` at the end.
    ///
    /// # Errors
    /// When the stream breaks off.
    pub(crate) async fn fill(&self, memory: &ArrayBuffer) -> Result<Option<Uint8Array>, JsValue> {
        let (length, view) = (memory.byte_length(), Uint8Array::new(memory));
        let read = self.read_at_least.call2(&self.reader, &length.into(), &view)?;
        let read = JsFuture::from(read.dyn_into::<Promise>()?).await?;
        let bytes = Reflect::get(&read, &"value".into())?.dyn_into::<Uint8Array>();
        Ok(bytes.ok().filter(|bytes| bytes.length() > 0))
    }

    /// Says that nobody reads the rest. If that fails, the stream has ended already.
    pub(crate) fn cancel(&self) {
        let cancel = Reflect::get(&self.reader, &"cancel".into());
        if let Ok(Ok(cancel)) = cancel.map(JsCast::dyn_into::<Function>) {
            drop(cancel.call0(&self.reader));
        }
    }
}
