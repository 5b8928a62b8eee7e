#![doc = include_str!("../README.md")]

pub mod layers;

pub mod image;

pub mod embedding;

pub mod verdict;

pub mod record;

pub mod engine;

#[cfg(feature = "simd")]
pub mod simd;

#[cfg(feature = "burn")]
pub mod burn;

#[cfg(feature = "layer-outputs")]
pub mod outputs;

#[cfg(all(any(feature = "simd", feature = "burn"), not(feature = "layer-outputs")))]
mod outputs;

pub use embedding::Embedding;
pub use engine::{Engine, Model};
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
