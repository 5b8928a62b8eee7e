//! Inception-ResNet-v1, described once. Everything else that depends on the network's shape is
//! derived from here: the order and shapes of a record's tensors, the steps and the memory of the
//! SIMD engine, the ONNX graph, the benchmarks and the number of multiply-adds. A test compares
//! the generated Burn code with it.
//!
//! Names, order and numbers are those of facenet-pytorch's `inception_resnet_v1.py`.

mod layer;
mod shard;

pub use layer::{Kind, Layer, Module};
pub use shard::Shard;

use crate::embedding::DIMENSIONS;

/// Width and height of the input in pixels.
pub const INPUT_SIDE: usize = 160;

/// The epsilon that the network was trained with (`TensorFlow`'s slim default is 0.001).
pub const BATCH_NORM_EPSILON: f64 = 0.001;

/// The max pooling of the network: 3x3 pixels, two apart.
pub const MAX_POOL: Window = Window { kernel: [3, 3], stride: 2, padding: [0, 0] };

/// A row of the description of a shard: its name, how often it is repeated (`name.0`, `name.1`, ...
/// when more than once), and what it computes from the output of the row before it.
type Row = (&'static str, usize, Step);

const SHARD_1: &[Row] = &[
    ("conv2d_1a", 1, Step::Conv(valid(32, [3, 3], 2))),
    ("conv2d_2a", 1, Step::Conv(valid(32, [3, 3], 1))),
    ("conv2d_2b", 1, Step::Conv(same(64, [3, 3]))),
    ("maxpool_3a", 1, Step::MaxPool),
    ("conv2d_3b", 1, Step::Conv(valid(80, [1, 1], 1))),
    ("conv2d_4a", 1, Step::Conv(valid(192, [3, 3], 1))),
    ("conv2d_4b", 1, Step::Conv(valid(256, [3, 3], 2))),
    ("repeat_1", 5, Step::Block(BLOCK_35)),
    ("mixed_6a", 1, Step::Block(MIXED_6A)),
    ("repeat_2", 10, Step::Block(BLOCK_17)),
];

const SHARD_2: &[Row] = &[
    ("mixed_7a", 1, Step::Block(MIXED_7A)),
    ("repeat_3", 5, Step::Block(BLOCK_8)),
    ("block8", 1, Step::Block(LAST_BLOCK_8)),
    ("avgpool_1a", 1, Step::AveragePool),
    ("last_linear", 1, Step::Linear(DIMENSIONS)),
    ("last_bn", 1, Step::BatchNorm),
];

const BLOCK_35: Block = Block {
    branches: &[
        Branch::Convs(&[same(32, [1, 1])]),
        Branch::Convs(&[same(32, [1, 1]), same(32, [3, 3])]),
        Branch::Convs(&[same(32, [1, 1]), same(32, [3, 3]), same(32, [3, 3])]),
    ],
    residual: Some(Residual { scale: 0.17, relu: true }),
};

const MIXED_6A: Block = Block {
    branches: &[
        Branch::Convs(&[valid(384, [3, 3], 2)]),
        Branch::Convs(&[same(192, [1, 1]), same(192, [3, 3]), valid(256, [3, 3], 2)]),
        Branch::MaxPool,
    ],
    residual: None,
};

const BLOCK_17: Block = Block {
    branches: &[
        Branch::Convs(&[same(128, [1, 1])]),
        Branch::Convs(&[same(128, [1, 1]), same(128, [1, 7]), same(128, [7, 1])]),
    ],
    residual: Some(Residual { scale: 0.10, relu: true }),
};

const MIXED_7A: Block = Block {
    branches: &[
        Branch::Convs(&[same(256, [1, 1]), valid(384, [3, 3], 2)]),
        Branch::Convs(&[same(256, [1, 1]), valid(256, [3, 3], 2)]),
        Branch::Convs(&[same(256, [1, 1]), same(256, [3, 3]), valid(256, [3, 3], 2)]),
        Branch::MaxPool,
    ],
    residual: None,
};

const BLOCK_8: Block = Block {
    branches: &[
        Branch::Convs(&[same(192, [1, 1])]),
        Branch::Convs(&[same(192, [1, 1]), same(192, [1, 3]), same(192, [3, 1])]),
    ],
    residual: Some(Residual { scale: 0.20, relu: true }),
};

const LAST_BLOCK_8: Block =
    Block { residual: Some(Residual { scale: 1.0, relu: false }), ..BLOCK_8 };

/// What a shard computes in one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// A convolution with `ReLU`.
    Conv(Conv),
    /// The largest values in each [`MAX_POOL`] window.
    MaxPool,
    /// Branches side by side.
    Block(Block),
    /// The mean over all pixels.
    AveragePool,
    /// A matrix with so many outputs, without bias.
    Linear(usize),
    /// Batch norm with fixed statistics.
    BatchNorm,
}

