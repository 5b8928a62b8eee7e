//! A convolution over a whole feature map, computed directly and without im2col: a row of a tile is
//! an output pixel, and for each row of the kernel it reads one contiguous run of floats.
//!
//! ```text
//! for each panel of 8 output channels:
//!     decode the panel's weights to float32
//!     for each tile of up to 6 output pixels:
//!         sums = bias; sums += rows x panel; scale, add the residual, ReLU; store
//! ```
//!
//! Where there are few pixels, the two inner steps alternate: a piece of the panel is decoded and
//! used for all tiles, then the next piece.

use std::ops::Range;

use super::aligned::Aligned;
use super::feature_map::{FeatureMap, Shape};
use super::finish::{Finish, store};
use super::kernels::{LANES, ROWS, Runs, decode_f16, gemm_f32_rx8, tiles, with_rows};
use super::reads::Reads;
use super::weights::Conv;
use crate::layers::{MAX_POOL, Window};

/// Up to so many pixels, decoding takes much of the time. Then a panel is decoded in pieces that
/// stay in the innermost cache until they have been used.
const FEW_PIXELS: usize = 2 * ROWS;

/// Rows of a piece: 8 kB when decoded.
const PIECE_ROWS: usize = 256;

/// How much memory convolutions need.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sizes {
    /// Rows of the deepest panel.
    panel_rows: usize,
    /// Pixels of the largest output.
    pixels: usize,
}

impl Sizes {
    /// Makes it enough for a convolution.
    pub(super) fn include(&mut self, conv: &Conv, output: Shape) {
        self.panel_rows = self.panel_rows.max(conv.depth());
        self.pixels = self.pixels.max(output.pixels());
    }

    /// Bytes of all that.
    #[cfg(test)]
    pub(super) const fn bytes(self) -> usize {
        Aligned::<f32>::bytes(self.panel_rows * LANES) + self.pixels * size_of::<Place>()
    }
}

/// Memory for one convolution after the other.
#[derive(Debug)]
pub(super) struct Scratch {
    /// Decoded weights of one panel.
    panel: Aligned,
    places: Box<[Place]>,
}

impl Scratch {
    pub(super) fn new(sizes: Sizes) -> Self {
        Self {
            panel: Aligned::new(sizes.panel_rows * LANES),
            places: vec![Place::default(); sizes.pixels].into_boxed_slice(),
        }
    }
}

/// Where an output pixel is. This is computed once for all panels, because divisions in every tile
/// would take a tenth of the time.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// Where its window begins in the input, border included.
    row: u32,
    /// Where its channels begin in the output.
    target: u32,
    /// See [`Reads::line`].
    line: u32,
}

/// Computes `conv` over all of `input` into the channels of `output` from `at` on. The padding is
/// the input's border.
///
/// # Panics
/// When the shapes do not fit together.
pub(super) fn convolve(
    conv: &Conv,
    input: &FeatureMap,
    (output, at): (&mut FeatureMap, usize),
    finish: Finish<'_>,
    Scratch { panel, places }: &mut Scratch,
) {
    let places = &mut places[..output.shape.pixels()];
    let job = Job::new(conv, input, output.shape, at, places);
    if let Finish::Residual { residual, .. } = finish {
        assert_eq!(residual.shape, output.shape, "the residual has the shape of the output");
    }
    let (panel, _) = panel.as_chunks_mut();
    let pixels = job.output.pixels();
    if pixels <= FEW_PIXELS {
        return job.few(conv, input, output, finish, panel);
    }
    let panel = &mut panel[..conv.depth()];
    // Every panel reads the whole input. So the input is cut into blocks, each of which stays in
    // the cache while all panels go over it.
    let blocks = (size_of_val(&*input.data)).div_ceil(BLOCK_BYTES_MAX);
    for block in 0..blocks {
        let pixels = pixels * block / blocks..pixels * (block + 1) / blocks;
        for index in 0..conv.out / LANES {
            decode_f16(conv.panel(index), panel);
            job.tiles(input, panel, (index, pixels.clone()), output, finish);
        }
    }
}

/// Half of a cache of 1 MB. Of the inputs here, only the picture is larger.
const BLOCK_BYTES_MAX: usize = 512 << 10;

/// What is the same for all tiles of a convolution.
struct Job<'a> {
    bias: &'a [f32],
    reads: Reads,
    output: Shape,
    places: &'a [Place],
}

impl<'a> Job<'a> {
    fn new(
        conv: &'a Conv,
        input: &FeatureMap,
        output: Shape,
        at: usize,
        places: &'a mut [Place],
    ) -> Self {
        conv.check(input.shape, output);
        assert!(at + conv.out <= output.channels, "output channels");
        assert!(conv.out.is_multiple_of(LANES), "whole panels");
        let reads = Reads::new(conv.window, input.shape);
        for (index, place) in places.iter_mut().enumerate() {
            let [y, x] = reads.place(index, output);
            *place = Place {
                row: (reads.pixel([y, x]) * input.shape.channels) as u32,
                target: (output.pixel(y, x) + at) as u32,
                line: reads.line([y, x]) as u32,
            };
        }
        Self { bias: &conv.bias, reads, output, places }
    }

