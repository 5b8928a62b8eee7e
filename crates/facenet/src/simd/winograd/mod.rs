//! Winograd's convolutions: they replace multiplications by additions before and after.
//!
//! ```text
//! for each block of tiles (some outputs, and the inputs that they read):
//!     V[f][tile][channel] = B^T patch B            f: a product of the tile
//!     for each panel of 8 output channels:
//!         U[f][channel][8] = G weights G^T         computed anew for each block, not kept
//!         for each f: M[f][tile][8] = V[f] x U[f]
//!         outputs = ReLU(A^T M A + bias)
//! ```
//!
//! The axes of a tile are transformed one after the other, each by its own [`axis`]: a 3x3
//! kernel along both, a 7x1 kernel along one. This is as in Lavin and Gray (2015). A kernel with a
//! stride of two, which they do not have, is a sum of four kernels without stride. The result
//! differs from the direct one in the last digits: 1e-5 of the largest output.

mod axis;
mod block;

use super::aligned::Aligned;
use super::feature_map::{FeatureMap, Shape};
use super::kernels::LANES;
use super::weights::Conv;
use crate::layers::Window;
use axis::{Axis, F3x3Stride2, F4x3, F4x7, Line, One};
use block::{Block, frequency_stride, transform_weights, weights_stride};

/// Which axes a convolution is transformed along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    /// 4x4 outputs of a 3x3 kernel by 36 products for each channel instead of 144.
    F4x3,
    /// 4 outputs of a 1x7 kernel by 10 instead of 28.
    Across,
    /// 4 outputs of a 7x1 kernel by 10 instead of 28.
    Down,
    /// 3x3 outputs of a 3x3 kernel with stride 2 by 49 instead of 81.
    F3x3Stride2,
}

/// Below this many outputs of a 3x3 kernel the transforms cost as much as they save, or more. At
/// 8x8 they save 0.5 of 40 ms without stride and nothing with it (Zen 5, V8 13.6, rustc 1.95,
/// 2026-11).
const PIXELS_MIN: usize = 64;
const STRIDE_2_PIXELS_MIN: usize = 200;

/// With fewer channels the transforms do not pay.
const CHANNELS_MIN: usize = 32;

/// The most floats of a block's transformed input. Up to 96 channels it is so small that it stays
/// in a cache of 1 MB beside everything else. More channels have more weights, which are
/// transformed again for each block, so fewer and larger blocks are faster.
const fn block_floats(channels: usize) -> usize {
    if channels <= 96 { 64 << 10 } else { 174 << 10 }
}

/// How a convolution is cut into blocks of tiles.
struct Blocks {
    /// Tiles side by side.
    columns: usize,
    tiles: usize,
    /// Tiles in a block.
    per_block: usize,
}

impl Blocks {
    fn of<Y: Axis, X: Axis>(conv: &Conv, output: Shape) -> Self {
        let columns = output.width.div_ceil(X::Outputs::LEN);
        let tiles = output.height.div_ceil(Y::Outputs::LEN) * columns;
        let products = Y::Products::LEN * X::Products::LEN;
        let tiles_max = block_floats(conv.input) / (products * conv.input);
        Self { columns, tiles, per_block: tiles.div_ceil(tiles.div_ceil(tiles_max)) }
    }
}

/// How much memory convolutions need.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sizes {
    /// Floats of a block's transformed input.
    input: usize,
    /// Rows of a panel's transformed weights.
    weights: usize,
    /// Floats of a block's products.
    output: usize,
}

impl Sizes {
    /// Makes it enough for a convolution.
    pub(super) fn include(&mut self, scheme: Scheme, conv: &Conv, output: Shape) {
        match scheme {
            Scheme::F4x3 => self.include_axes::<F4x3, F4x3>(conv, output),
            Scheme::Across => self.include_axes::<One, F4x7>(conv, output),
            Scheme::Down => self.include_axes::<F4x7, One>(conv, output),
            Scheme::F3x3Stride2 => self.include_axes::<F3x3Stride2, F3x3Stride2>(conv, output),
        }
    }

