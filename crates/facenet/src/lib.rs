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

/// Version of everything except the weights that decides which numbers a picture gives: the crop,
/// the resize and the standardisation of the input. Raise it whenever one of these changes.
/// Embeddings of different pipelines must never be compared.
pub const PIPELINE: &str = "1";

/// The same for embeddings that were computed in integers, [`simd::Simd::Int8`]. Their L2 distance
/// from those of other engines is about 0.01. The records of weights are the same, and name
/// [`PIPELINE`]. The number at the end is raised when integers are computed in another way.
pub const PIPELINE_INT8: &str = "1-int8-3";

/// The namespace in which embeddings of `model` by a pipeline are stored and searched.
#[must_use]
pub fn namespace(model: &str, pipeline: &str) -> String {
    format!("{model}-{pipeline}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_must_not_be_compared_has_namespaces_of_its_own() {
        assert_ne!(namespace("casia-webface", PIPELINE), namespace("casia-webface", PIPELINE_INT8));
        assert_ne!(namespace("casia-webface", PIPELINE), namespace("vggface2", PIPELINE));
        // Where the one is raised, so is the other.
        assert_eq!(PIPELINE_INT8.split_once("-int8-").map(|(of, _)| of), Some(PIPELINE));
    }
}
