#![doc = include_str!("../README.md")]

pub mod message;
pub mod fields;
pub mod gallery;
pub mod query;
pub mod seen;
#[cfg(feature = "parse")]
pub mod container;
#[cfg(feature = "parse")]
mod faces;
#[cfg(feature = "parse")]
mod form;
#[cfg(feature = "parse")]
pub mod photograph;
#[cfg(feature = "parse")]
pub mod picture;
#[cfg(feature = "parse")]
pub mod vector;
