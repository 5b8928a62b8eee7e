//! What commands need, and fetch or make by themselves. Every step can be repeated, does nothing
//! when its result is there, and says what to do when it fails.

mod apt;
pub(crate) mod browser;
pub(crate) mod checkpoint;
pub(crate) mod converter;
mod download;
pub(crate) mod engines;
pub(crate) mod finder;
pub(crate) mod golden;
pub(crate) mod npm;
pub(crate) mod onnx;
pub(crate) mod programs;
pub(crate) mod python;
pub(crate) mod pytorch;
pub(crate) mod sandbox;
pub(crate) mod site;
pub(crate) mod tools;
pub(crate) mod wasm;
