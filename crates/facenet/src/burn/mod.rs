//! The Burn engine: the modules that were generated from ONNX, in float32 on one of Burn's
//! backends. The reference that every other engine is compared with.
//!
//! A [`Loader`] takes the bytes of a record as they arrive and gives a [`LoadedShard`] to run:
//!
//! ```no_run
//! # fn chunks() -> Vec<Vec<u8>> { Vec::new() }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use facenet::burn::Loader;
//!
//! let mut loader = Loader::new(facenet::Shard::Shard1, "casia-webface", 19_263_488)?;
//! for chunk in chunks() {
//!     loader.push(&chunk)?;
//! }
//! let shard = loader.finish()?;
//! let boundary = shard.run(&vec![0.0; facenet::Shard::Shard1.input_len()]);
//! # Ok(())
//! # }
//! ```

mod load;

// Generated files are as their generator writes them.
#[rustfmt::skip]
#[expect(
    unreachable_pub,
    clippy::allow_attributes_without_reason,
    clippy::pedantic,
    reason = "generated code"
)]
mod shard1;

#[rustfmt::skip]
#[expect(
    unreachable_pub,
    clippy::allow_attributes_without_reason,
    clippy::pedantic,
    reason = "generated code"
)]
mod shard2;

use burn::tensor::{Device, Tensor, TensorData};

use crate::Shard;
use crate::outputs;
use crate::record::{Header, RecordError};

/// Shows the output of the next layer to whoever compares; the generated code calls this.
fn see<const D: usize>(output: &Tensor<D>) {
    outputs::see(|| output.to_data().try_into_vec().unwrap_or_default());
}

/// The largest record that is accepted in bytes; the real ones have 19 and 28 MB.
const RECORD_BYTES_MAX: usize = 64 << 20;

/// Which of Burn's backends computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// `burn-flex`.
    #[cfg(feature = "burn-flex")]
    Flex,
    /// `burn-ndarray`, deprecated by Burn in favour of flex.
    #[cfg(feature = "burn-ndarray")]
    NdArray,
}

impl Backend {
    /// The name of Burn's crate.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            #[cfg(feature = "burn-flex")]
            Self::Flex => "burn-flex",
            #[cfg(feature = "burn-ndarray")]
            Self::NdArray => "burn-ndarray",
        }
    }

    fn device(self) -> Device {
        match self {
            #[cfg(feature = "burn-flex")]
            Self::Flex => Device::flex(),
            #[cfg(feature = "burn-ndarray")]
            #[expect(deprecated, reason = "kept as the second reference")]
            Self::NdArray => Device::ndarray(),
        }
    }
}

impl Default for Backend {
    /// Flex where it is compiled in.
    fn default() -> Self {
        #[cfg(feature = "burn-flex")]
        return Self::Flex;
        #[cfg(not(feature = "burn-flex"))]
        return Self::NdArray;
    }
}

/// Collects the bytes of one record.
///
/// Burn reads a record as a whole, so they are kept until [`finish`](Self::finish).
pub struct Loader {
    part: Shard,
    header: Header,
    backend: Backend,
    length: usize,
    bytes: Vec<u8>,
}

impl Loader {
    /// Starts to load a record of `length` bytes.
    ///
    /// # Errors
    /// When the length cannot be that of a record.
    pub fn new(part: Shard, model: &str, length: usize) -> Result<Self, RecordError> {
        if length > RECORD_BYTES_MAX {
            return Err(RecordError::Length { expected: RECORD_BYTES_MAX, actual: length });
        }
        let header = Header::new(model, part);
        let (backend, bytes) = (Backend::default(), Vec::with_capacity(length));
        Ok(Self { part, header, backend, length, bytes })
    }

    /// Computes on another backend than the default one.
    #[must_use]
    pub fn with_backend(self, backend: Backend) -> Self {
        Self { backend, ..self }
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// When there are more than announced.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), RecordError> {
        let actual = self.bytes.len() + chunk.len();
        if actual > self.length {
            return Err(RecordError::Length { expected: self.length, actual });
        }
        self.bytes.extend_from_slice(chunk);
        Ok(())
    }

    /// Checks the record and makes a shard of it.
    ///
    /// # Errors
    /// When bytes are missing, or when it is not the record of this shard and model.
    pub fn finish(self) -> Result<LoadedShard, RecordError> {
        let Self { part, header, backend, length: expected, bytes } = self;
        if bytes.len() != expected {
            return Err(RecordError::Length { expected, actual: bytes.len() });
        }
        let device = backend.device();
        let tensors = load::read(bytes, &header)?;
        let network = match part {
            Shard::Shard1 => {
                Network::Shard1(Box::new(load::apply(shard1::Model::new(&device), tensors)?))
            }
            Shard::Shard2 => {
                Network::Shard2(Box::new(load::apply(shard2::Model::new(&device), tensors)?))
            }
        };
        Ok(LoadedShard { network, device })
    }
}

enum Network {
    Shard1(Box<shard1::Model>),
    Shard2(Box<shard2::Model>),
}

/// One half of the network, ready to run.
pub struct LoadedShard {
    network: Network,
    device: Device,
}

impl LoadedShard {
    /// Which half.
    #[must_use]
    pub const fn part(&self) -> Shard {
        match self.network {
            Network::Shard1(_) => Shard::Shard1,
            Network::Shard2(_) => Shard::Shard2,
        }
    }

    /// Computes [`Shard::output_len`] numbers from [`Shard::input_len`], or nothing when there are
    /// not as many. What shard 2 gives is not normalised yet.
    #[must_use]
    pub fn run(&self, input: &[f32]) -> Option<Vec<f32>> {
        let part = self.part();
        if input.len() != part.input_len() {
            return None;
        }
        let input = TensorData::new(input.to_vec(), part.input_shape());
        let input = Tensor::<4>::from_data(input, &self.device);
        let output = match &self.network {
            Network::Shard1(model) => model.forward(input).into_data(),
            Network::Shard2(model) => model.forward(input).into_data(),
        };
        output.try_into_vec().ok().filter(|output| output.len() == part.output_len())
    }
}
