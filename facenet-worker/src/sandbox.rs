//! The sandbox: a WebAssembly module of its own, in the same isolate, that reads what callers send.
//!
//! Decoders of pictures can trap on files that nobody has thought of. In the Worker's own module a
//! trap would lose the weights of both shards; in the sandbox it costs one request. Each request
//! gets a new instance. All instances use one memory of bounded size, so reading never takes more,
//! whatever was sent before.

use std::cell::Cell;

use facenet::Face;
use input::fields::Fields;
use input::message::{Answer, Question};
use input::seen::{Pictured, Reading};
use wire::limits::{SANDBOX_PAGES_MAX, SANDBOX_PAGES_MIN};
use wire::{Kind, Problem};
use worker::js_sys::WebAssembly::{Instance, Memory, Module};
use worker::js_sys::{self, ArrayBuffer, Function, Object, Reflect, Uint8Array};
use worker::wasm_bindgen::{JsCast as _, JsValue};

use crate::error;

/// The global variable in which `entry.js` gives the module, the weights of the face finder, and a
/// function that calls another one and catches what it throws.
const GLOBAL: &str = "CFACE_SANDBOX";

struct Sandbox {
    module: Module,
    finder: Uint8Array,
    call: Function,
    memory: Memory,
    imports: Object,
}

thread_local! {
    /// Of this isolate, from the first use on.
    static SANDBOX: Result<Sandbox, JsValue> = Sandbox::new();
    /// As of [`memory_bytes`].
    static MEMORY_BYTES: Cell<u32> = const { Cell::new(0) };
}

/// A picture file as crops of faces.
///
/// # Errors
/// As of `input::picture::decode` and `input::photograph`; 422 when no face is good enough for the
/// purpose; 413 or 422 when the decoder traps.
pub(crate) fn picture(file: &Uint8Array, reading: Reading) -> Result<Pictured, Problem> {
    match ask(&Question::Picture(reading), file)? {
        Answer::Picture(pictured) => Ok(pictured),
        _ => Err(unexpected()),
    }
}

/// A form, and its pictures as crops of faces. `known` are the fields that the route takes.
///
/// # Errors
/// As of `input::form::parse`, and as of [`picture`].
pub(crate) fn form(
    body: &Uint8Array,
    content_type: String,
    known: &[&str],
    reading: Reading,
) -> Result<Fields, Problem> {
    let known = known.iter().map(|&name| name.to_owned()).collect();
    match ask(&Question::Form { content_type, known, reading }, body)? {
        Answer::Form(fields) => Ok(fields),
        _ => Err(unexpected()),
    }
}

/// A caller's own embedding.
///
/// # Errors
/// As of `input::vector::parse`.
pub(crate) fn embedding(json: &Uint8Array) -> Result<facenet::Embedding, Problem> {
    match ask(&Question::Vector, json)? {
        Answer::Embedding(embedding) => Ok(embedding),
        _ => Err(unexpected()),
    }
}

/// A face as the JPEG file that is stored. Of what was sent, it holds only the pixels.
///
/// # Errors
/// 500 when the encoder fails.
pub(crate) fn jpeg(face: &Face) -> Result<Vec<u8>, Problem> {
    match ask(&Question::Encode, &Uint8Array::from(face.rgb()))? {
        Answer::Jpeg(file) => Ok(file),
        _ => Err(unexpected()),
    }
}

/// The memory of this isolate's sandbox in bytes, 0 until it is used. It never shrinks.
pub(crate) fn memory_bytes() -> u32 {
    MEMORY_BYTES.get()
}

fn unexpected() -> Problem {
    error::internal("the sandbox has answered another question")
}

/// Asks a new instance.
fn ask(question: &Question, bytes: &Uint8Array) -> Result<Answer, Problem> {
    let frame = SANDBOX.with(|sandbox| match sandbox {
        Ok(sandbox) => {
            let frame = sandbox.run(question, bytes);
            MEMORY_BYTES.set(sandbox.memory_bytes());
            frame
        }
        Err(error) => {
            Err(error::internal(format_args!("the sandbox does not begin: {}", text(error))))
        }
    })?;
    match Answer::read(&frame) {
        Some(Answer::Problem(problem)) => Err(problem),
        Some(answer) => Ok(answer),
        None => Err(error::internal("the sandbox's answer cannot be read")),
    }
}

