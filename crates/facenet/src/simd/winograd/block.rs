//! A block of tiles: the transforms along both axes, and the matrix products between them.

use std::marker::PhantomData;

use super::Scratch;
use super::axis::{Axis, Line, add};
use crate::simd::aligned::LINE;
use crate::simd::feature_map::FeatureMap;
use crate::simd::finish::relu;
use crate::simd::kernels::{
    Halves, LANES, Runs, Vector, WIDTH, fused, gemm_f32_rx8, tiles, with_rows,
};

/// The most vectors between the transforms along the two axes of a tile: 7x7 for stride 2.
const BETWEEN: usize = 49;

/// The most samples along an axis.
const SAMPLES_MAX: usize = 10;

/// Floats from one product to the next, when each has so many floats. It is an odd number of cache
/// lines. With an even one, the same place of all products would be in the same few sets of the
/// cache.
pub(super) const fn frequency_stride(floats: usize) -> usize {
    (floats.div_ceil(LINE) | 1) * LINE
}

/// Rows of a panel from one factor to the next, for the same reason.
pub(super) const fn weights_stride(channels: usize) -> usize {
    frequency_stride(channels * LANES) / LANES
}

/// Some tiles of an output, counted row by row.
pub(super) struct Block<Y, X> {
    first: usize,
    count: usize,
    columns: usize,
    axes: PhantomData<(Y, X)>,
}

impl<Y: Axis, X: Axis> Block<Y, X> {
    pub(super) fn new(first: usize, count: usize, columns: usize) -> Self {
        Self { first, count, columns, axes: PhantomData }
    }

    /// The first output pixel of a tile.
    fn corner(&self, tile: usize) -> (usize, usize) {
        let tile = self.first + tile;
        (tile / self.columns * Y::Outputs::LEN, tile % self.columns * X::Outputs::LEN)
    }

    #[inline(never)]
    pub(super) fn transform_input(&self, input: &FeatureMap, target: &mut [f32]) {
        fused(|| self.input(input, target));
    }

    #[inline(always)]
    fn input(&self, input: &FeatureMap, target: &mut [f32]) {
        let shape = input.shape;
        let channels = shape.channels;
        // Tiles reach over the edge where the output's side is not a multiple of theirs. There they
        // read the last pixel again: that affects only outputs that are not stored.
        let bottom = shape.height + 2 * shape.border[0] - 1;
        let right = shape.width + 2 * shape.border[1] - 1;
        let stride = frequency_stride(self.count * channels);
        let mut between = [[0.0; WIDTH]; BETWEEN];
        for tile in 0..self.count {
            let (y, x) = self.corner(tile);
            let (y, x) = (y * Y::STRIDE, x * X::STRIDE);
            let rows: [usize; SAMPLES_MAX] =
                std::array::from_fn(|i| (y + i).min(bottom) * shape.row());
            let pixels: [usize; SAMPLES_MAX] =
                std::array::from_fn(|j| (x + j).min(right) * channels);
            for channel in (0..channels).step_by(WIDTH) {
                for j in 0..X::Samples::LEN {
                    let at = pixels[j] + channel;
                    let column = Y::Samples::from_fn(|i| load(&input.data, rows[i] + at));
                    for (i, &value) in Y::samples(column).as_slice().iter().enumerate() {
                        between[i * X::Samples::LEN + j] = value;
                    }
                }
                for i in 0..Y::Products::LEN {
                    let row = X::Samples::from_fn(|j| between[i * X::Samples::LEN + j]);
                    for (j, value) in X::samples(row).as_slice().iter().enumerate() {
                        let at = (i * X::Products::LEN + j) * stride + tile * channels + channel;
                        target[at..at + WIDTH].copy_from_slice(value);
                    }
                }
            }
        }
    }

    /// The matrix products.
    pub(super) fn multiply(&self, channels: usize, scratch: &mut Scratch) {
        let Scratch { input, weights, output } = scratch;
        let (weights, _) = weights.as_chunks();
        let strides = [self.count * channels, self.count * LANES].map(frequency_stride);
        let weights_stride = weights_stride(channels);
        for i in 0..Y::Products::LEN {
            for j in 0..X::Products::LEN {
                let at = i * X::Products::LEN + j;
                let [i, j] = [i.min(Y::Weights::LEN - 1), j.min(X::Weights::LEN - 1)];
                let weights = &weights[(i * X::Weights::LEN + j) * weights_stride..];
                let output = &mut output[at * strides[1]..][..self.count * LANES];
                let (sums, _) = output.as_chunks_mut();
                product(input, at * strides[0], channels, weights, sums);
            }
        }
    }

