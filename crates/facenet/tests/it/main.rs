//! The library as its users see it, with the real weights. `cargo xtask test` makes them and
//! passes their folder in `CFACE_WEIGHTS`.

#![expect(clippy::unwrap_used, reason = "tests end at the first surprise")]

#[cfg(all(feature = "simd", feature = "burn-flex"))]
mod agreement;
#[cfg(feature = "burn")]
mod burn;
mod golden;
mod generated;
#[cfg(feature = "simd")]
mod int8;
#[cfg(all(feature = "simd", feature = "layer-outputs"))]
mod layers;
mod pictures;
#[cfg(feature = "simd")]
mod simd;
