//! FaceNet (Inception-ResNet-v1): a picture of a face in, 512 numbers out.
//!
//! This library holds what is true about the model wherever it runs: how a picture becomes the
//! input tensor ([`image`]), the layers ([`layers`]), the records that hold the weights
//! ([`record`]), the engines that run them ([`simd`] and, as the reference, [`burn`]), what comes
//! out ([`embedding`]) and when two embeddings are the same person ([`verdict`]). It does no I/O,
//! reads no clock and knows nothing of Workers.
//!
//! The network is cut in two shards, so that each fits in a Durable Object:
//!
//! ```text
//! picture -> Face 160x160x3 -> [1, 3, 160, 160] -> shard 1 -> [1, 896, 8, 8]
//!         -> shard 2 -> [1, 512] -> L2 norm -> Embedding
//! ```

pub mod image;

pub mod layers;

pub mod record;

#[cfg(feature = "simd")]
pub mod simd;

#[cfg(feature = "burn")]
pub mod burn;

#[cfg(any(feature = "simd", feature = "burn"))]
#[doc(hidden)]
pub mod outputs;

pub mod embedding;

pub mod verdict;

pub use embedding::Embedding;
pub use image::Face;
pub use layers::Shard;
pub use verdict::Verdict;

/// Version of everything that decides which numbers a picture gives besides the weights: the
/// crop, the resize and the standardisation of the input. Embeddings of different pipelines must
/// never be compared; raise this whenever one of those changes.
pub const PIPELINE: &str = "1";

/// The namespace in which embeddings of `model` by this pipeline are stored and searched.
#[must_use]
pub fn namespace(model: &str) -> String {
    format!("{model}-{PIPELINE}")
}
