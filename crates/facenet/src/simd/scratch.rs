//! Memory for what a layer computes on its way. The layers of a shard take turns with it.

use super::feature_map::Shape;
use super::weights::Conv;
use super::{direct, int8, winograd};

#[derive(Debug)]
pub(super) struct Scratch {
    pub(super) direct: direct::Scratch,
    pub(super) winograd: winograd::Scratch,
    pub(super) int8: int8::Scratch,
}

/// How much of it the layers of a shard need.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sizes {
    pub(super) direct: direct::Sizes,
    pub(super) winograd: winograd::Sizes,
    pub(super) int8: int8::Sizes,
}

impl Sizes {
    /// Makes it enough for a convolution with `ReLU`.
    pub(super) fn include(&mut self, conv: &Conv, output: Shape) {
        match winograd::scheme(conv, output) {
            Some(scheme) => self.winograd.include(scheme, conv, output),
            None => self.direct.include(conv, output),
        }
    }

    /// Bytes of all that.
    #[cfg(test)]
    pub(super) const fn bytes(self) -> usize {
        self.direct.bytes() + self.winograd.bytes() + self.int8.bytes()
    }
}

impl Scratch {
    pub(super) fn new(sizes: Sizes) -> Self {
        Self {
            direct: direct::Scratch::new(sizes.direct),
            winograd: winograd::Scratch::new(sizes.winograd),
            int8: int8::Scratch::new(sizes.int8),
        }
    }
}
