//! Winograd's F(4x4, 3x3): a 3x3 convolution by 36 multiplications for 16 outputs instead of 144.
//!
//! ```text
//! for each block of tiles (4x4 outputs, which read 6x6 inputs):
//!     V[f][tile][channel] = B^T patch B            36 frequencies f
//!     for each panel of 8 output channels:
//!         U[f][channel][8] = G weights G^T         from 16 bits each time: nothing is kept
//!         for each f: M[f][tile][8] = V[f] x U[f]
//!         outputs = ReLU(A^T M A + bias)
//! ```
//!
//! The matrices are those of Lavin and Gray (2015) for the points 0, 1, -1, 2, -2. The result
//! differs from the direct one in the last digits: 1e-5 of the largest output.

use super::conv::{PANEL_FLOATS, relu};
use super::kernels::{LANES, ROWS, Runs, decode_f16, gemm_f32_rx8};
use super::map::{Map, Shape};
use super::weights::Conv;

/// Width and height of a tile of outputs, and of the inputs that it reads.
const OUT: usize = 4;
const IN: usize = 6;
const FREQUENCIES: usize = IN * IN;

/// Below this many outputs the transforms cost more than they save.
const PIXELS_MIN: usize = 200;

/// The fewest and the most channels that the transforms pay for and the memory is made for.
const CHANNELS_MIN: usize = 32;
const CHANNELS_MAX: usize = 192;

/// A block's transformed input stays in a cache of 1 MB with room for the rest. Where there are
/// many weights to transform for each block, which only `mixed_6a.branch1.1` has, all its 25 tiles
/// are one block.
const TILES_MAX: usize = 56;
const fn tiles_max(channels: usize) -> usize {
    if channels > CHANNELS_MAX / 2 { 25 } else { TILES_MAX * CHANNELS_MIN / channels }
}

/// Floats in a cache line.
const LINE: usize = 16;

/// Floats from one frequency to the next, for as many floats: an odd number of cache lines, so
/// that the same place of all frequencies is not in the same few sets of the cache.
const fn frequency_stride(floats: usize) -> usize {
    (floats.div_ceil(LINE) | 1) * LINE
}

const INPUT_FLOATS: usize = FREQUENCIES * frequency_stride(25 * CHANNELS_MAX);
const WEIGHTS_FLOATS: usize = FREQUENCIES * frequency_stride(CHANNELS_MAX * LANES);
const OUTPUT_FLOATS: usize = FREQUENCIES * frequency_stride(TILES_MAX * LANES);
const _: () = assert!(FREQUENCIES * frequency_stride(TILES_MAX * CHANNELS_MIN) <= INPUT_FLOATS);

/// Where the transformed numbers are.
#[derive(Debug)]
pub(super) struct Scratch {
    /// `[frequency][tile][channel]`.
    input: Box<[f32]>,
    /// `[frequency][channel][lane]` of one panel.
    weights: Box<[f32]>,
    /// `[frequency][tile][lane]` of one panel.
    output: Box<[f32]>,
}

impl Scratch {
    /// Its size.
    pub(super) const BYTES: usize =
        size_of::<f32>() * (INPUT_FLOATS + WEIGHTS_FLOATS + OUTPUT_FLOATS);

    pub(super) fn new() -> Self {
        let floats = |count| vec![0.0; count].into_boxed_slice();
        Self {
            input: floats(INPUT_FLOATS),
            weights: floats(WEIGHTS_FLOATS),
            output: floats(OUTPUT_FLOATS),
        }
    }
}

/// Whether a convolution of stride 1 with this output is done this way.
pub(super) fn fits(conv: &Conv, output: Shape) -> bool {
    conv.kernel == [3, 3]
        && output.pixels() >= PIXELS_MIN
        && (CHANNELS_MIN..=CHANNELS_MAX).contains(&conv.input)
        && conv.input.is_multiple_of(LANES)
}

