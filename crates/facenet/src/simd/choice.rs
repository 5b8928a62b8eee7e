//! Which arithmetic the engine computes with.

use crate::{PIPELINE, PIPELINE_INT8};

/// The SIMD engine, by its arithmetic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Simd {
    /// All in float32.
    Float,
    /// All convolutions but the first three in integers, and the rest in float32. It is faster and
    /// takes less memory. Its embeddings differ a little, so they have a pipeline of their own.
    #[default]
    Int8,
}

impl Simd {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Float, Self::Int8];

    /// The pipeline that its embeddings are of.
    #[must_use]
    pub const fn pipeline(self) -> &'static str {
        match self {
            Self::Float => PIPELINE,
            Self::Int8 => PIPELINE_INT8,
        }
    }

    /// A name for tables and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Float => "simd",
            Self::Int8 => "simd-int8",
        }
    }
}
