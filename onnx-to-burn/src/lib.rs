#![doc = include_str!("../README.md")]

pub mod checkpoint;
mod frozen_graph;
mod state_dict;
mod tensorflow;
#[cfg(feature = "onnx")]
pub mod onnx;
pub mod shard;
pub mod whole;
