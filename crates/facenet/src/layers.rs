//! The layers of Inception-ResNet-v1 that have weights, under facenet-pytorch's names and in the
//! order in which they run. Records hold their tensors in this order and under these names, and
//! the converters check every checkpoint against these shapes.

/// Width and height of the input in pixels.
pub const INPUT_SIDE: usize = 160;

/// The two shards of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shard {
    /// The stem, `repeat_1` (5 x block35), `mixed_6a` and `repeat_2` (10 x block17).
    Shard1,
    /// `mixed_7a`, `repeat_3` (5 x block8), `block8`, pooling, `last_linear` and `last_bn`.
    Shard2,
}

impl Shard {
    /// Both, in the order in which they run.
    pub const ALL: [Self; 2] = [Self::Shard1, Self::Shard2];

    /// The name of the shard and of its record.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shard1 => "shard1",
            Self::Shard2 => "shard2",
        }
    }

    /// The file (and R2 key) of the shard's record.
    #[must_use]
    pub const fn file(self) -> &'static str {
        match self {
            Self::Shard1 => "shard1.bin",
            Self::Shard2 => "shard2.bin",
        }
    }

    /// Shape of what goes in, NCHW.
    #[must_use]
    pub const fn input_shape(self) -> [usize; 4] {
        match self {
            Self::Shard1 => [1, 3, INPUT_SIDE, INPUT_SIDE],
            Self::Shard2 => [1, 896, 8, 8],
        }
    }

    /// How many numbers go in.
    #[must_use]
    pub const fn input_len(self) -> usize {
        let [n, c, h, w] = self.input_shape();
        n * c * h * w
    }

    /// How many numbers come out.
    #[must_use]
    pub const fn output_len(self) -> usize {
        match self {
            Self::Shard1 => Self::Shard2.input_len(),
            Self::Shard2 => crate::embedding::DIMENSIONS,
        }
    }

    /// The shard's layers in the order in which they run.
    #[must_use]
    pub fn layers(self) -> Vec<Layer> {
        match self {
            Self::Shard1 => shard1(),
            Self::Shard2 => shard2(),
        }
    }
}

/// What a layer computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A two-dimensional convolution with bias: `[out, in, height, width]`. Batch norm is folded
    /// into it.
    Conv2d {
        /// Output channels.
        out: usize,
        /// Input channels.
        input: usize,
        /// Kernel height and width in pixels.
        kernel: [usize; 2],
    },
    /// A matrix `[in, out]` without bias.
    Linear {
        /// Numbers in.
        input: usize,
        /// Numbers out.
        out: usize,
    },
    /// Batch norm with fixed statistics over this many channels, epsilon [`BATCH_NORM_EPSILON`].
    BatchNorm(usize),
}

/// The epsilon that the network was trained with (`TensorFlow`'s slim default is 0.001).
pub const BATCH_NORM_EPSILON: f64 = 0.001;

/// A layer with weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// facenet-pytorch's module path, for example `repeat_1.0.branch1.0`.
    pub name: String,
    /// What it computes.
    pub kind: Kind,
}

impl Layer {
    /// The name as a Rust field, which is also how records spell it.
    #[must_use]
    pub fn field(&self) -> String {
        self.name.replace('.', "_")
    }

    /// The layer's tensors as (name in the record, shape), in record order.
    #[must_use]
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let field = self.field();
        let tensor = |name: &str, shape: &[usize]| (format!("{field}.{name}"), shape.to_vec());
        match self.kind {
            Kind::Conv2d { out, input, kernel: [height, width] } => {
                vec![tensor("weight", &[out, input, height, width]), tensor("bias", &[out])]
            }
            Kind::Linear { input, out } => vec![tensor("weight", &[input, out])],
            Kind::BatchNorm(channels) => ["gamma", "beta", "running_mean", "running_var"]
                .iter()
                .map(|name| tensor(name, &[channels]))
                .collect(),
        }
    }
}

/// Collects layers of one parent module.
struct Builder(Vec<Layer>);

impl Builder {
    fn conv(&mut self, name: &str, input: usize, out: usize, kernel: [usize; 2]) -> &mut Self {
        self.0.push(Layer { name: name.into(), kind: Kind::Conv2d { out, input, kernel } });
        self
    }

