//! The two halves of the network: names, what goes in and out, and what is in between.

use super::{INPUT_SIDE, Layer, Module, Row, SHARD_1, SHARD_2, Size, output};

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

    const fn rows(self) -> &'static [Row] {
        match self {
            Self::Shard1 => SHARD_1,
            Self::Shard2 => SHARD_2,
        }
    }

    /// The size of what goes in.
    #[must_use]
    pub const fn input(self) -> Size {
        match self {
            Self::Shard1 => Size { channels: 3, height: INPUT_SIDE, width: INPUT_SIDE },
            Self::Shard2 => Self::Shard1.output(),
        }
    }

    /// The size of what comes out.
    #[must_use]
    pub const fn output(self) -> Size {
        output(self.rows(), self.input())
    }

    /// Shape of what goes in, NCHW.
    #[must_use]
    pub const fn input_shape(self) -> [usize; 4] {
        let Size { channels, height, width } = self.input();
        [1, channels, height, width]
    }

    /// How many numbers go in.
    #[must_use]
    pub const fn input_len(self) -> usize {
        self.input().numbers()
    }

    /// How many numbers come out.
    #[must_use]
    pub const fn output_len(self) -> usize {
        self.output().numbers()
    }

    /// The shard's modules in the order in which they run, each on the output of the one before.
    #[must_use]
    pub fn modules(self) -> Vec<Module> {
        let mut modules = Vec::new();
        let mut input = self.input();
        for &(name, times, step) in self.rows() {
            for i in 0..times {
                let name = if times > 1 { format!("{name}.{i}") } else { name.to_owned() };
                modules.push(Module { name, step, input });
                input = step.output(input);
            }
        }
        modules
    }

    /// The layers with weights in the order in which they run. Records hold their tensors in this
    /// order.
    #[must_use]
    pub fn layers(self) -> Vec<Layer> {
        self.modules().iter().flat_map(Module::layers).collect()
    }
}
