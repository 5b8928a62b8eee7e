//! Winograd's convolutions: fewer multiplications, for some additions before and after.
//!
//! ```text
//! for each block of tiles (some outputs, and the inputs that they read):
//!     V[f][tile][channel] = B^T patch B            f: a product of the tile
//!     for each panel of 8 output channels:
//!         U[f][channel][8] = G weights G^T         from 16 bits each time: nothing is kept
//!         for each f: M[f][tile][8] = V[f] x U[f]
//!         outputs = ReLU(A^T M A + bias)
//! ```
//!
//! The axes of a tile are transformed one after the other, each by its own [`axis`]: a 3x3
//! kernel along both, a 7x1 kernel along one. As Lavin and Gray (2015), but for the kernels with
//! a stride, which are sums of four without. The result differs from the direct one in the last
//! digits: 1e-5 of the largest output.

mod axis;
mod block;

use super::aligned::Aligned;
use super::kernels::LANES;
use super::map::{Map, Shape};
use super::weights::Conv;
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

/// Below this many outputs of a 3x3 kernel the transforms cost more than they save, or as much:
/// at 8x8 they save 0.5 of 40 ms without stride and nothing with it.
const PIXELS_MIN: usize = 64;
const STRIDE_2_PIXELS_MIN: usize = 200;

/// The fewest channels that the transforms pay for.
const CHANNELS_MIN: usize = 32;

/// Floats of a block's transformed input. Below 96 channels it stays in a cache of 1 MB with room
/// for the rest; where there are many weights to transform for each block, blocks are larger.
const fn block_floats(channels: usize) -> usize {
    if channels <= 96 { 64 << 10 } else { INPUT_FLOATS }
}

const INPUT_FLOATS: usize = 174 << 10;
/// 6x6 different factors and 256 channels, which `mixed_6a.branch0` has.
const WEIGHTS_ROWS: usize = 36 * weights_stride(256);
/// 36 products and 56 tiles: `conv2d_2a`.
const OUTPUT_FLOATS: usize = 36 * frequency_stride(56 * LANES);

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
    /// Its size.
    pub(super) const BYTES: usize = Aligned::bytes(INPUT_FLOATS)
        + Aligned::bytes(WEIGHTS_ROWS * LANES)
        + Aligned::bytes(OUTPUT_FLOATS);

    pub(super) fn new() -> Self {
        Self {
            input: Aligned::new(INPUT_FLOATS),
            weights: Aligned::new(WEIGHTS_ROWS * LANES),
            output: Aligned::new(OUTPUT_FLOATS),
        }
    }
}

/// How a convolution is done, if it is done this way.
pub(super) fn scheme(conv: &Conv, stride: usize, output: Shape) -> Option<Scheme> {
    if conv.input < CHANNELS_MIN || !conv.input.is_multiple_of(LANES) {
        return None;
    }
    match (conv.kernel, stride) {
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
    input: &Map,
    output: (&mut Map, usize),
    scratch: &mut Scratch,
) {
    match scheme {
        Scheme::F4x3 => run::<F4x3, F4x3>(conv, input, output, scratch),
        Scheme::Across => run::<One, F4x7>(conv, input, output, scratch),
        Scheme::Down => run::<F4x7, One>(conv, input, output, scratch),
        Scheme::F3x3Stride2 => {
            run::<F3x3Stride2, F3x3Stride2>(conv, input, output, scratch);
        }
    }
}

fn run<Y: Axis, X: Axis>(
    conv: &Conv,
    input: &Map,
    (output, at): (&mut Map, usize),
    scratch: &mut Scratch,
) {
    let taps = [Y::Taps::LEN, X::Taps::LEN];
    assert_eq!(conv.kernel, taps, "the kernel is that of the scheme");
    assert_eq!(input.shape.channels, conv.input, "input channels");
    let [above, aside] = input.shape.border;
    assert_eq!(output.shape.height, (input.shape.height + 2 * above - taps[0]) / Y::STRIDE + 1);
    assert_eq!(output.shape.width, (input.shape.width + 2 * aside - taps[1]) / X::STRIDE + 1);
    let columns = output.shape.width.div_ceil(X::Outputs::LEN);
    let tiles = output.shape.height.div_ceil(Y::Outputs::LEN) * columns;
    let products = Y::Products::LEN * X::Products::LEN;
    let tiles_max = block_floats(conv.input) / (products * conv.input);
    let per_block = tiles.div_ceil(tiles.div_ceil(tiles_max));
    for first in (0..tiles).step_by(per_block) {
        let block = Block::<Y, X>::new(first, per_block.min(tiles - first), columns);
        block.transform_input(input, &mut scratch.input);
        for index in 0..conv.out / LANES {
            let (weights, _) = scratch.weights.as_chunks_mut();
            transform_weights::<Y, X>(conv.panel(index), conv.input, weights);
            block.multiply(conv.input, scratch, conv.next_panel(index));
            let bias = conv.bias[index * LANES..].first_chunk().expect("a bias for each channel");
            block.transform_output(bias, &scratch.output, output, at + index * LANES);
        }
    }
}