    /// `branch0` of one 1x1 convolution, further branches of several, and the 1x1 convolution
    /// `conv2d` that brings their concatenation back to `channels`. A branch is a list of output
    /// channels and kernels.
    fn residual(&mut self, name: &str, channels: usize, branches: &[&[(usize, [usize; 2])]]) {
        let mut concatenated = 0;
        for (i, branch) in branches.iter().enumerate() {
            let mut input = channels;
            for (j, &(out, kernel)) in branch.iter().enumerate() {
                let position = if i == 0 { String::new() } else { format!(".{j}") };
                self.conv(&format!("{name}.branch{i}{position}"), input, out, kernel);
                input = out;
            }
            concatenated += input;
        }
        self.conv(&format!("{name}.conv2d"), concatenated, channels, [1, 1]);
    }
}

fn shard1() -> Vec<Layer> {
    let mut layers = Builder(Vec::new());
    layers
        .conv("conv2d_1a", 3, 32, [3, 3])
        .conv("conv2d_2a", 32, 32, [3, 3])
        .conv("conv2d_2b", 32, 64, [3, 3])
        .conv("conv2d_3b", 64, 80, [1, 1])
        .conv("conv2d_4a", 80, 192, [3, 3])
        .conv("conv2d_4b", 192, 256, [3, 3]);
    for i in 0..5 {
        let (one, three) = ((32, [1, 1]), (32, [3, 3]));
        let branches: [&[_]; 3] = [&[one], &[one, three], &[one, three, three]];
        layers.residual(&format!("repeat_1.{i}"), 256, &branches);
    }
    layers
        .conv("mixed_6a.branch0", 256, 384, [3, 3])
        .conv("mixed_6a.branch1.0", 256, 192, [1, 1])
        .conv("mixed_6a.branch1.1", 192, 192, [3, 3])
        .conv("mixed_6a.branch1.2", 192, 256, [3, 3]);
    for i in 0..10 {
        let one = (128, [1, 1]);
        let branches: [&[_]; 2] = [&[one], &[one, (128, [1, 7]), (128, [7, 1])]];
        layers.residual(&format!("repeat_2.{i}"), 896, &branches);
    }
    layers.0
}

fn shard2() -> Vec<Layer> {
    let mut layers = Builder(Vec::new());
    layers
        .conv("mixed_7a.branch0.0", 896, 256, [1, 1])
        .conv("mixed_7a.branch0.1", 256, 384, [3, 3])
        .conv("mixed_7a.branch1.0", 896, 256, [1, 1])
        .conv("mixed_7a.branch1.1", 256, 256, [3, 3])
        .conv("mixed_7a.branch2.0", 896, 256, [1, 1])
        .conv("mixed_7a.branch2.1", 256, 256, [3, 3])
        .conv("mixed_7a.branch2.2", 256, 256, [3, 3]);
    let one = (192, [1, 1]);
    let branches: [&[_]; 2] = [&[one], &[one, (192, [1, 3]), (192, [3, 1])]];
    for i in 0..5 {
        layers.residual(&format!("repeat_3.{i}"), 1792, &branches);
    }
    layers.residual("block8", 1792, &branches);
    let out = crate::embedding::DIMENSIONS;
    layers.0.push(Layer { name: "last_linear".into(), kind: Kind::Linear { input: 1792, out } });
    layers.0.push(Layer { name: "last_bn".into(), kind: Kind::BatchNorm(out) });
    layers.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights(part: Shard) -> usize {
        let tensors = part.layers().iter().flat_map(Layer::tensors).collect::<Vec<_>>();
        tensors.iter().map(|(_, shape)| shape.iter().product::<usize>()).sum()
    }

    #[test]
    fn layers_have_the_parameters_of_the_published_network() {
        let convolutions = |part: Shard| {
            part.layers().iter().filter(|l| matches!(l.kind, Kind::Conv2d { .. })).count()
        };
        assert_eq!(convolutions(Shard::Shard1), 95);
        assert_eq!(convolutions(Shard::Shard2), 37);
        // 23.5 M parameters, with one offset instead of four batch norm vectors per convolution.
        let millions = (weights(Shard::Shard1) + weights(Shard::Shard2)) as f64 / 1e6;
        assert!((23.4..23.6).contains(&millions), "{millions} M");
    }

    #[test]
    fn names_are_unique() {
        for part in Shard::ALL {
            let mut names: Vec<_> = part.layers().into_iter().map(|layer| layer.name).collect();
            let count = names.len();
            names.sort();
            names.dedup();
            assert_eq!(names.len(), count);
        }
    }
}
