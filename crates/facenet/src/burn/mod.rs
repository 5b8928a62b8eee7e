//! The Burn engine: the modules that were generated from ONNX, in float32 on one of Burn's
//! backends. It is the reference that other engines are compared with.
//!
//! [`Backend`] is the engine for a [`Model`](crate::Model). A [`Loader`] takes the bytes of one
//! shard's record as they arrive. It refuses anything else:
//!
//! ```
//! use facenet::Shard;
//! use facenet::burn::Loader;
//! use facenet::record::RecordError;
//!
//! let page = b"<html>Not found</html>";
//! let mut loader = Loader::new(Shard::Shard1, "casia-webface", page.len()).unwrap();
//! loader.push(page).unwrap();
//! assert!(matches!(loader.finish().err(), Some(RecordError::Unreadable(_))));
//! ```

mod load;

// Generated files stay as their generator writes them.
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

use crate::record::{Digest, Header, RecordError};
use crate::{Engine, Shard, outputs};

/// Passes on the output of the next layer. The generated code calls this.
fn see<const D: usize>(output: &Tensor<D>) {
    outputs::see(|| output.to_data().try_into_vec().unwrap_or_default());
}

/// The largest record that is accepted, in bytes. The real ones have 19 and 28 MB.
const RECORD_BYTES_MAX: usize = 64 << 20;

/// The Burn engine on one of Burn's backends.
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
    shard: Shard,
    header: Header,
    /// What the record must name, if that is known.
    digest: Option<Digest>,
    backend: Backend,
    length: usize,
    bytes: Vec<u8>,
}

impl Loader {
    /// Starts to load a record of `length` bytes.
    ///
    /// # Errors
    /// When the length cannot be that of a record.
    pub fn new(shard: Shard, model: &str, length: usize) -> Result<Self, RecordError> {
        if length > RECORD_BYTES_MAX {
            return Err(RecordError::Length { expected: RECORD_BYTES_MAX, actual: length });
        }
        let header = Header::new(model, shard);
        let (backend, bytes) = (Backend::default(), Vec::with_capacity(length));
        Ok(Self { shard, header, digest: None, backend, length, bytes })
    }

    /// Computes on another backend than the default one.
    #[must_use]
    pub fn with_backend(self, backend: Backend) -> Self {
        Self { backend, ..self }
    }

    /// Refuses a record that names another digest.
    #[must_use]
    pub fn with_digest(self, digest: Digest) -> Self {
        Self { digest: Some(digest), ..self }
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
        let Self { shard, header, digest: wanted, backend, length: expected, bytes } = self;
        if bytes.len() != expected {
            return Err(RecordError::Length { expected, actual: bytes.len() });
        }
        let device = backend.device();
        let (digest, tensors) = load::read(bytes, &header)?;
        digest.check(wanted.unwrap_or(digest))?;
        let network = match shard {
            Shard::Shard1 => {
                Network::Shard1(Box::new(load::apply(shard1::Model::new(&device), tensors)?))
            }
            Shard::Shard2 => {
                Network::Shard2(Box::new(load::apply(shard2::Model::new(&device), tensors)?))
            }
        };
        Ok(LoadedShard { digest, network, device })
    }
}

enum Network {
    Shard1(Box<shard1::Model>),
    Shard2(Box<shard2::Model>),
}

/// One half of the network, ready to run.
pub struct LoadedShard {
    digest: Digest,
    network: Network,
    device: Device,
}

impl LoadedShard {
    /// Which half.
    #[must_use]
    pub const fn shard(&self) -> Shard {
        match self.network {
            Network::Shard1(_) => Shard::Shard1,
            Network::Shard2(_) => Shard::Shard2,
        }
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
        let shard = self.shard();
        if input.len() != shard.input_len() {
            return None;
        }
        let input = TensorData::new(input.to_vec(), shard.input_shape());
        let input = Tensor::<4>::from_data(input, &self.device);
        let output = match &self.network {
            Network::Shard1(model) => model.forward(input).into_data(),
            Network::Shard2(model) => model.forward(input).into_data(),
        };
        output.try_into_vec().ok().filter(|output| output.len() == shard.output_len())
    }
}

impl Engine for Backend {
    type Loader = Loader;
    type LoadedShard = LoadedShard;

    fn loader(&self, shard: Shard, model: &str, length: usize) -> Result<Loader, RecordError> {
        Ok(Loader::new(shard, model, length)?.with_backend(*self))
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