impl Sandbox {
    fn new() -> Result<Self, JsValue> {
        let given = Reflect::get(&js_sys::global(), &GLOBAL.into())?;
        let module = Reflect::get(&given, &"module".into())?.dyn_into()?;
        let finder = Reflect::get(&given, &"finder".into())?.dyn_into::<ArrayBuffer>()?;
        let finder = Uint8Array::new(&finder);
        let call = Reflect::get(&given, &"call".into())?.dyn_into()?;
        let limits = Object::new();
        Reflect::set(&limits, &"initial".into(), &SANDBOX_PAGES_MIN.into())?;
        Reflect::set(&limits, &"maximum".into(), &SANDBOX_PAGES_MAX.into())?;
        let memory = Memory::new(&limits)?;
        let env = Object::new();
        Reflect::set(&env, &"memory".into(), &memory)?;
        let imports = Object::new();
        Reflect::set(&imports, &"env".into(), &env)?;
        Ok(Self { module, finder, call, memory, imports })
    }

    fn run(&self, question: &Question, bytes: &Uint8Array) -> Result<Vec<u8>, Problem> {
        let finder = if question.needs_finder() { self.finder.length() } else { 0 };
        let question = question.begin(finder as usize).map_err(error::internal)?;
        let broken = |error: JsValue| {
            error::internal(format_args!("the sandbox does not work: {}", text(&error)))
        };
        let instance = Instance::new(&self.module, &self.imports).map_err(broken)?;
        let exports = instance.exports();
        let call = |name: &str, argument: u32| -> Result<u32, JsValue> {
            let export = Reflect::get(&exports, &name.into())?;
            // An export without a parameter ignores the argument.
            let answer = self.call.call2(&JsValue::UNDEFINED, &export, &argument.into())?;
            // The runtime gives 32-bit integers with a sign. An error comes as text.
            answer.as_f64().map(|number| number as i64 as u32).ok_or(answer)
        };
        let answer = || {
            let question = Uint8Array::from(question.as_slice());
            let head = question.length().saturating_add(finder);
            let length = head.saturating_add(bytes.length());
            let frame = self.view(call("reserve", length)?, length)?;
            frame.set(&question, 0);
            if finder > 0 {
                frame.set(&self.finder, question.length());
            }
            frame.set(bytes, head);
            let place = call("run", 0)?;
            Ok(self.view(place, call("answer_length", 0)?)?.to_vec())
        };
        answer().map_err(|error: JsValue| {
            let problem = gave_up(call("exhausted", 0).is_ok_and(|exhausted| exhausted != 0));
            error::logged(format_args!("the sandbox gave up: {}", text(&error)), problem)
        })
    }

    /// A part of the memory. It has to be made anew after each call, which may grow the memory.
    fn view(&self, place: u32, length: u32) -> Result<Uint8Array, JsValue> {
        if place == 0 || place.saturating_add(length) > self.memory_bytes() {
            return Err("it has no memory".into());
        }
        Ok(Uint8Array::new_with_byte_offset_and_length(&self.memory.buffer(), place, length))
    }

    fn memory_bytes(&self) -> u32 {
        self.memory.buffer().unchecked_into::<ArrayBuffer>().byte_length()
    }
}

/// What a caller is told when an instance has trapped.
fn gave_up(exhausted: bool) -> Problem {
    let kind = if exhausted { Kind::TooLarge } else { Kind::Unusable };
    let detail = "The picture cannot be decoded here. Send a smaller one as PNG or baseline JPEG, \
                  best a crop of the face.";
    Problem::new(kind, detail)
}

/// What an error of the runtime says.
fn text(error: &JsValue) -> String {
    let message = Reflect::get(error, &"message".into()).ok().and_then(|it| it.as_string());
    message.or_else(|| error.as_string()).unwrap_or_else(|| "an unknown error".into())
}
