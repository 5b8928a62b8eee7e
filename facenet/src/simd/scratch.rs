//! Memory for what a layer computes on its way, the same for all layers of a shard.

use super::{conv, winograd};

#[derive(Debug)]
pub(super) struct Scratch {
    /// Decoded weights of one panel.
    pub(super) panel: Box<[f32]>,
    pub(super) winograd: winograd::Scratch,
}

impl Scratch {
    /// Its size.
    pub(super) const BYTES: usize =
        conv::PANEL_FLOATS * size_of::<f32>() + winograd::Scratch::BYTES;

    pub(super) fn new() -> Self {
        Self {
            panel: vec![0.0; conv::PANEL_FLOATS].into_boxed_slice(),
            winograd: winograd::Scratch::new(),
        }
    }
}
