//! An engine as a bare WebAssembly module, without the Worker around it. A host calls its exports:
//! `cargo xtask test` checks the engine so, and `cargo xtask bench` measures it.
//!
//! Records, tensors and embeddings pass through two buffers in the module's memory. A fault traps;
//! [`message`] and [`message_len`] then say where the reason is.
#![expect(unsafe_code, reason = "exported names")]
#![expect(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "a fault is a mistake of the host and ends the run"
)]

#[cfg(target_arch = "wasm32")]
mod peak;

#[cfg(feature = "kernel-tests")]
mod kernel_tests;

#[cfg(feature = "layer-times")]
mod layer_times;

#[cfg(feature = "layer-outputs")]
mod layer_outputs;

use std::cell::RefCell;
use std::sync::{Mutex, PoisonError};

#[cfg(not(feature = "simd"))]
use facenet::burn::Backend as Chosen;
use facenet::embedding::DIMENSIONS;
#[cfg(feature = "simd")]
use facenet::simd::Simd as Chosen;
use facenet::{Engine, Model, Shard};

const MODEL: &str = "casia-webface";

type Loader = <Chosen as Engine>::Loader;
type LoadedShard = <Chosen as Engine>::LoadedShard;

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    floats: Vec<f32>,
    loader: Option<Loader>,
    shards: Vec<LoadedShard>,
    model: Option<Model<Chosen>>,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

static MESSAGE: Mutex<String> = Mutex::new(String::new());

fn set_message(text: String) {
    *MESSAGE.lock().unwrap_or_else(PoisonError::into_inner) = text;
}

/// Keeps the reason of a panic, from now on.
#[unsafe(no_mangle)]
pub extern "C" fn start() {
    std::panic::set_hook(Box::new(|info| set_message(info.to_string())));
}

/// Where the last reason is.
#[unsafe(no_mangle)]
pub extern "C" fn message() -> *const u8 {
    MESSAGE.lock().unwrap_or_else(PoisonError::into_inner).as_ptr()
}

/// How many bytes it has.
#[unsafe(no_mangle)]
pub extern "C" fn message_len() -> usize {
    MESSAGE.lock().unwrap_or_else(PoisonError::into_inner).len()
}

/// Makes the buffer for pieces of records so many bytes long. Returns where it is.
#[unsafe(no_mangle)]
pub extern "C" fn bytes(length: usize) -> *mut u8 {
    STATE.with_borrow_mut(|State { bytes, .. }| {
        bytes.resize(length, 0);
        bytes.as_mut_ptr()
    })
}

/// Makes the buffer for tensors so many numbers long. Returns where it is.
#[unsafe(no_mangle)]
pub extern "C" fn floats(length: usize) -> *mut f32 {
    STATE.with_borrow_mut(|State { floats, .. }| {
        floats.resize(length, 0.0);
        floats.as_mut_ptr()
    })
}

/// Begins to load the next shard from a record of so many bytes. The features choose the engine,
/// and `variant` is the index of its arithmetic, or of its backend where it is Burn.
#[unsafe(no_mangle)]
pub extern "C" fn begin(length: usize, variant: usize) {
    STATE.with_borrow_mut(|state| {
        let shard = Shard::ALL[state.shards.len()];
        state.loader = Some(engine(variant).loader(shard, MODEL, length).unwrap());
    });
}

#[cfg(feature = "simd")]
fn engine(variant: usize) -> Chosen {
    Chosen::ALL[variant]
}

#[cfg(not(feature = "simd"))]
fn engine(variant: usize) -> Chosen {
    let all = [
        #[cfg(feature = "burn-flex")]
        Chosen::Flex,
        #[cfg(feature = "burn-ndarray")]
        Chosen::NdArray,
    ];
    all[variant]
}

/// Takes the next bytes of the record: the first `length` in the buffer for pieces.
#[unsafe(no_mangle)]
pub extern "C" fn push(length: usize) {
    STATE.with_borrow_mut(|State { bytes, loader, .. }| {
        loader.as_mut().unwrap().push(&bytes[..length]).unwrap();
    });
}

/// Makes the shard, and after the second one the model.
#[unsafe(no_mangle)]
pub extern "C" fn finish() {
    STATE.with_borrow_mut(|state| {
        let shard = state.loader.take().unwrap().finish().unwrap();
        state.shards.push(shard);
        if state.shards.len() == Shard::ALL.len() {
            let shards = std::mem::take(&mut state.shards);
            state.model = shards.try_into().ok().map(|shards| Model::new(shards).unwrap());
        }
    });
}

/// Computes the embedding of the input tensor in the buffer for tensors, and writes it to the
/// beginning of that buffer.
#[unsafe(no_mangle)]
pub extern "C" fn embed() {
    STATE.with_borrow_mut(|State { floats, model, .. }| {
        let embedding = model.as_ref().unwrap().embed_input(floats).unwrap();
        floats[..DIMENSIONS].copy_from_slice(embedding.as_slice());
    });
}
