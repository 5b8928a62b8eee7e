//! A convolution over a whole activation, without im2col: a row of a tile is an output pixel, and
//! what it reads is one contiguous run of floats per row of the kernel.
//!
//! ```text
//! for each panel of 8 output channels:
//!     decode the panel's weights to float32
//!     for each tile of up to 6 output pixels:
//!         sums = bias; sums += rows x panel; scale, add the residual, ReLU; store
//! ```

use std::ops::Range;

use super::kernels::{
    LANES, ROWS, Runs, Tile, Vector, WIDTH, decode_f16, gemm_f16_rx4, gemm_f32_rx8,
};
use super::map::{Map, Shape};
use super::weights::Conv;

/// Numbers of the deepest panel, which `mixed_6a.branch0` has: 3 x 3 x 256 x 8.
pub(super) const PANEL_FLOATS: usize = 3 * 3 * 256 * LANES;

/// Pixels of the largest output, that of `conv2d_1a`.
const PIXELS_MAX: usize = 79 * 79;

/// Memory for one convolution after the other.
#[derive(Debug)]
pub(super) struct Scratch {
    /// Decoded weights of one panel.
    pub(super) panel: Box<[f32]>,
    places: Box<[Place]>,
}

impl Scratch {
    /// Its size.
    pub(super) const BYTES: usize =
        PANEL_FLOATS * size_of::<f32>() + PIXELS_MAX * size_of::<Place>();

    pub(super) fn new() -> Self {
        Self {
            panel: vec![0.0; PANEL_FLOATS].into_boxed_slice(),
            places: vec![Place::default(); PIXELS_MAX].into_boxed_slice(),
        }
    }
}

/// Where an output pixel is, worked out once for all panels: divisions in every tile would take
/// a tenth of the time.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// Where what it reads begins in the input, border included.
    row: u32,
    /// Where its channels begin in the output.
    target: u32,
    /// Its row, or its column when pixels are taken column by column.
    line: u32,
}

/// What becomes of the sums.
#[derive(Clone, Copy)]
pub(super) enum Finish<'a> {
    /// `max(sum, 0)`.
    Relu,
    /// `residual + scale * sum`, and `ReLU` unless it is the last block.
    Residual { residual: &'a Map, scale: f32, relu: bool },
}

/// Pixels between the outputs of a convolution, in the input.
pub(super) type Stride = usize;

/// Computes `conv` over all of `input` into the channels of `output` from `at` on. The padding is
/// the input's border.
///
/// # Panics
/// When the shapes do not fit together.
pub(super) fn convolve(
    conv: &Conv,
    stride: Stride,
    input: &Map,
    (output, at): (&mut Map, usize),
    finish: Finish<'_>,
    Scratch { panel, places }: &mut Scratch,
) {
    let places = &mut places[..output.shape.pixels()];
    let job = Job::new(conv, stride, input, output.shape, at, places);
    if let Finish::Residual { residual, .. } = finish {
        assert_eq!(residual.shape, output.shape, "a residual is as what it is added to");
    }
    let panel = &mut panel[..conv.depth() * LANES];
    match output.shape.pixels() {
        1 => return job.few::<1>(conv, input, output, finish),
        9 => return job.few::<9>(conv, input, output, finish),
        _ => {}
    }
    // All panels read the same input: as much of it at a time as stays in the cache with them.
    let blocks = (size_of_val(&*input.data)).div_ceil(BLOCK_BYTES_MAX);
    let pixels = job.output.pixels();
    for block in 0..blocks {
        let pixels = pixels * block / blocks..pixels * (block + 1) / blocks;
        for index in 0..conv.out / LANES {
            decode_f16(conv.panel(index), panel);
            job.tiles(
                input,
                (panel, conv.next_panel(index)),
                (index, pixels.clone()),
                output,
                finish,
            );
        }
    }
}

/// Half of a cache of 1 MB. Only the input of `conv2d_4b` (and of the very first layer, which has
/// few panels) is larger.
const BLOCK_BYTES_MAX: usize = 512 << 10;

/// Where the rows of a tile begin, against where they would with the border, and what they read.
struct Cut {
    row: usize,
    depth: usize,
    runs: Runs,
}

