//! An engine as a bare WebAssembly module, without the Worker around it, for a host that calls its
//! exports: `cargo xtask test` checks it there and `cargo xtask bench` measures it.
//!
//! What goes in and out passes through two buffers in the module's memory. A fault traps;
//! [`message`] and [`message_len`] then say where the reason is.
#![expect(unsafe_code, reason = "exported names")]
#![expect(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "a fault is the host's, and ends the run"
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
use facenet::burn::{LoadedShard, Loader};
use facenet::embedding::DIMENSIONS;
#[cfg(feature = "simd")]
use facenet::simd::{LoadedShard, Loader};
use facenet::{Embedding, Shard};

const MODEL: &str = "casia-webface";

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    floats: Vec<f32>,
    loader: Option<Loader>,
    shards: Vec<LoadedShard>,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

static MESSAGE: Mutex<String> = Mutex::new(String::new());

fn set_message(text: String) {
    *MESSAGE.lock().unwrap_or_else(PoisonError::into_inner) = text;
}

/// Keeps the reason of whatever panics from now on.
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

/// Makes the buffer for pieces of records so many bytes long and says where it is.
#[unsafe(no_mangle)]
pub extern "C" fn bytes(length: usize) -> *mut u8 {
    STATE.with_borrow_mut(|State { bytes, .. }| {
        bytes.resize(length, 0);
        bytes.as_mut_ptr()
    })
}

/// Makes the buffer for tensors so many numbers long and says where it is.
#[unsafe(no_mangle)]
pub extern "C" fn floats(length: usize) -> *mut f32 {
    STATE.with_borrow_mut(|State { floats, .. }| {
        floats.resize(length, 0.0);
        floats.as_mut_ptr()
    })
}

/// Begins to load the next shard from a record of so many bytes, for the engine that the features
/// chose or, where that is Burn, for the backend of that number.
#[unsafe(no_mangle)]
pub extern "C" fn begin(length: usize, backend: usize) {
    STATE.with_borrow_mut(|state| {
        let part = Shard::ALL[state.shards.len()];
        let loader = Loader::new(part, MODEL, length).unwrap();
        state.loader = Some(choose(loader, backend));
    });
}

#[cfg(feature = "simd")]
fn choose(loader: Loader, _backend: usize) -> Loader {
    loader
}

#[cfg(not(feature = "simd"))]
fn choose(loader: Loader, backend: usize) -> Loader {
    use facenet::burn::Backend;

    let all = [
        #[cfg(feature = "burn-flex")]
        Backend::Flex,
        #[cfg(feature = "burn-ndarray")]
        Backend::NdArray,
    ];
    loader.with_backend(all[backend])
}

/// Takes the next bytes of the record, the first so many of their buffer.
#[unsafe(no_mangle)]
pub extern "C" fn push(length: usize) {
    STATE.with_borrow_mut(|State { bytes, loader, .. }| {
        loader.as_mut().unwrap().push(&bytes[..length]).unwrap();
    });
}

/// Makes the shard.
#[unsafe(no_mangle)]
pub extern "C" fn finish() {
    STATE.with_borrow_mut(|state| {
        let shard = state.loader.take().unwrap().finish().unwrap();
        state.shards.push(shard);
    });
}

/// Computes the embedding of the input tensor in the buffer for tensors, and puts it in the
/// beginning of the same.
#[unsafe(no_mangle)]
pub extern "C" fn embed() {
    STATE.with_borrow_mut(|State { floats, shards, .. }| {
        let boundary = shards[0].run(floats).unwrap();
        let embedding = Embedding::normalise(shards[1].run(&boundary).unwrap()).unwrap();
        floats[..DIMENSIONS].copy_from_slice(embedding.as_slice());
    });
}
