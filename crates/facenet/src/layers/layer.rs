//! The modules of a shard and their layers: the description of the network with names and sizes.

use super::{Block, Branch, Conv, Size, Step, Window, same};

/// A step of a shard with its name and its input.
#[derive(Clone, Debug, PartialEq)]
pub struct Module {
    /// facenet-pytorch's module path, for example `repeat_1.0`.
    pub name: String,
    /// What it computes.
    pub step: Step,
    /// The size of its input.
    pub input: Size,
}

impl Module {
    /// The size of its output.
    #[must_use]
    pub const fn output(&self) -> Size {
        self.step.output(self.input)
    }

    /// Its layers with weights. Those of a block are the convolutions of its branches, branch by
    /// branch, and then the convolution of its residual.
    #[must_use]
    pub fn layers(&self) -> Vec<Layer> {
        let layer = |kind| vec![Layer { name: self.name.clone(), kind, input: self.input }];
        match self.step {
            Step::Conv(conv) => layer(Kind::Conv2d(conv)),
            Step::Block(block) => self.block(block),
            Step::Linear(out) => layer(Kind::Linear { out }),
            Step::BatchNorm => layer(Kind::BatchNorm),
            Step::MaxPool | Step::AveragePool => Vec::new(),
        }
    }

    fn block(&self, block: Block) -> Vec<Layer> {
        let mut layers = Vec::new();
        let mut push = |name: String, conv: Conv, input: Size| {
            let name = format!("{}.{name}", self.name);
            layers.push(Layer { name, kind: Kind::Conv2d(conv), input });
            conv.output(input)
        };
        for (b, branch) in block.branches.iter().enumerate() {
            let Branch::Convs(convs) = branch else { continue };
            let mut input = self.input;
            for (i, &conv) in convs.iter().enumerate() {
                let place = if convs.len() > 1 { format!(".{i}") } else { String::new() };
                input = push(format!("branch{b}{place}"), conv, input);
            }
        }
        if block.residual.is_some() {
            let conv = same(self.input.channels, [1, 1]);
            push("conv2d".into(), conv, block.concatenated(self.input));
        }
        layers
    }
}

/// What a layer with weights computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A two-dimensional convolution with bias: `[out, in, height, width]`.
    Conv2d(Conv),
    /// A matrix `[in, out]` without bias.
    Linear {
        /// Numbers out.
        out: usize,
    },
    /// Batch norm with fixed statistics over the channels of the input, epsilon
    /// [`BATCH_NORM_EPSILON`](super::BATCH_NORM_EPSILON).
    BatchNorm,
}

/// A layer with weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// facenet-pytorch's module path, for example `repeat_1.0.branch1.0`.
    pub name: String,
    /// What it computes.
    pub kind: Kind,
    /// The size of its input.
    pub input: Size,
}

impl Layer {
    /// The name as a Rust field, which is also how records spell it.
    #[must_use]
    pub fn field(&self) -> String {
        self.name.replace('.', "_")
    }

    /// The size of the output.
    #[must_use]
    pub const fn output(&self) -> Size {
        match self.kind {
            Kind::Conv2d(conv) => conv.output(self.input),
            Kind::Linear { out } => Size { channels: out, height: 1, width: 1 },
            Kind::BatchNorm => self.input,
        }
    }

    /// Multiply-accumulates by the definition of a convolution or a matrix.
    #[must_use]
    pub const fn macs(&self) -> u64 {
        let kernel = match self.kind {
            Kind::Conv2d(conv) => conv.window.kernel,
            Kind::Linear { .. } => [1, 1],
            Kind::BatchNorm => return 0,
        };
        (self.output().numbers() * kernel[0] * kernel[1] * self.input.channels) as u64
    }

    /// The layer's tensors as (name in the record, shape), in record order.
    #[must_use]
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let field = self.field();
        let tensor = |name: &str, shape: &[usize]| (format!("{field}.{name}"), shape.to_vec());
        let input = self.input.channels;
        match self.kind {
            Kind::Conv2d(Conv { out, window: Window { kernel: [height, width], .. } }) => {
                vec![tensor("weight", &[out, input, height, width]), tensor("bias", &[out])]
            }
            Kind::Linear { out } => vec![tensor("weight", &[input, out])],
            Kind::BatchNorm => ["gamma", "beta", "running_mean", "running_var"]
                .iter()
                .map(|name| tensor(name, &[input]))
                .collect(),
        }
    }
}
