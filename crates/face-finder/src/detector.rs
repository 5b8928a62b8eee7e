//! The detector: face-api's Tiny YOLO v2 with depthwise separable convolutions. For each cell of
//! 32x32 pixels, and for five shapes of boxes in it, it tells how surely a face is there, and where
//! its box is.
//!
//! A row of the picture runs through all layers before the next one is read, so no layer's output
//! is ever held whole. The first layer's alone would take 59 MB at an input of 960 pixels.

mod boxes;
mod stream;

use facenet::simd::row::Runs;

use self::stream::{Pool, Pooling, Row, Stage};
use crate::layers::{Convolution, KERNEL, Separable};
use crate::scale::{CELL, Square};
use crate::weights::Reader;

#[cfg(test)]
pub(crate) use boxes::OVERLAP_MAX;
pub(crate) use boxes::{Detection, suppress};

/// Numbers per cell: for each anchor x, y, width, height and score.
const OUTPUTS: usize = boxes::ANCHORS.len() * 5;

/// What is subtracted from red, green and blue; then all are divided by [`DIVISOR`]. Both are
/// face-api's (`tinyFaceDetector/const.ts`, `TinyYolov2Base.ts`).
const MEANS: [f64; 3] = [117.001, 114.697, 97.404];
const DIVISOR: f64 = 255.0;

/// Channels of the input.
const COLOURS: usize = MEANS.len();

pub(crate) struct Detector {
    /// Takes the pixels as they are: the standardisation is in its weights.
    first: Convolution,
    separable: [Separable; 5],
    last: Convolution,
}

impl Detector {
    /// Takes its tensors, which are next.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        let (mut weights, mut bias) = (reader.next("conv0/filters"), reader.next("conv0/bias"));
        standardise(&mut weights, &mut bias);
        Self {
            first: Convolution::new(&weights, &bias),
            separable: std::array::from_fn(|index| {
                Separable::read(reader, &format!("conv{}", index + 1))
            }),
            last: Convolution::new(&reader.next("conv8/filters"), &reader.next("conv8/bias")),
        }
    }

    /// The boxes that score more than `score_min`. Of boxes that overlap, only the best.
    ///
    /// # Panics
    /// When the side of the square is 0 or not a multiple of [`CELL`].
    pub(crate) fn detect(&self, square: &Square, score_min: f64) -> Vec<Detection> {
        suppress(boxes::decode(&self.forward(square), square, score_min))
    }

    /// What the network says of each cell, row by row: [`OUTPUTS`] numbers.
    pub(crate) fn forward(&self, square: &Square) -> Vec<f32> {
        let side = square.side();
        assert!(side > 0 && side.is_multiple_of(CELL), "an input of whole cells");
        let width = side - (KERNEL - 1);
        let channels = self.first.channels();
        let mut pool = Pool::new(Pooling::Halve, width, channels);
        let mut stages = self.stages(pool.width());
        let mut output = Output { layer: &self.last, row: Vec::new(), cells: Vec::new() };

        let row = side * COLOURS;
        let runs = Runs { count: KERNEL, stride: row, length: KERNEL * COLOURS };
        let mut rows = vec![0.0; KERNEL * row];
        let mut convolved = vec![0.0; width * channels];
        let (mut before, mut changed): (&[_], _) = (&[], [width; KERNEL]);
        for (y, pixels) in square.rows().enumerate() {
            rows.copy_within(row.., 0);
            changed = [changed[1], changed[2], differing(before, pixels).min(width)];
            before = pixels;
            for (value, &byte) in rows[2 * row..].iter_mut().zip(pixels.as_flattened()) {
                *value = f32::from(byte);
            }
            // This layer alone has no padding.
            if y + 1 < KERNEL {
                continue;
            }
            let changed = changed.into_iter().fold(0, usize::max);
            self.first.row(&rows, (runs, COLOURS, changed), &mut convolved);
            if let Some(pooled) = pool.push(Row { values: &convolved, changed }) {
                feed(&mut stages, pooled, &mut output);
            }
        }
        finish(&mut stages, &mut output);
        output.cells
    }

    fn stages(&self, width: usize) -> Vec<Stage<'_>> {
        let last = self.separable.len() - 1;
        let mut width = width;
        let stage = |(index, layer)| {
            let pooling = if index == last { Pooling::Keep } else { Pooling::Halve };
            let stage = Stage::new(layer, pooling, width);
            width = stage.width();
            stage
        };
        self.separable.iter().enumerate().map(stage).collect()
    }
}

/// How many pixels, from the left, hold all that differs between two rows. All do when there is no
/// row before.
fn differing(before: &[[u8; 3]], row: &[[u8; 3]]) -> usize {
    let same = before.iter().rev().zip(row.iter().rev()).take_while(|(a, b)| a == b).count();
    row.len() - same
}

/// Puts the standardisation of pixels into the weights of the layer that reads them. That layer has
/// no padding, so the result is the same.
fn standardise(weights: &mut [f32], bias: &mut [f32]) {
    let channels = bias.len();
    let mut sums: Vec<f64> = bias.iter().map(|&bias| f64::from(bias)).collect();
    for (k, weights) in weights.chunks_exact_mut(channels).enumerate() {
        for (weight, sum) in weights.iter_mut().zip(&mut sums) {
            let scaled = f64::from(*weight) / DIVISOR;
            *sum -= scaled * MEANS[k % COLOURS];
            *weight = scaled as f32;
        }
    }
    for (bias, sum) in bias.iter_mut().zip(sums) {
        *bias = sum as f32;
    }
}

/// The last layer, and its output so far.
struct Output<'a> {
    layer: &'a Convolution,
    row: Vec<f32>,
    cells: Vec<f32>,
}

impl Output<'_> {
    fn push(&mut self, Row { values, changed }: Row<'_>) {
        let (depth, channels) = (self.layer.depth(), self.layer.channels());
        self.row.resize(values.len() / depth * channels, 0.0);
        self.layer.row(values, (Runs::one(depth), depth, changed), &mut self.row);
        for cell in self.row.chunks_exact(channels) {
            self.cells.extend(&cell[..OUTPUTS]);
        }
    }
}

/// Gives a row to the first of the stages, what that gives to the next one, and so on.
fn feed(stages: &mut [Stage<'_>], row: Row<'_>, output: &mut Output<'_>) {
    match stages.split_first_mut() {
        None => output.push(row),
        Some((stage, later)) => {
            if let Some(row) = stage.push(row) {
                feed(later, row, output);
            }
        }
    }
}

/// Ends all stages, the first one first: what it still gives belongs to the next one.
fn finish(stages: &mut [Stage<'_>], output: &mut Output<'_>) {
    let Some((stage, later)) = stages.split_first_mut() else { return };
    if let Some(row) = stage.end_rows() {
        feed(later, row, output);
    }
    if let Some(row) = stage.end_pool() {
        feed(later, row, output);
    }
    finish(later, output);
}

#[cfg(test)]
pub(crate) mod tests;
