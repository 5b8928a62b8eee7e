//! Which engine computes. No other file knows: all engines have the same small interface.

#[cfg(feature = "simd")]
pub(crate) use facenet::simd::{LoadedShard, Loader};

#[cfg(not(feature = "simd"))]
pub(crate) use facenet::burn::{LoadedShard, Loader};

/// The engine's name, for `/health`.
pub(crate) fn name() -> &'static str {
    #[cfg(feature = "simd")]
    return "simd";
    #[cfg(not(feature = "simd"))]
    return facenet::burn::Backend::default().name();
}
