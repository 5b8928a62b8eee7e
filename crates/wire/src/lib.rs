#![doc = include_str!("../README.md")]

pub mod faces;

#[cfg(feature = "worker")]
pub mod http;

pub mod limits;

pub mod problem;

pub mod retention;

pub use problem::{Kind, Problem};