/// Branches that read the same input and whose outputs are concatenated. A residual block adds
/// its input to that.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Block {
    /// The branches, in the order of the concatenation.
    pub branches: &'static [Branch],
    /// What ends a residual block.
    pub residual: Option<Residual>,
}

/// One branch of a [`Block`]. It begins without padding.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Branch {
    /// Convolutions one after the other, each with `ReLU`.
    Convs(&'static [Conv]),
    /// The largest values in each [`MAX_POOL`] window.
    MaxPool,
}

/// The end of a residual block. A 1x1 convolution, called `conv2d`, brings the concatenation back
/// to the channels of the input `x`; the output is `x + scale * conv2d`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Residual {
    /// Factor of the convolution.
    pub scale: f32,
    /// Whether `ReLU` follows.
    pub relu: bool,
}

/// A convolution with bias. Batch norm is folded into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv {
    /// Output channels.
    pub out: usize,
    /// What an output pixel reads.
    pub window: Window,
}

/// Which pixels of the input an output pixel reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Height and width in pixels.
    pub kernel: [usize; 2],
    /// Pixels between the windows of neighbouring outputs, in both directions.
    pub stride: usize,
    /// Zero pixels above and below the input, and left and right of it.
    pub padding: [usize; 2],
}

/// The size of a feature map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Channels.
    pub channels: usize,
    /// In pixels.
    pub height: usize,
    /// In pixels.
    pub width: usize,
}

/// A convolution without padding.
const fn valid(out: usize, kernel: [usize; 2], stride: usize) -> Conv {
    Conv { out, window: Window { kernel, stride, padding: [0, 0] } }
}

/// A convolution that keeps the height and width of its input.
const fn same(out: usize, kernel: [usize; 2]) -> Conv {
    let padding = [kernel[0] / 2, kernel[1] / 2];
    Conv { out, window: Window { kernel, stride: 1, padding } }
}

impl Size {
    /// Numbers in the feature map.
    #[must_use]
    pub const fn numbers(self) -> usize {
        self.channels * self.height * self.width
    }
}

impl Window {
    /// The size of the output, which has so many channels.
    #[must_use]
    pub const fn output(self, input: Size, channels: usize) -> Size {
        let Self { kernel, stride, padding } = self;
        let height = (input.height + 2 * padding[0] - kernel[0]) / stride + 1;
        let width = (input.width + 2 * padding[1] - kernel[1]) / stride + 1;
        Size { channels, height, width }
    }
}

impl Conv {
    /// The size of the output.
    #[must_use]
    pub const fn output(self, input: Size) -> Size {
        self.window.output(input, self.out)
    }
}

impl Branch {
    /// The size of the output.
    #[must_use]
    pub const fn output(self, input: Size) -> Size {
        match self {
            Self::MaxPool => MAX_POOL.output(input, input.channels),
            Self::Convs(convs) => {
                let (mut size, mut i) = (input, 0);
                while i < convs.len() {
                    size = convs[i].output(size);
                    i += 1;
                }
                size
            }
        }
    }
}

impl Block {
    /// The size of the branches' concatenated outputs.
    #[must_use]
    pub const fn concatenated(self, input: Size) -> Size {
        let mut size = self.branches[0].output(input);
        let mut i = 1;
        while i < self.branches.len() {
            size.channels += self.branches[i].output(input).channels;
            i += 1;
        }
        size
    }
}

