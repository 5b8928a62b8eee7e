//! The SIMD engine: the forward pass over weights that stay 16-bit in memory, with kernels of our
//! own. It contains no Burn, though it reads the same records as [Burn's](crate::burn).
//!
//! [`Simd`] is the engine for a [`Model`](crate::Model). A [`Loader`] packs the weights of one
//! shard as the bytes of its record arrive, and forgets the bytes. It refuses what is no record:
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
    reason = "what runs per number must not be a call; shapes that do not fit are faults of this \
              module and not of what is loaded or asked, and stop it"
)]

mod network;

mod activations;

mod aligned;

mod conv;

mod winograd;

mod scratch;

mod map;

mod weights;

mod stream;

mod kernels;

#[doc(hidden)]
pub mod times;

#[cfg(feature = "kernel-tests")]
#[doc(hidden)]
pub mod shapes;

#[cfg(any(test, feature = "kernel-tests"))]
#[doc(hidden)]
pub mod tests;

use std::sync::{Mutex, PoisonError};

use crate::record::RecordError;
use crate::{Engine, Shard};
use activations::{Activations1, Activations2};
use network::{Shard1, Shard2};
use scratch::Scratch;

/// The SIMD engine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Simd;

/// Takes the bytes of one record, in pieces of any size, and keeps only packed weights.
pub struct Loader {
    shard: Shard,
    stream: stream::Reader,
}

impl Loader {
    /// Starts to load a record of `length` bytes.
    ///
    /// # Errors
    /// When the length cannot be that of a record.
    pub fn new(shard: Shard, model: &str, length: usize) -> Result<Self, RecordError> {
        Ok(Self { shard, stream: stream::Reader::new(shard, model, length)? })
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// When they cannot belong to the record of this shard and model. The loader is of no use
    /// then.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), RecordError> {
        self.stream.push(chunk)
    }

    /// Makes a shard of the record.
    ///
    /// # Errors
    /// When bytes are missing or damaged.
    pub fn finish(self) -> Result<LoadedShard, RecordError> {
        let layers = &mut self.stream.finish()?.into_iter();
        let network = match self.shard {
            Shard::Shard1 => Shard1::new(layers)
                .map(|shard| Network::Shard1(Box::new((shard, Mutex::new(Activations1::new()))))),
            Shard::Shard2 => Shard2::new(layers)
                .map(|shard| Network::Shard2(Box::new((shard, Mutex::new(Activations2::new()))))),
        };
        let network = network.ok_or_else(|| RecordError::Tensors("layers are missing".into()))?;
        Ok(LoadedShard { network, scratch: Mutex::new(Scratch::new()) })
    }
}

enum Network {
    Shard1(Box<(Shard1, Mutex<Activations1>)>),
    Shard2(Box<(Shard2, Mutex<Activations2>)>),
}

/// One half of the network, ready to run. Runs take turns: they share the activations' memory.
pub struct LoadedShard {
    network: Network,
    scratch: Mutex<Scratch>,
}

impl LoadedShard {
    /// Which half.
    #[must_use]
    pub const fn shard(&self) -> Shard {
        match self.network {
            Network::Shard1(..) => Shard::Shard1,
            Network::Shard2(..) => Shard::Shard2,
        }
    }

    /// Computes [`Shard::output_len`] numbers from [`Shard::input_len`], or nothing when there are
    /// not as many. What shard 2 gives is not normalised yet.
    #[must_use]
    pub fn run(&self, input: &[f32]) -> Option<Vec<f32>> {
        if input.len() != self.shard().input_len() {
            return None;
        }
        // Every run overwrites what an earlier one that panicked may have left.
        let mut scratch = self.scratch.lock().unwrap_or_else(PoisonError::into_inner);
        Some(match &self.network {
            Network::Shard1(network) => {
                let (shard, maps) = network.as_ref();
                let mut maps = maps.lock().unwrap_or_else(PoisonError::into_inner);
                shard.run(input, &mut maps, &mut scratch)
            }
            Network::Shard2(network) => {
                let (shard, maps) = network.as_ref();
                let mut maps = maps.lock().unwrap_or_else(PoisonError::into_inner);
                shard.run(input, &mut maps, &mut scratch)
            }
        })
    }
}

impl Engine for Simd {
    type Loader = Loader;
    type LoadedShard = LoadedShard;

    fn loader(&self, shard: Shard, model: &str, length: usize) -> Result<Loader, RecordError> {
        Loader::new(shard, model, length)
    }

    fn push(loader: &mut Loader, chunk: &[u8]) -> Result<(), RecordError> {
        loader.push(chunk)
    }

    fn finish(loader: Loader) -> Result<LoadedShard, RecordError> {
        loader.finish()
    }

    fn run(shard: &LoadedShard, input: &[f32]) -> Option<Vec<f32>> {
        shard.run(input)
    }
}
