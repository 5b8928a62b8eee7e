//! The SIMD engine: the forward pass over weights that stay small in memory, with kernels of our
//! own. It contains no Burn, though it reads the same records as [Burn's](crate::burn).
//!
//! [`Simd`] is the engine for a [`Model`](crate::Model), in floats or partly in integers. A
//! [`Loader`] packs the weights of one shard as the bytes of its record arrive, and does not keep
//! the bytes. It refuses anything else:
//!
//! ```
//! use facenet::Shard;
//! use facenet::record::RecordError;
//! use facenet::simd::Loader;
//!
//! let page = b"<html>Not found</html>";
//! let mut loader = Loader::new(Shard::Shard1, "casia-webface", page.len()).unwrap();
//! assert!(matches!(loader.push(page), Err(RecordError::Unreadable(_))));
//! // No record is as long as this.
//! let loader = Loader::new(Shard::Shard1, "casia-webface", 1 << 30);
//! assert!(matches!(loader.err(), Some(RecordError::Length { .. })));
//! ```

#![expect(
    clippy::inline_always,
    clippy::expect_used,
    reason = "code that runs for every number must not be a call; shapes that do not fit are \
              mistakes of this module, whatever is loaded or asked, and must stop it"
)]

mod choice;
mod network;
mod feature_map;
mod aligned;
mod finish;
mod reads;
mod direct;
mod winograd;
mod int8;
mod scratch;
mod weights;
mod stream;
mod kernels;
pub mod row;

// The clock and the totals are for the benchmark in WebAssembly, which is another crate.
#[cfg(feature = "layer-times")]
pub mod times;
#[cfg(not(feature = "layer-times"))]
mod times;

// Also for a benchmark, and made of what the tests use.
#[cfg(feature = "kernel-tests")]
pub mod shapes;

// A list of tests for WebAssembly, which are called there by another crate.
#[cfg(feature = "kernel-tests")]
pub mod tests;
#[cfg(all(test, not(feature = "kernel-tests")))]
mod tests;

use std::sync::{Mutex, PoisonError};

pub use choice::Simd;
use network::{Memory, Network};

use crate::record::{Digest, RecordError};
use crate::{Engine, Shard};

/// Takes the bytes of one record, in pieces of any size, and keeps only packed weights.
pub struct Loader {
    shard: Shard,
    stream: stream::Reader,
}

impl Loader {
    /// Starts to load a record of `length` bytes for the default arithmetic.
    ///
    /// # Errors
    /// When the length cannot be that of a record.
    pub fn new(shard: Shard, model: &str, length: usize) -> Result<Self, RecordError> {
        Ok(Self { shard, stream: stream::Reader::new(shard, model, length)? })
    }

    /// Packs for another arithmetic. Nothing must have been pushed yet.
    #[must_use]
    pub fn with_simd(self, simd: Simd) -> Self {
        Self { stream: self.stream.with_simd(simd), ..self }
    }

    /// Refuses a record that names another digest.
    #[must_use]
    pub fn with_digest(self, digest: Digest) -> Self {
        Self { stream: self.stream.with_digest(digest), ..self }
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// When they cannot belong to the record of this shard and model. Then the loader cannot be
    /// used any more.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), RecordError> {
        self.stream.push(chunk)
    }

    /// Makes a shard of the record.
    ///
    /// # Errors
    /// When bytes are missing or damaged.
    pub fn finish(self) -> Result<LoadedShard, RecordError> {
        let (digest, weights) = self.stream.finish()?;
        let network = Network::new(self.shard, weights);
        let network = network.ok_or_else(|| RecordError::Tensors("layers are missing".into()))?;
        let memory = Mutex::new(network.memory());
        Ok(LoadedShard { shard: self.shard, digest, network, memory })
    }
}

/// One half of the network, ready to run. Runs take turns, because they share the memory of the
/// feature maps.
pub struct LoadedShard {
    shard: Shard,
    digest: Digest,
    network: Network,
    memory: Mutex<Memory>,
}

impl LoadedShard {
    /// Which half.
    #[must_use]
    pub const fn shard(&self) -> Shard {
        self.shard
    }

    /// The digest that its record names. The other half's must be the same.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// Computes [`Shard::output_len`] numbers from [`Shard::input_len`] numbers, or nothing when
    /// the input has another length. The output of shard 2 is not normalised yet.
    #[must_use]
    pub fn run(&self, input: &[f32]) -> Option<Vec<f32>> {
        if input.len() != self.shard.input_len() {
            return None;
        }
        // A run that panicked may have left anything there. This run overwrites all of it.
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        Some(self.network.run(input, &mut memory))
    }
}

impl Engine for Simd {
    type Loader = Loader;
    type LoadedShard = LoadedShard;

    fn loader(&self, shard: Shard, model: &str, length: usize) -> Result<Loader, RecordError> {
        Ok(Loader::new(shard, model, length)?.with_simd(*self))
    }

    fn push(loader: &mut Loader, chunk: &[u8]) -> Result<(), RecordError> {
        loader.push(chunk)
    }

    fn finish(loader: Loader) -> Result<LoadedShard, RecordError> {
        loader.finish()
    }

    fn digest(shard: &LoadedShard) -> Digest {
        shard.digest()
    }

    fn run(shard: &LoadedShard, input: &[f32]) -> Option<Vec<f32>> {
        shard.run(input)
    }
}