    #[inline(never)]
    pub(super) fn transform_output(
        &self,
        bias: &[f32; LANES],
        source: &[f32],
        output: &mut FeatureMap,
        at: usize,
    ) {
        fused(|| self.output(bias, source, output, at));
    }

    #[inline(always)]
    fn output(&self, bias: &[f32; LANES], source: &[f32], output: &mut FeatureMap, at: usize) {
        let shape = output.shape;
        let stride = frequency_stride(self.count * LANES);
        let mut between = [[0.0; WIDTH]; BETWEEN];
        for tile in 0..self.count {
            let (top, left) = self.corner(tile);
            for half in (0..LANES).step_by(WIDTH) {
                for j in 0..X::Products::LEN {
                    let column = Y::Products::from_fn(|i| {
                        let product = i * X::Products::LEN + j;
                        load(source, product * stride + tile * LANES + half)
                    });
                    for (i, &value) in Y::outputs(column).as_slice().iter().enumerate() {
                        between[i * X::Products::LEN + j] = value;
                    }
                }
                let bias: Vector = load(bias, half);
                for i in 0..Y::Outputs::LEN.min(shape.height - top) {
                    let row = X::Products::from_fn(|j| between[i * X::Products::LEN + j]);
                    let row = X::outputs(row);
                    for (&value, x) in row.as_slice().iter().zip(left..shape.width) {
                        let target = shape.pixel(top + i, x) + at + half;
                        let value = add(value, bias).map(relu);
                        output.data[target..target + WIDTH].copy_from_slice(&value);
                    }
                }
            }
        }
    }
}

/// One matrix product.
fn product(
    input: &[f32],
    first: usize,
    channels: usize,
    weights: &[[f32; LANES]],
    sums: &mut [[f32; LANES]],
) {
    for rows in tiles(0..sums.len()) {
        let row = first + rows.start * channels;
        let tile = &mut sums[rows];
        with_rows!(tile.len(), R => product_tile::<R>(input, row, channels, weights, tile));
    }
}

#[inline(never)]
fn product_tile<const R: usize>(
    input: &[f32],
    row: usize,
    channels: usize,
    weights: &[[f32; LANES]],
    tile: &mut [[f32; LANES]],
) {
    let tile = tile.first_chunk_mut::<R>().expect("a tile of that many rows");
    *tile = [[0.0; LANES]; R];
    let rows = std::array::from_fn(|r| row + r * channels);
    gemm_f32_rx8(input, &rows, Runs::one(channels), weights, tile);
}

/// Transforms a panel `[tap][channel]` to `target`, which is `[factor][channel]`.
#[inline(never)]
pub(super) fn transform_weights<Y: Axis, X: Axis>(
    panel: &[Halves],
    channels: usize,
    target: &mut [[f32; LANES]],
) {
    fused(|| {
        for channel in 0..channels {
            transform_half::<Y, X, false>(panel, channels, channel, target);
            transform_half::<Y, X, true>(panel, channels, channel, target);
        }
    });
}

/// The lower or the upper four output channels.
#[inline(always)]
fn transform_half<Y: Axis, X: Axis, const UPPER: bool>(
    panel: &[Halves],
    channels: usize,
    channel: usize,
    target: &mut [[f32; LANES]],
) {
    let stride = weights_stride(channels);
    let mut between = [[0.0; WIDTH]; BETWEEN];
    for j in 0..X::Taps::LEN {
        let column = Y::Taps::from_fn(|i| {
            panel[(i * X::Taps::LEN + j) * channels + channel].decode::<UPPER>()
        });
        for (i, &value) in Y::weights(column).as_slice().iter().enumerate() {
            between[i * X::Taps::LEN + j] = value;
        }
    }
    for i in 0..Y::Weights::LEN {
        let row = X::Taps::from_fn(|j| between[i * X::Taps::LEN + j]);
        for (j, value) in X::weights(row).as_slice().iter().enumerate() {
            let (halves, _) = target[(i * X::Weights::LEN + j) * stride + channel].as_chunks_mut();
            halves[usize::from(UPPER)] = *value;
        }
    }
}

#[inline(always)]
fn load(source: &[f32], at: usize) -> Vector {
    *source[at..].first_chunk().expect("channels come in whole vectors")
}
