//! What the outputs of a convolution read from its input, whose border is as wide as the padding.

use std::ops::Range;

use super::feature_map::Shape;
use super::kernels::Runs;
use crate::layers::Window;

/// A convolution's way over its input.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reads {
    input: Shape,
    stride: usize,
    /// What an output reads.
    pub(super) runs: Runs,
}

/// What a tile reads without the border.
pub(super) struct Cut {
    /// Numbers that each row skips.
    pub(super) row: usize,
    /// Numbers of the panel that are skipped for each output channel.
    pub(super) depth: usize,
    /// What is read from there on.
    pub(super) runs: Runs,
}

impl Reads {
    pub(super) const fn new(window: Window, input: Shape) -> Self {
        let Window { kernel: [height, width], stride, .. } = window;
        let runs = Runs { count: height, stride: input.row(), length: width * input.channels };
        Self { input, stride, runs }
    }

    /// Whether outputs are taken column by column: for 1xN kernels, so that those of a tile are at
    /// the same distance from the border.
    const fn is_turned(&self) -> bool {
        self.runs.count == 1 && self.input.border[1] > 0
    }

    /// Row and column of an output, which are counted in the order in which tiles take them.
    pub(super) const fn place(&self, index: usize, output: Shape) -> [usize; 2] {
        if self.is_turned() {
            [index % output.height, index / output.height]
        } else {
            [index / output.width, index % output.width]
        }
    }

    /// The line of an output: its row, or its column where these are taken one by one.
    pub(super) const fn line(&self, [y, x]: [usize; 2]) -> usize {
        if self.is_turned() { x } else { y }
    }

    /// The pixel where the window of an output begins, counted with the border.
    pub(super) const fn pixel(&self, [y, x]: [usize; 2]) -> usize {
        y * self.stride * self.input.line() + x * self.stride
    }

    /// The taps of the kernel along one axis that do not read only the border, for the outputs from
    /// `first` to `last` along that axis. Of the seven taps of a 7x1 kernel over eight rows these
    /// are five or six.
    fn taps(&self, axis: usize, first: usize, last: usize) -> Range<usize> {
        let side = [self.input.height, self.input.width][axis];
        let count = [self.runs.count, self.runs.length / self.input.channels][axis];
        let border = self.input.border[axis];
        let start = border.saturating_sub(last * self.stride);
        start..(border + side - first * self.stride).min(count)
    }

    /// What a tile reads whose outputs are on the lines from `first` to `last`: everything without
    /// the taps that read only the border.
    pub(super) fn cut(&self, first: usize, last: usize) -> Cut {
        let channels = self.input.channels;
        if self.input.border == [0, 0] {
            // The result would be the same, but this needs no divisions.
            Cut { row: 0, depth: 0, runs: self.runs }
        } else if self.is_turned() {
            let taps = self.taps(1, first, last);
            let runs = Runs { length: taps.len() * channels, ..self.runs };
            Cut { row: taps.start * channels, depth: taps.start * channels, runs }
        } else {
            let taps = self.taps(0, first, last);
            let runs = Runs { count: taps.len(), ..self.runs };
            Cut { row: taps.start * runs.stride, depth: taps.start * runs.length, runs }
        }
    }
}
