//! A layer of the detector and the pooling after it, as a stage that takes a row and sometimes
//! gives one.
//!
//! Below a wide picture, and beside a high one, its square is black: there each row is like the one
//! before. With a row goes how many of its pixels, from the left, may differ from those of the row
//! before it. Only these are computed. The others are still there from the row before, to the bit.

use crate::layers::{KERNEL, Separable};

/// How a pooling of 2x2 moves. At the right and lower edge it takes the pixels that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pooling {
    /// By two pixels: the map gets half as wide and high, rounded up.
    Halve,
    /// By one pixel: the map keeps its size.
    Keep,
}

impl Pooling {
    const fn stride(self) -> usize {
        match self {
            Self::Halve => 2,
            Self::Keep => 1,
        }
    }
}

/// The leaky `ReLU` of face-api.js, `tinyYolov2/leaky.ts`. It grows with its argument, so it can
/// come after the pooling, where fewer numbers are left.
fn leaky(value: f32) -> f32 {
    const SLOPE: f32 = 0.1;
    larger(value, value * SLOPE)
}

/// A row, and how many of its pixels may differ from the row before.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) values: &'a [f32],
    pub(super) changed: usize,
}

/// Takes the largest of 2x2 pixels, and applies the activation.
pub(super) struct Pool {
    pooling: Pooling,
    channels: usize,
    /// The row that waits for the next one, already pooled across.
    waiting: Vec<f32>,
    is_waiting: bool,
    /// How many pixels had changed in the last row, and the larger of that and of the one before.
    changed: [usize; 2],
    /// The row that was given last.
    given: Vec<f32>,
}

impl Pool {
    /// For rows of `width` pixels.
    pub(super) fn new(pooling: Pooling, width: usize, channels: usize) -> Self {
        let row = vec![0.0; width.div_ceil(pooling.stride()) * channels];
        Self {
            pooling,
            channels,
            waiting: row.clone(),
            is_waiting: false,
            changed: [width; 2],
            given: row,
        }
    }

    /// The width of the rows that it gives.
    pub(super) fn width(&self) -> usize {
        self.given.len() / self.channels
    }

    /// Takes a row.
    pub(super) fn push(&mut self, row: Row<'_>) -> Option<Row<'_>> {
        let Self { pooling, channels, waiting, is_waiting, changed, given } = self;
        let (stride, channels) = (pooling.stride(), *channels);
        let [last, both] = *changed;
        *changed = [row.changed, last.max(row.changed)];
        // A row waits in the place of the one two rows before it.
        let since = last.max(row.changed).div_ceil(stride);
        if !*is_waiting {
            *is_waiting = true;
            across(row.values, stride, channels, &mut waiting[..since * channels]);
            return None;
        }
        let since = both.max(row.changed).div_ceil(stride);
        let given = match pooling {
            Pooling::Halve => {
                let given = &mut given[..since * channels];
                across(row.values, stride, channels, given);
                *is_waiting = false;
                given
            }
            Pooling::Keep => {
                std::mem::swap(given, waiting);
                across(row.values, stride, channels, waiting);
                given.as_mut_slice()
            }
        };
        for (given, &waiting) in given.iter_mut().zip(&*waiting) {
            *given = leaky(larger(*given, waiting));
        }
        Some(Row { values: &self.given, changed: since })
    }

    /// The row that still waits, when there is one.
    pub(super) fn end(&mut self) -> Option<Row<'_>> {
        if !std::mem::take(&mut self.is_waiting) {
            return None;
        }
        for (given, &waiting) in self.given.iter_mut().zip(&self.waiting) {
            *given = leaky(waiting);
        }
        Some(Row { values: &self.given, changed: self.width() })
    }
}

/// The larger of a pixel and its right neighbour, for every `stride`th pixel.
fn across(row: &[f32], stride: usize, channels: usize, output: &mut [f32]) {
    for (x, output) in output.chunks_exact_mut(channels).enumerate() {
        let pixels = &row[x * stride * channels..];
        let (left, right) = pixels.split_at(channels);
        let right = right.get(..channels).unwrap_or(left);
        for ((output, &left), &right) in output.iter_mut().zip(left).zip(right) {
            *output = larger(left, right);
        }
    }
}

/// One instruction, which `f32::max` is not.
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// A separable convolution of stride 1 with a border of zeros, and its pooling.
pub(super) struct Stage<'a> {
    layer: &'a Separable,
    width: usize,
    /// The last rows, with a pixel of zeros on both sides. Row `y` is in place `y % 3`.
    rows: [Vec<f32>; KERNEL],
    /// How many pixels of each of them had changed.
    changed: [usize; KERNEL],
    /// How many rows have come.
    count: usize,
    middle: Vec<f32>,
    convolved: Vec<f32>,
    pool: Pool,
}

impl<'a> Stage<'a> {
    /// For rows of `width` pixels.
    pub(super) fn new(layer: &'a Separable, pooling: Pooling, width: usize) -> Self {
        let row = vec![0.0; (width + 2) * layer.channels_in()];
        Self {
            layer,
            width,
            rows: [row.clone(), row.clone(), row],
            changed: [width; KERNEL],
            count: 0,
            middle: vec![0.0; width * layer.channels_in()],
            convolved: vec![0.0; width * layer.channels()],
            pool: Pool::new(pooling, width, layer.channels()),
        }
    }

    /// The width of the rows that it gives.
    pub(super) fn width(&self) -> usize {
        self.pool.width()
    }

    /// Takes a row. It is computed when the next one is there.
    pub(super) fn push(&mut self, row: Row<'_>) -> Option<Row<'_>> {
        self.next_row(row.changed).copy_from_slice(row.values);
        if self.count < 2 { None } else { self.convolve() }
    }

    /// Computes the last row, below which there are zeros.
    pub(super) fn end_rows(&mut self) -> Option<Row<'_>> {
        self.next_row(self.width).fill(0.0);
        self.convolve()
    }

    /// Gives the row that still waits for another one to be pooled with.
    pub(super) fn end_pool(&mut self) -> Option<Row<'_>> {
        self.pool.end()
    }

    /// Where the next row goes.
    fn next_row(&mut self, changed: usize) -> &mut [f32] {
        let place = self.count % KERNEL;
        self.count += 1;
        self.changed[place] = changed;
        let channels = self.layer.channels_in();
        &mut self.rows[place][channels..][..self.width * channels]
    }

    /// Computes the row before the last.
    fn convolve(&mut self) -> Option<Row<'_>> {
        // At the first one, the row above is still the zeros that it began with.
        let rows = [0, 1, 2].map(|y| &*self.rows[(self.count + y) % KERNEL]);
        let changed = match self.changed.into_iter().fold(0, usize::max) {
            0 => 0,
            // A pixel reads one to its left.
            most => (most + 1).min(self.width),
        };
        if changed > 0 {
            self.layer.row(rows, (1, changed), &mut self.middle, &mut self.convolved);
        }
        self.pool.push(Row { values: &self.convolved, changed })
    }
}
