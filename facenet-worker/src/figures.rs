//! What an isolate says about itself: its memory, and what its objects have done. The objects
//! send it along with each answer, and `/health` tells what was last heard.

use std::cell::RefCell;

use facenet::Shard;
use serde::{Deserialize, Serialize};

/// About the isolate that holds a shard.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Figures {
    /// As of [`wasm_mb`].
    pub(crate) wasm_mb: f64,
    /// How often the shard was read from R2.
    pub(crate) r2_reads: u32,
    /// How often an object of the shard's class was made or made anew.
    pub(crate) objects: u32,
    /// Requests that are under way, the one that is answered included.
    pub(crate) waiting: usize,
}

impl Figures {
    /// The header in which figures of a shard travel.
    pub(crate) const fn header(part: Shard) -> &'static str {
        match part {
            Shard::Shard1 => "x-cface-shard1",
            Shard::Shard2 => "x-cface-shard2",
        }
    }
}

/// The memory of this isolate's WebAssembly in megabytes. It never shrinks, so this is also the
/// most that it ever was.
pub(crate) fn wasm_mb() -> f64 {
    #[cfg(target_arch = "wasm32")]
    let pages = core::arch::wasm32::memory_size(0);
    #[cfg(not(target_arch = "wasm32"))]
    let pages = 0usize;
    // Pages of 64 KiB, in tenths.
    (pages as f64 * 0.65536).round() / 10.0
}

thread_local! {
    static HEARD: RefCell<[Option<Figures>; 2]> = const { RefCell::new([None; 2]) };
}

const fn index(part: Shard) -> usize {
    match part {
        Shard::Shard1 => 0,
        Shard::Shard2 => 1,
    }
}

/// Remembers what the isolate of a shard has said.
pub(crate) fn heard(part: Shard, figures: Figures) {
    HEARD.with_borrow_mut(|heard| heard[index(part)] = Some(figures));
}

/// What the isolate of a shard said last, if this one has asked it yet.
pub(crate) fn last(part: Shard) -> Option<Figures> {
    HEARD.with_borrow(|heard| heard[index(part)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_travel_in_a_header() {
        let figures = Figures { wasm_mb: 57.3, r2_reads: 1, objects: 2, waiting: 3 };
        let text = serde_json::to_string(&figures).unwrap();
        assert!(text.is_ascii() && !text.contains('\n'));
        assert_eq!(serde_json::from_str::<Figures>(&text).unwrap(), figures);
        assert_eq!(last(Shard::Shard1), None);
        heard(Shard::Shard1, figures);
        assert_eq!((last(Shard::Shard1), last(Shard::Shard2)), (Some(figures), None));
    }
}
