//! Offline converter: published FaceNet checkpoints to what `facenet` compiles and loads.
//!
//! ```text
//! TensorFlow's frozen graph --+--(checkpoint)--> shard1.bin, shard2.bin
//! PyTorch's state dict -------+
//! ONNX files --------------------(onnx)--------> shard1.rs, shard2.rs, shard1.bin, shard2.bin
//! ```
//!
//! The first way needs neither Burn nor PyTorch and is what set-up runs. The second, behind the
//! feature `onnx`, makes the code that is committed; both must give the same records.

pub mod checkpoint;

mod frozen_graph;

mod state_dict;

mod tensorflow;

#[cfg(feature = "onnx")]
pub mod onnx;

pub mod shard;

pub mod whole;

/// Raise this when the same checkpoint gives other records than before, so that set-up makes
/// them anew.
pub const VERSION: u32 = 2;