/// What is the same for all tiles of a convolution.
struct Job<'a> {
    bias: &'a [f32],
    stride: Stride,
    input: Shape,
    output: Shape,
    runs: Runs,
    places: &'a [Place],
}

impl<'a> Job<'a> {
    fn new(
        conv: &'a Conv,
        stride: Stride,
        input: &Map,
        output: Shape,
        at: usize,
        places: &'a mut [Place],
    ) -> Self {
        let shape = input.shape;
        let [height, width] = conv.kernel;
        assert_eq!(shape.channels, conv.input, "input channels");
        assert_eq!(output.height, (shape.height + 2 * shape.border[0] - height) / stride + 1);
        assert_eq!(output.width, (shape.width + 2 * shape.border[1] - width) / stride + 1);
        assert!(at + conv.out <= output.channels, "output channels");
        assert!(conv.out.is_multiple_of(LANES), "whole panels");
        let runs = Runs { count: height, stride: shape.row(), length: width * shape.channels };
        let mut job = Self { bias: &conv.bias, stride, input: shape, output, runs, places: &[] };
        for (pixel, place) in places.iter_mut().enumerate() {
            *place = job.place(pixel, at);
        }
        job.places = places;
        job
    }

    fn place(&self, pixel: usize, at: usize) -> Place {
        let Shape { height, width, .. } = self.output;
        let turned = self.is_turned();
        let (y, x) =
            if turned { (pixel % height, pixel / height) } else { (pixel / width, pixel % width) };
        let row = y * self.stride * self.input.row() + x * self.stride * self.input.channels;
        let target = self.output.pixel(y, x) + at;
        let line = if turned { x } else { y };
        Place { row: row as u32, target: target as u32, line: line as u32 }
    }

    /// Some output pixels of one panel.
    fn tiles(
        &self,
        input: &Map,
        (panel, next): (&[f32], &[u16]),
        (index, pixels): (usize, Range<usize>),
        output: &mut Map,
        finish: Finish<'_>,
    ) {
        let tiles = pixels.len().div_ceil(ROWS);
        let mut next = next.chunks(next.len().div_ceil(tiles.max(1)).max(1));
        let mut pixel = pixels.start;
        for left in (1..=tiles).rev() {
            let ahead = next.next().unwrap_or_default();
            // Rows are dealt out evenly: nine pixels are a tile of five and one of four.
            let rows = (pixels.end - pixel).div_ceil(left);
            match rows {
                6 => self.tile::<6>(input, (panel, ahead), (index, pixel), output, finish),
                5 => self.tile::<5>(input, (panel, ahead), (index, pixel), output, finish),
                4 => self.tile::<4>(input, (panel, ahead), (index, pixel), output, finish),
                3 => self.tile::<3>(input, (panel, ahead), (index, pixel), output, finish),
                2 => self.tile::<2>(input, (panel, ahead), (index, pixel), output, finish),
                _ => self.tile::<1>(input, (panel, ahead), (index, pixel), output, finish),
            }
            pixel += rows;
        }
    }

    /// All output pixels, which are as many as a kernel takes at once.
    fn few<const R: usize>(&self, conv: &Conv, input: &Map, output: &mut Map, finish: Finish<'_>) {
        let places: &[Place; R] = self.places.first_chunk().expect("a place for each pixel");
        let rows = places.map(|place| place.row as usize);
        for index in 0..conv.out / LANES {
            let panel = conv.panel(index);
            let next = conv.next_panel(index);
            let (first, second) = next.split_at(next.len() / 2);
            for (half, ahead) in [(0, first), (WIDTH, second)] {
                let channel = index * LANES + half;
                let bias = self.bias[channel..].first_chunk().expect("a bias for each channel");
                let tile: [Vector; R] =
                    gemm_f16_rx4(&input.data, &rows, self.runs, panel, half, ahead);
                for (sums, place) in tile.iter().zip(places) {
                    let target = place.target as usize + channel;
                    store(sums, bias, &mut output.data, target, finish);
                }
            }
        }
    }

    /// The taps of the kernel along one axis that meet more than the border in any output from
    /// `first` to `last` along it: of the seven of a 7x1 kernel on eight rows, five or six.
    fn taps(&self, axis: usize, first: usize, last: usize) -> Range<usize> {
        let side = [self.input.height, self.input.width][axis];
        let count = [self.runs.count, self.runs.length / self.input.channels][axis];
        let border = self.input.border[axis];
        let start = border.saturating_sub(last * self.stride);
        start..(border + side - first * self.stride).min(count)
    }

