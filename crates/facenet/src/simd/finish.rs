//! What is done with the sums of a convolution, whichever way they were computed.

use super::feature_map::FeatureMap;
use super::kernels::LANES;

/// What is done with the sums.
#[derive(Clone, Copy)]
pub(super) enum Finish<'a> {
    /// `max(sum, 0)`.
    Relu,
    /// `residual + scale * sum`, and `ReLU` unless it is the last block.
    Residual { residual: &'a FeatureMap, scale: f32, relu: bool },
}

/// Stores the eight sums of a pixel.
#[inline(always)]
pub(super) fn store(sums: &[f32; LANES], output: &mut [f32], target: usize, finish: Finish<'_>) {
    let output: &mut [f32; LANES] =
        output[target..].first_chunk_mut().expect("the output has all channels");
    *output = match finish {
        Finish::Relu => sums.map(relu),
        Finish::Residual { residual, scale, relu: with_relu } => {
            let residual: &[f32; LANES] =
                residual.data[target..].first_chunk().expect("it has the shape of the output");
            let sums = std::array::from_fn(|lane| residual[lane] + scale * sums[lane]);
            if with_relu { sums.map(relu) } else { sums }
        }
    };
}

/// Keeps a NaN and is one instruction, unlike `f32::max`.
#[inline(always)]
pub(super) fn relu(value: f32) -> f32 {
    if value < 0.0 { 0.0 } else { value }
}