    fn include_axes<Y: Axis, X: Axis>(&mut self, conv: &Conv, output: Shape) {
        let Blocks { per_block, .. } = Blocks::of::<Y, X>(conv, output);
        let products = Y::Products::LEN * X::Products::LEN;
        let factors = Y::Weights::LEN * X::Weights::LEN;
        self.input = self.input.max(products * frequency_stride(per_block * conv.input));
        self.weights = self.weights.max(factors * weights_stride(conv.input));
        self.output = self.output.max(products * frequency_stride(per_block * LANES));
    }

    /// Bytes of all that.
    #[cfg(test)]
    pub(super) const fn bytes(self) -> usize {
        let Self { input, weights, output } = self;
        Aligned::<f32>::bytes(input)
            + Aligned::<f32>::bytes(weights * LANES)
            + Aligned::<f32>::bytes(output)
    }
}

/// Where the transformed numbers are.
#[derive(Debug)]
pub(super) struct Scratch {
    /// `[product][tile][channel]`.
    input: Aligned,
    /// `[factor][channel]` of one panel.
    weights: Aligned,
    /// `[product][tile][lane]` of one panel.
    output: Aligned,
}

impl Scratch {
    pub(super) fn new(sizes: Sizes) -> Self {
        Self {
            input: Aligned::new(sizes.input),
            weights: Aligned::new(sizes.weights * LANES),
            output: Aligned::new(sizes.output),
        }
    }
}

/// The scheme of a convolution, or nothing where computing it directly is as fast.
pub(super) fn scheme(conv: &Conv, output: Shape) -> Option<Scheme> {
    if conv.input < CHANNELS_MIN || !conv.input.is_multiple_of(LANES) {
        return None;
    }
    let Window { kernel, stride, .. } = conv.window;
    match (kernel, stride) {
        ([3, 3], 1) if output.pixels() >= PIXELS_MIN => Some(Scheme::F4x3),
        ([1, 7], 1) => Some(Scheme::Across),
        ([7, 1], 1) => Some(Scheme::Down),
        ([3, 3], 2) if output.pixels() >= STRIDE_2_PIXELS_MIN => Some(Scheme::F3x3Stride2),
        _ => None,
    }
}

/// Computes `conv` with `ReLU` over all of `input` into the channels of `output` from `at` on.
///
/// # Panics
/// When the shapes do not fit together.
pub(super) fn convolve(
    scheme: Scheme,
    conv: &Conv,
    input: &FeatureMap,
    output: (&mut FeatureMap, usize),
    scratch: &mut Scratch,
) {
    match scheme {
        Scheme::F4x3 => run::<F4x3, F4x3>(conv, input, output, scratch),
        Scheme::Across => run::<One, F4x7>(conv, input, output, scratch),
        Scheme::Down => run::<F4x7, One>(conv, input, output, scratch),
        Scheme::F3x3Stride2 => run::<F3x3Stride2, F3x3Stride2>(conv, input, output, scratch),
    }
}

fn run<Y: Axis, X: Axis>(
    conv: &Conv,
    input: &FeatureMap,
    (output, at): (&mut FeatureMap, usize),
    scratch: &mut Scratch,
) {
    let taps = [Y::Taps::LEN, X::Taps::LEN];
    assert_eq!(conv.window.kernel, taps, "the kernel is that of the scheme");
    assert_eq!(conv.window.stride, Y::STRIDE.max(X::STRIDE), "so is the stride");
    conv.check(input.shape, output.shape);
    let Blocks { columns, tiles, per_block } = Blocks::of::<Y, X>(conv, output.shape);
    for first in (0..tiles).step_by(per_block) {
        let block = Block::<Y, X>::new(first, per_block.min(tiles - first), columns);
        block.transform_input(input, &mut scratch.input);
        for index in 0..conv.out / LANES {
            let (weights, _) = scratch.weights.as_chunks_mut();
            transform_weights::<Y, X>(conv.panel(index), conv.input, weights);
            block.multiply(conv.input, scratch);
            let bias = conv.bias[index * LANES..].first_chunk().expect("a bias for each channel");
            block.transform_output(bias, &scratch.output, output, at + index * LANES);
        }
    }
}
