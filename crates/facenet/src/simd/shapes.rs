//! The network's convolutions one by one, each shape once, on random numbers: for benchmarks.

use super::kernels::tests::Numbers;
use super::map::{Map, Shape};
use super::network::Runner;
use super::scratch::Scratch;
use super::tests::{random_conv, random_map};
use super::weights::Conv;

/// Name, input, kernel, output channels, stride.
type Row = (&'static str, Shape, [usize; 2], usize, usize);

const ROWS: [Row; 26] = [
    ("conv2d_1a", Shape::new(160, 160, 4), [3, 3], 32, 2),
    ("conv2d_2a", Shape::new(79, 79, 32), [3, 3], 32, 1),
    ("conv2d_2b", Shape::new(77, 77, 32).within([1, 1]), [3, 3], 64, 1),
    ("conv2d_3b", Shape::new(38, 38, 64), [1, 1], 80, 1),
    ("conv2d_4a", Shape::new(38, 38, 80), [3, 3], 192, 1),
    ("conv2d_4b", Shape::new(36, 36, 192), [3, 3], 256, 2),
    ("repeat_1.branch0", Shape::new(17, 17, 256), [1, 1], 32, 1),
    ("repeat_1.branch1.1", Shape::new(17, 17, 32).within([1, 1]), [3, 3], 32, 1),
    ("repeat_1.conv2d", Shape::new(17, 17, 96), [1, 1], 256, 1),
    ("mixed_6a.branch0", Shape::new(17, 17, 256), [3, 3], 384, 2),
    ("mixed_6a.branch1.0", Shape::new(17, 17, 256), [1, 1], 192, 1),
    ("mixed_6a.branch1.1", Shape::new(17, 17, 192).within([1, 1]), [3, 3], 192, 1),
    ("mixed_6a.branch1.2", Shape::new(17, 17, 192), [3, 3], 256, 2),
    ("repeat_2.branch0", Shape::new(8, 8, 896), [1, 1], 128, 1),
    ("repeat_2.branch1.1", Shape::new(8, 8, 128).within([0, 3]), [1, 7], 128, 1),
    ("repeat_2.branch1.2", Shape::new(8, 8, 128).within([3, 0]), [7, 1], 128, 1),
    ("repeat_2.conv2d", Shape::new(8, 8, 256), [1, 1], 896, 1),
    ("mixed_7a.branch0.0", Shape::new(8, 8, 896), [1, 1], 256, 1),
    ("mixed_7a.branch0.1", Shape::new(8, 8, 256), [3, 3], 384, 2),
    ("mixed_7a.branch1.1", Shape::new(8, 8, 256), [3, 3], 256, 2),
    ("mixed_7a.branch2.1", Shape::new(8, 8, 256).within([1, 1]), [3, 3], 256, 1),
    ("repeat_3.branch0", Shape::new(3, 3, 1792), [1, 1], 192, 1),
    ("repeat_3.branch1.1", Shape::new(3, 3, 192).within([0, 1]), [1, 3], 192, 1),
    ("repeat_3.branch1.2", Shape::new(3, 3, 192).within([1, 0]), [3, 1], 192, 1),
    ("repeat_3.conv2d", Shape::new(3, 3, 384), [1, 1], 1792, 1),
    ("last_linear", Shape::new(1, 1, 1792), [1, 1], 512, 1),
];

/// One convolution with `ReLU`, as the network runs it.
pub struct Layer {
    /// The first layer of this shape.
    pub name: &'static str,
    conv: Conv,
    stride: usize,
    input: Map,
    output: Map,
}

/// All shapes.
#[must_use]
pub fn all() -> Vec<Layer> {
    let mut numbers = Numbers::new(1);
    ROWS.map(|(name, shape, kernel, out, stride)| {
        let conv = random_conv(shape.channels, out, kernel, &mut numbers);
        let input = random_map(shape, &mut numbers);
        let side = |side, border, kernel| (side + 2 * border - kernel) / stride + 1;
        let height = side(shape.height, shape.border[0], kernel[0]);
        let width = side(shape.width, shape.border[1], kernel[1]);
        let output = Map::new(Shape::new(height, width, out));
        Layer { name, conv, stride, input, output }
    })
    .into()
}

impl Layer {
    /// Multiply-accumulates by the definition of a convolution.
    #[must_use]
    pub fn macs(&self) -> u64 {
        (self.output.shape.pixels() * self.conv.out * self.conv.depth()) as u64
    }

    /// Computes it, and gives the first number that comes out.
    pub fn run(&mut self, scratch: &mut Memory) -> f32 {
        let mut runner = Runner(&mut scratch.0);
        runner.conv(&self.conv, self.stride, &self.input, &mut self.output);
        self.output.data[0]
    }
}

/// What layers share.
pub struct Memory(Scratch);

impl Default for Memory {
    fn default() -> Self {
        Self(Scratch::new())
    }
}