/// Computes `conv` with `ReLU` over all of `input` into the channels of `output` from `at` on.
///
/// # Panics
/// When the shapes do not fit together.
pub(super) fn convolve(
    conv: &Conv,
    input: &Map,
    (output, at): (&mut Map, usize),
    panel: &mut [f32],
    scratch: &mut Scratch,
) {
    assert!(fits(conv, output.shape), "the scratch memory is large enough");
    assert_eq!(input.shape.channels, conv.input, "input channels");
    let [above, aside] = input.shape.border;
    assert_eq!(output.shape.height, input.shape.height + 2 * above - 2);
    assert_eq!(output.shape.width, input.shape.width + 2 * aside - 2);
    let panel = &mut panel[..PANEL_FLOATS.min(conv.depth() * LANES)];
    let columns = output.shape.width.div_ceil(OUT);
    let tiles = output.shape.height.div_ceil(OUT) * columns;
    let blocks = tiles.div_ceil(tiles_max(conv.input));
    let per_block = tiles.div_ceil(blocks);
    for first in (0..tiles).step_by(per_block) {
        let block = Block { first, count: per_block.min(tiles - first), columns };
        block.transform_input(input, &mut scratch.input);
        for index in 0..conv.out / LANES {
            decode_f16(conv.panel(index), panel);
            transform_weights(panel, conv.input, &mut scratch.weights);
            block.multiply(conv.input, scratch);
            let bias = conv.bias[index * LANES..].first_chunk().expect("a bias for each channel");
            block.transform_output(bias, &scratch.output, output, at + index * LANES);
        }
    }
}

/// Some tiles, which are numbered row by row.
struct Block {
    first: usize,
    count: usize,
    columns: usize,
}

impl Block {
    /// The first output pixel of a tile.
    fn corner(&self, tile: usize) -> (usize, usize) {
        let tile = self.first + tile;
        (tile / self.columns * OUT, tile % self.columns * OUT)
    }

    #[inline(never)]
    fn transform_input(&self, input: &Map, target: &mut [f32]) {
        let shape = input.shape;
        let channels = shape.channels;
        // Tiles reach over the edge where the output's side is not a multiple of four. What they
        // read there decides only outputs that nobody wants; the last pixel is as good as any.
        let bottom = shape.height + 2 * shape.border[0] - 1;
        let right = shape.width + 2 * shape.border[1] - 1;
        let stride = frequency_stride(self.count * channels);
        for tile in 0..self.count {
            let (y, x) = self.corner(tile);
            let pixels: [[usize; IN]; IN] = std::array::from_fn(|i| {
                let row = (y + i).min(bottom) * shape.row();
                std::array::from_fn(|j| row + (x + j).min(right) * channels)
            });
            for channel in (0..channels).step_by(WIDTH) {
                let mut half = [[[0.0; WIDTH]; IN]; IN];
                for j in 0..IN {
                    let column = std::array::from_fn(|i| load(&input.data, pixels[i][j] + channel));
                    for (row, value) in half.iter_mut().zip(input_1d(column)) {
                        row[j] = value;
                    }
                }
                for (i, row) in half.into_iter().enumerate() {
                    for (j, value) in input_1d(row).into_iter().enumerate() {
                        let at = (i * IN + j) * stride + tile * channels + channel;
                        target[at..at + WIDTH].copy_from_slice(&value);
                    }
                }
            }
        }
    }

    /// The 36 matrix products.
    fn multiply(&self, channels: usize, scratch: &mut Scratch) {
        let Scratch { input, weights, output } = scratch;
        let strides = [self.count * channels, channels * LANES, self.count * LANES];
        let strides = strides.map(frequency_stride);
        for frequency in 0..FREQUENCIES {
            let weights = &weights[frequency * strides[1]..];
            let output = &mut output[frequency * strides[2]..][..self.count * LANES];
            let (mut rest, _) = output.as_chunks_mut::<LANES>();
            let mut row = frequency * strides[0];
            for left in (1..=self.count.div_ceil(ROWS)).rev() {
                let rows = rest.len().div_ceil(left);
                let (tile, later) = rest.split_at_mut(rows);
                match rows {
                    6 => product::<6>(input, row, channels, weights, tile),
                    5 => product::<5>(input, row, channels, weights, tile),
                    4 => product::<4>(input, row, channels, weights, tile),
                    3 => product::<3>(input, row, channels, weights, tile),
                    2 => product::<2>(input, row, channels, weights, tile),
                    _ => product::<1>(input, row, channels, weights, tile),
                }
                rest = later;
                row += rows * channels;
            }
        }
    }