    /// What a tile reads of each row and of the panel, when it is of the outputs on the lines from
    /// `first` to `last`: all but what meets only the border.
    fn cut(&self, first: usize, last: usize) -> Cut {
        let channels = self.input.channels;
        if self.is_turned() {
            let taps = self.taps(1, first, last);
            let runs = Runs { length: taps.len() * channels, ..self.runs };
            Cut { row: taps.start * channels, depth: taps.start * channels, runs }
        } else {
            let taps = self.taps(0, first, last);
            let runs = Runs { count: taps.len(), ..self.runs };
            Cut { row: taps.start * runs.stride, depth: taps.start * runs.length, runs }
        }
    }

    /// Whether pixels are taken column by column: for 1xN kernels, so that the outputs of a tile
    /// are at the same distance from the border.
    fn is_turned(&self) -> bool {
        self.runs.count == 1 && self.input.border[1] > 0
    }

    #[inline(never)]
    fn tile<const R: usize>(
        &self,
        input: &Map,
        (panel, ahead): (&[f32], &[u16]),
        (index, pixel): (usize, usize),
        output: &mut Map,
        finish: Finish<'_>,
    ) {
        let places: &[Place; R] =
            self.places[pixel..].first_chunk().expect("a place for each pixel");
        let cut = self.cut(places[0].line as usize, places[R - 1].line as usize);
        let rows = places.map(|place| place.row as usize + cut.row);
        let bias = self.bias[index * LANES..].first_chunk().expect("a bias for each channel");
        let panel = &panel[cut.depth * LANES..];
        let tile: Tile<R> = gemm_f32_rx8(&input.data, &rows, cut.runs, panel, ahead);
        for (sums, place) in tile.iter().zip(places) {
            let target = place.target as usize + index * LANES;
            store(sums, bias, &mut output.data, target, finish);
        }
    }
}

#[inline(always)]
fn store<const N: usize>(
    sums: &[f32; N],
    bias: &[f32; N],
    output: &mut [f32],
    target: usize,
    finish: Finish<'_>,
) {
    let sums: [f32; N] = std::array::from_fn(|lane| sums[lane] + bias[lane]);
    let output: &mut [f32; N] =
        output[target..].first_chunk_mut().expect("the output has all channels");
    *output = match finish {
        Finish::Relu => sums.map(relu),
        Finish::Residual { residual, scale, relu: with_relu } => {
            let residual: &[f32; N] =
                residual.data[target..].first_chunk().expect("it is as the output");
            let sums = std::array::from_fn(|lane| residual[lane] + scale * sums[lane]);
            if with_relu { sums.map(relu) } else { sums }
        }
    };
}

/// Keeps a NaN, and is one instruction.
#[inline(always)]
pub(super) fn relu(value: f32) -> f32 {
    if value < 0.0 { 0.0 } else { value }
}

/// The largest of 3x3 pixels, two apart, without padding.
///
/// # Panics
/// When the shapes do not fit together.
pub(super) fn max_pool_3x3_s2(input: &Map, (output, at): (&mut Map, usize)) {
    let (from, to) = (input.shape, output.shape);
    assert_eq!(to.height, (from.height - 3) / 2 + 1);
    assert_eq!(to.width, (from.width - 3) / 2 + 1);
    assert!(at + from.channels <= to.channels);
    for y in 0..to.height {
        for x in 0..to.width {
            let target = to.pixel(y, x) + at;
            let target = &mut output.data[target..target + from.channels];
            target.fill(f32::NEG_INFINITY);
            for tap in 0..9 {
                let source = from.pixel(2 * y + tap / 3, 2 * x + tap % 3);
                let source = &input.data[source..source + from.channels];
                for (largest, &value) in target.iter_mut().zip(source) {
                    *largest = if value > *largest { value } else { *largest };
                }
            }
        }
    }
}

/// The mean over all pixels as a map of one pixel.
pub(super) fn average_pool(input: &Map, output: &mut Map) {
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
    for sum in &mut output.data {
        *sum /= shape.pixels() as f32;
    }
}