    /// Some output pixels of one panel.
    fn tiles(
        &self,
        input: &FeatureMap,
        panel: &[[f32; LANES]],
        (index, pixels): (usize, Range<usize>),
        output: &mut FeatureMap,
        finish: Finish<'_>,
    ) {
        for pixels in tiles(pixels) {
            let at = (index, pixels.start);
            with_rows!(pixels.len(), R => self.tile::<R>(input, panel, at, output, finish));
        }
    }

    /// All output pixels, when they are few.
    fn few(
        &self,
        conv: &Conv,
        input: &FeatureMap,
        output: &mut FeatureMap,
        finish: Finish<'_>,
        panel: &mut [[f32; LANES]],
    ) {
        let Runs { count, stride, length } = self.reads.runs;
        let mut rows = [0; FEW_PIXELS];
        for (row, place) in rows.iter_mut().zip(self.places) {
            *row = place.row as usize;
        }
        for index in 0..conv.out / LANES {
            let mut sums = [*self.bias(index); FEW_PIXELS];
            let sums = &mut sums[..self.places.len()];
            let weights = conv.panel(index);
            for run in 0..count {
                for first in (0..length).step_by(PIECE_ROWS) {
                    let depth = run * length + first;
                    let depth = depth..depth + PIECE_ROWS.min(length - first);
                    let panel = &mut panel[..depth.len()];
                    decode_f16(&weights[depth], panel);
                    let rows = rows.map(|row| row + run * stride + first);
                    add_piece(&input.data, &rows, panel, sums);
                }
            }
            for (sums, place) in sums.iter().zip(self.places) {
                let target = place.target as usize + index * LANES;
                store(sums, &mut output.data, target, finish);
            }
        }
    }

    /// The biases of a panel's output channels.
    fn bias(&self, index: usize) -> &[f32; LANES] {
        self.bias[index * LANES..].first_chunk().expect("a bias for each channel")
    }

    #[inline(never)]
    fn tile<const R: usize>(
        &self,
        input: &FeatureMap,
        panel: &[[f32; LANES]],
        (index, pixel): (usize, usize),
        output: &mut FeatureMap,
        finish: Finish<'_>,
    ) {
        let places: &[Place; R] =
            self.places[pixel..].first_chunk().expect("a place for each pixel");
        let cut = self.reads.cut(places[0].line as usize, places[R - 1].line as usize);
        let rows = places.map(|place| place.row as usize + cut.row);
        let panel = &panel[cut.depth..];
        let mut tile = [*self.bias(index); R];
        gemm_f32_rx8(&input.data, &rows, cut.runs, panel, &mut tile);
        for (sums, place) in tile.iter().zip(places) {
            let target = place.target as usize + index * LANES;
            store(sums, &mut output.data, target, finish);
        }
    }
}

/// Adds some rows of a panel to the sums of all pixels.
fn add_piece(input: &[f32], rows: &[usize], panel: &[[f32; LANES]], sums: &mut [[f32; LANES]]) {
    for pixels in tiles(0..sums.len()) {
        let (rows, tile) = (&rows[pixels.clone()], &mut sums[pixels]);
        with_rows!(tile.len(), R => add_tile::<R>(input, rows, panel, tile));
    }
}

#[inline(never)]
fn add_tile<const R: usize>(
    input: &[f32],
    rows: &[usize],
    panel: &[[f32; LANES]],
    tile: &mut [[f32; LANES]],
) {
    let rows: &[usize; R] = rows.first_chunk().expect("a row for each pixel");
    let tile = tile.first_chunk_mut().expect("a sum for each pixel");
    gemm_f32_rx8(input, rows, Runs::one(panel.len()), panel, tile);
}

/// The largest values in each [`MAX_POOL`] window.
///
/// # Panics
/// When the shapes do not fit together.
pub(super) fn max_pool(input: &FeatureMap, (output, at): (&mut FeatureMap, usize)) {
    const { assert!(MAX_POOL.padding[0] == 0 && MAX_POOL.padding[1] == 0) };
    let Window { kernel: [height, width], stride, .. } = MAX_POOL;
    let (from, to) = (input.shape, output.shape);
    assert_eq!(to.height, (from.height - height) / stride + 1);
    assert_eq!(to.width, (from.width - width) / stride + 1);
    assert!(at + from.channels <= to.channels);
    for y in 0..to.height {
        for x in 0..to.width {
            let target = to.pixel(y, x) + at;
            let target = &mut output.data[target..target + from.channels];
            target.fill(f32::NEG_INFINITY);
            for tap in 0..height * width {
                let source = from.pixel(stride * y + tap / width, stride * x + tap % width);
                let source = &input.data[source..source + from.channels];
                for (largest, &value) in target.iter_mut().zip(source) {
                    *largest = if value > *largest { value } else { *largest };
                }
            }
        }
    }
}

/// The mean over all pixels as a feature map of one pixel.
pub(super) fn average_pool(input: &FeatureMap, output: &mut FeatureMap) {
    output.data.fill(0.0);
    let shape = input.shape;
    for y in 0..shape.height {
        for x in 0..shape.width {
            let source = &input.data[shape.pixel(y, x)..][..shape.channels];
            for (sum, &value) in output.data.iter_mut().zip(source) {
                *sum += value;
            }
        }
    }
    for sum in &mut *output.data {
        *sum /= shape.pixels() as f32;
    }
}
