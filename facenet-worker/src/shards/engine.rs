//! Which engine computes. No other file knows: all engines have the same small interface.

use facenet::Shard;
use facenet::record::RecordError;
#[cfg(any(feature = "simd", feature = "simd-int8"))]
pub(crate) use facenet::simd::{LoadedShard, Loader};

#[cfg(not(any(feature = "simd", feature = "simd-int8")))]
pub(crate) use facenet::burn::{LoadedShard, Loader};

#[cfg(feature = "simd-int8")]
const SIMD: facenet::simd::Simd = facenet::simd::Simd::Int8;
#[cfg(all(feature = "simd", not(feature = "simd-int8")))]
const SIMD: facenet::simd::Simd = facenet::simd::Simd::Float;

/// The pipeline of the engine's embeddings. Those of another one are not compared with them.
#[cfg(any(feature = "simd", feature = "simd-int8"))]
pub(crate) const PIPELINE: &str = SIMD.pipeline();
#[cfg(not(any(feature = "simd", feature = "simd-int8")))]
pub(crate) const PIPELINE: &str = facenet::PIPELINE;

/// Starts to load a shard of a model from a record of so many bytes.
///
/// # Errors
/// When the length cannot be that of a record.
pub(crate) fn loader(shard: Shard, model: &str, length: usize) -> Result<Loader, RecordError> {
    let loader = Loader::new(shard, model, length)?;
    #[cfg(any(feature = "simd", feature = "simd-int8"))]
    let loader = loader.with_simd(SIMD);
    Ok(loader)
}

/// The engine's name, for `/health`.
pub(crate) fn name() -> &'static str {
    #[cfg(any(feature = "simd", feature = "simd-int8"))]
    return SIMD.name();
    #[cfg(not(any(feature = "simd", feature = "simd-int8")))]
    return facenet::burn::Backend::default().name();
}