    #[inline(never)]
    fn transform_output(&self, bias: &[f32; LANES], source: &[f32], output: &mut Map, at: usize) {
        let shape = output.shape;
        let stride = frequency_stride(self.count * LANES);
        for tile in 0..self.count {
            let (top, left) = self.corner(tile);
            for half in (0..LANES).step_by(WIDTH) {
                let mut columns = [[[0.0; WIDTH]; IN]; OUT];
                for j in 0..IN {
                    let column = std::array::from_fn(|i| {
                        load(source, (i * IN + j) * stride + tile * LANES + half)
                    });
                    for (row, value) in columns.iter_mut().zip(output_1d(column)) {
                        row[j] = value;
                    }
                }
                let bias: Vector = load(bias, half);
                for (y, row) in (top..shape.height).zip(columns) {
                    for (x, value) in (left..shape.width).zip(output_1d(row)) {
                        let target = shape.pixel(y, x) + at + half;
                        let value = add(value, bias).map(relu);
                        output.data[target..target + WIDTH].copy_from_slice(&value);
                    }
                }
            }
        }
    }
}

#[inline(never)]
fn product<const R: usize>(
    input: &[f32],
    row: usize,
    channels: usize,
    weights: &[f32],
    tile: &mut [[f32; LANES]],
) {
    let tile = tile.first_chunk_mut::<R>().expect("a tile of as many rows");
    let rows = std::array::from_fn(|r| row + r * channels);
    *tile = gemm_f32_rx8(input, &rows, Runs::one(channels), weights, &[]);
}

#[inline(never)]
fn transform_weights(panel: &[f32], channels: usize, target: &mut [f32]) {
    let stride = frequency_stride(channels * LANES);
    for channel in 0..channels {
        for half in (0..LANES).step_by(WIDTH) {
            let mut columns = [[[0.0; WIDTH]; 3]; IN];
            for j in 0..3 {
                let column = std::array::from_fn(|i| {
                    load(panel, ((i * 3 + j) * channels + channel) * LANES + half)
                });
                for (row, value) in columns.iter_mut().zip(weights_1d(column)) {
                    row[j] = value;
                }
            }
            for (i, row) in columns.into_iter().enumerate() {
                for (j, value) in weights_1d(row).into_iter().enumerate() {
                    let at = (i * IN + j) * stride + channel * LANES + half;
                    target[at..at + WIDTH].copy_from_slice(&value);
                }
            }
        }
    }
}

/// One vector of WebAssembly. The compiler makes vector instructions of these arrays.
const WIDTH: usize = 4;
type Vector = [f32; WIDTH];

#[inline(always)]
fn load(source: &[f32], at: usize) -> Vector {
    *source[at..].first_chunk().expect("channels come in whole vectors")
}

#[inline(always)]
fn add(a: Vector, b: Vector) -> Vector {
    std::array::from_fn(|i| a[i] + b[i])
}

#[inline(always)]
fn sub(a: Vector, b: Vector) -> Vector {
    std::array::from_fn(|i| a[i] - b[i])
}

#[inline(always)]
fn scale(factor: f32, a: Vector) -> Vector {
    a.map(|value| factor * value)
}

/// `B^T d`.
#[inline(always)]
fn input_1d(d: [Vector; IN]) -> [Vector; IN] {
    let even = sub(d[4], scale(4.0, d[2]));
    let odd = sub(d[3], scale(4.0, d[1]));
    let near = sub(d[4], d[2]);
    let far = scale(2.0, sub(d[3], d[1]));
    [
        add(sub(scale(4.0, d[0]), scale(5.0, d[2])), d[4]),
        add(even, odd),
        sub(even, odd),
        add(near, far),
        sub(near, far),
        add(sub(scale(4.0, d[1]), scale(5.0, d[3])), d[5]),
    ]
}

/// `G g`.
#[inline(always)]
fn weights_1d(g: [Vector; 3]) -> [Vector; IN] {
    let outer = scale(-1.0 / 6.0, add(g[0], g[2]));
    let inner = scale(1.0 / 6.0, g[1]);
    let far = add(scale(1.0 / 24.0, g[0]), scale(1.0 / 6.0, g[2]));
    let middle = scale(1.0 / 12.0, g[1]);
    [
        scale(0.25, g[0]),
        sub(outer, inner),
        add(outer, inner),
        add(far, middle),
        sub(far, middle),
        g[2],
    ]
}

/// `A^T m`.
#[inline(always)]
fn output_1d(m: [Vector; IN]) -> [Vector; OUT] {
    let (near, near_odd) = (add(m[1], m[2]), sub(m[1], m[2]));
    let (far, far_odd) = (add(m[3], m[4]), sub(m[3], m[4]));
    [
        add(add(m[0], near), far),
        add(near_odd, scale(2.0, far_odd)),
        add(near, scale(4.0, far)),
        add(add(near_odd, scale(8.0, far_odd)), m[5]),
    ]
}
