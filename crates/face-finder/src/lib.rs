#![doc = include_str!("../README.md")]

#[cfg(feature = "find")]
pub mod geometry;
#[cfg(feature = "find")]
pub mod picture;
pub mod weights;
#[cfg(feature = "find")]
mod scale;
#[cfg(all(test, feature = "find"))]
mod twin;
#[cfg(feature = "find")]
mod layers;
#[cfg(feature = "find")]
mod detector;
#[cfg(feature = "find")]
pub mod landmarks;
#[cfg(feature = "find")]
pub mod crop;
#[cfg(feature = "find")]
pub mod quality;
#[cfg(feature = "find")]
mod presence;
#[cfg(feature = "find")]
pub mod find;
#[cfg(all(test, feature = "find"))]
mod tests;

#[cfg(feature = "find")]
pub use find::{Face, Finder};
#[cfg(feature = "find")]
pub use geometry::{Point, Rectangle};
#[cfg(feature = "find")]
pub use picture::Picture;
#[cfg(feature = "find")]
pub use quality::{Quality, Reason};
