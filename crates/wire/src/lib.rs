#![doc = include_str!("../README.md")]

pub mod access;
pub mod faces;
#[cfg(feature = "worker")]
pub mod http;
pub mod installation;
pub mod limits;
#[cfg(feature = "worker")]
pub mod log;
pub mod problem;
pub mod retention;
#[cfg(feature = "secret")]
pub mod secret;

pub use problem::{Kind, Problem};