impl Step {
    /// The size of the output.
    #[must_use]
    pub const fn output(self, input: Size) -> Size {
        match self {
            Self::Conv(conv) => conv.output(input),
            Self::MaxPool => MAX_POOL.output(input, input.channels),
            Self::Block(Block { residual: Some(_), .. }) | Self::BatchNorm => input,
            Self::Block(block) => block.concatenated(input),
            Self::AveragePool => Size { channels: input.channels, height: 1, width: 1 },
            Self::Linear(out) => Size { channels: out, height: 1, width: 1 },
        }
    }

    /// The padding that its input must have.
    #[must_use]
    pub const fn padding(self) -> [usize; 2] {
        match self {
            Self::Conv(conv) => conv.window.padding,
            _ => [0, 0],
        }
    }
}

/// The size of what comes out of the last row.
const fn output(rows: &[Row], mut size: Size) -> Size {
    let mut i = 0;
    while i < rows.len() {
        let (_, times, step) = rows[i];
        let mut done = 0;
        while done < times {
            size = step.output(size);
            done += 1;
        }
        i += 1;
    }
    size
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers() -> Vec<Layer> {
        Shard::ALL.map(Shard::layers).concat()
    }

    #[test]
    fn layers_have_the_parameters_of_the_published_network() {
        let convolutions = |shard: Shard| {
            shard.layers().iter().filter(|l| matches!(l.kind, Kind::Conv2d(_))).count()
        };
        assert_eq!(convolutions(Shard::Shard1), 95);
        assert_eq!(convolutions(Shard::Shard2), 37);
        // 23.5 M parameters, with one offset instead of four batch norm vectors per convolution.
        let tensors = layers().iter().flat_map(Layer::tensors).collect::<Vec<_>>();
        let weights: usize = tensors.iter().map(|(_, shape)| shape.iter().product::<usize>()).sum();
        let millions = weights as f64 / 1e6;
        assert!((23.4..23.6).contains(&millions), "{millions} M");
    }

    #[test]
    fn multiply_adds_are_those_of_the_published_network() {
        // 1,417 million.
        assert_eq!(layers().iter().map(Layer::macs).sum::<u64>(), 1_417_662_304);
        let of = |kernel: [usize; 2], stride: usize| {
            let layers = layers().into_iter().filter(|layer| match layer.kind {
                Kind::Conv2d(Conv { window, .. }) => {
                    window.kernel == kernel && window.stride == stride
                }
                _ => false,
            });
            (layers.map(|layer| layer.macs()).sum::<u64>() as f64 / 1e6).round() as u64
        };
        assert_eq!(of([3, 3], 1), 517);
        assert_eq!(of([3, 3], 2), 237);
        assert_eq!([of([1, 7], 1), of([7, 1], 1)], [73, 73]);
    }

    #[test]
    fn the_shards_meet_at_896_channels_of_8x8_pixels() {
        assert_eq!(Shard::Shard1.input_shape(), [1, 3, 160, 160]);
        assert_eq!(Shard::Shard2.input_shape(), [1, 896, 8, 8]);
        assert_eq!(Shard::Shard1.output_len(), Shard::Shard2.input_len());
        assert_eq!(Shard::Shard2.output_len(), DIMENSIONS);
    }

    #[test]
    fn names_are_those_of_facenet_pytorch() {
        let mut names: Vec<_> = layers().into_iter().map(|layer| layer.name).collect();
        assert_eq!(names[..3], ["conv2d_1a", "conv2d_2a", "conv2d_2b"]);
        let block = ["branch0", "branch1.0", "branch1.1", "branch2.0", "branch2.1", "branch2.2"];
        assert_eq!(names[6..12], block.map(|name| format!("repeat_1.0.{name}")));
        assert_eq!(names[12], "repeat_1.0.conv2d");
        assert!(names.iter().any(|name| name == "mixed_6a.branch0"));
        assert!(names.iter().any(|name| name == "mixed_7a.branch0.1"));
        assert_eq!(names[names.len() - 3..], ["block8.conv2d", "last_linear", "last_bn"]);
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count, "each once");
    }

    #[test]
    fn branches_begin_without_padding() {
        for module in Shard::ALL.map(Shard::modules).concat() {
            let Step::Block(block) = module.step else { continue };
            for branch in block.branches {
                if let Branch::Convs(convs) = branch {
                    assert_eq!(convs[0].window.padding, [0, 0], "{}", module.name);
                }
            }
        }
    }
}
