//! Memory for what a layer computes on its way, the same for all layers of a shard.

use super::{conv, winograd};

#[derive(Debug)]
pub(super) struct Scratch {
    pub(super) conv: conv::Scratch,
    pub(super) winograd: winograd::Scratch,
}

impl Scratch {
    /// Its size.
    pub(super) const BYTES: usize = conv::Scratch::BYTES + winograd::Scratch::BYTES;

    pub(super) fn new() -> Self {
        Self { conv: conv::Scratch::new(), winograd: winograd::Scratch::new() }
    }
}
