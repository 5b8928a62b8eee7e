//! The library as its users see it, with the real weights. `cargo xtask test` makes them and
//! passes their folder in `CFACE_WEIGHTS`.

#[cfg(feature = "burn")]
mod burn;

mod golden;

#[cfg(feature = "simd")]
mod simd;
