//! The samples of one channel: those of a row of units, and the last row above them.

use crate::header::Component;

/// Width and height of a block in samples of a picture that is not scaled down.
pub(crate) const BLOCK: usize = 8;

/// How a channel is scaled: first by the samples that a block becomes, and then by more pixels for
/// each sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grain {
    /// Samples of a block, across and down: 1, 2, 4 or 8.
    pub(crate) block: usize,
    /// Pixels of the scaled picture for a sample, across and down: 1, 2 or 4.
    pub(crate) pixels: [usize; 2],
}

impl Grain {
    /// For a channel that has one block where the finest channel has `coarser` blocks, across and
    /// down. Each block of the finest becomes `side` x `side` pixels.
    fn new(coarser: [usize; 2], side: usize) -> Self {
        let mut grain = Self { block: side, pixels: coarser };
        while grain.block < BLOCK && grain.pixels.iter().all(|pixels| pixels.is_multiple_of(2)) {
            grain.block *= 2;
            grain.pixels = grain.pixels.map(|pixels| pixels / 2);
        }
        grain
    }
}

/// The samples of a channel in the units of a row that are kept.
pub(crate) struct Plane {
    pub(crate) grain: Grain,
    /// Blocks of the channel in a unit.
    pub(crate) unit_blocks: [usize; 2],
    /// The first block of a row that is kept.
    pub(crate) first_block: usize,
    /// How many of a row are kept.
    pub(crate) kept_blocks: usize,
    /// Blocks across and down, without those that only fill up units.
    pub(crate) real_blocks: [usize; 2],
    /// Samples of the channel across and down, without those that only fill up blocks.
    real_samples: [usize; 2],
    /// Pixels that a block of the finest channel becomes.
    side: usize,
    /// Samples in a row.
    pub(crate) stride: usize,
    /// The row above, and then the rows of the units.
    samples: Vec<u8>,
}

/// What all planes have in common.
#[derive(Clone, Copy)]
pub(crate) struct Layout {
    /// Pixels of the picture, across and down.
    pub(crate) size: [usize; 2],
    /// Blocks of the finest channel in a unit, across and down.
    pub(crate) finest: [usize; 2],
    /// Pixels that a block of the finest channel becomes.
    pub(crate) block: usize,
    /// The units of a row that are kept: the first, and the one behind the last.
    pub(crate) units: [usize; 2],
}

impl Plane {
    pub(crate) fn new(component: &Component, layout: Layout) -> Self {
        let unit_blocks = component.blocks;
        let coarser = [0, 1].map(|axis| layout.finest[axis] / unit_blocks[axis]);
        let grain = Grain::new(coarser, layout.block);
        let real_blocks = [0, 1].map(|axis| layout.size[axis].div_ceil(BLOCK * coarser[axis]));
        let real_samples =
            [0, 1].map(|axis| (layout.size[axis] * grain.block).div_ceil(BLOCK * coarser[axis]));
        let [first, end] = layout.units;
        let kept_blocks = (end - first) * unit_blocks[0];
        let stride = kept_blocks * grain.block;
        Self {
            grain,
            unit_blocks,
            first_block: first * unit_blocks[0],
            kept_blocks,
            real_blocks,
            real_samples,
            side: layout.block,
            stride,
            samples: vec![0; (1 + unit_blocks[1] * grain.block) * stride],
        }
    }

    /// Rows of samples in a row of units.
    const fn rows(&self) -> usize {
        self.unit_blocks[1] * self.grain.block
    }

    /// Makes the last row the one above.
    pub(crate) fn advance(&mut self) {
        let last = self.rows() * self.stride;
        self.samples.copy_within(last.., 0);
    }

    /// Where a block begins, if it is kept. `row` counts within a unit, `column` within the
    /// picture. The rows of a block are [`Plane::stride`] apart.
    #[inline]
    pub(crate) fn block(&mut self, column: usize, row: usize) -> Option<&mut [u8]> {
        let column = column.checked_sub(self.first_block)?;
        if column >= self.kept_blocks {
            return None;
        }
        let start = (1 + row * self.grain.block) * self.stride + column * self.grain.block;
        self.samples.get_mut(start..)
    }

    /// The row of samples that is nearest to row `y` of pixels, and the next nearest one. `unit` is
    /// the row of units whose samples are there.
    pub(crate) fn lines(&self, y: usize, unit: usize) -> [&[u8]; 2] {
        let pixels = self.grain.pixels[1];
        let nearest = y / pixels;
        // The upper half of the pixels of a sample lies nearer to the sample above.
        let above = y % pixels < pixels.div_ceil(2);
        let next = if above { nearest.saturating_sub(1) } else { nearest + 1 };
        [nearest, next].map(|row| {
            let row = row.min(self.real_samples[1] - 1);
            let index = (row + 1).saturating_sub(unit * self.rows());
            let first = self.first_block * self.grain.block;
            let width = self.stride.min(self.real_samples[0].saturating_sub(first));
            let line = self.samples.get(index * self.stride..);
            line.and_then(|line| line.get(..width)).unwrap_or_default()
        })
    }

    /// Whether pixels are mixed from samples, where there are fewer samples than pixels. libjpeg
    /// repeats samples instead where a block is one pixel, and where a channel has at most two
    /// columns.
    pub(crate) const fn is_smooth(&self) -> bool {
        self.side > 1 && self.real_samples[0] > 2
    }
}
