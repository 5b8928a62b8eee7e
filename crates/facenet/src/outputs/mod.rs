//! What each layer gives, for those who compare engines layer by layer ([`golden`]). Behind the
//! feature `layer-outputs`: without it nothing of this is left in an engine.
//!
//! A layer's output is that after `ReLU`; of the last convolution of a residual block it is the
//! block's. The order is that of [`Shard::layers`](crate::Shard::layers).

#[cfg(feature = "layer-outputs")]
pub mod golden;

#[cfg(feature = "layer-outputs")]
mod record {
    use std::cell::RefCell;

    thread_local! {
        static SEEN: RefCell<Option<Vec<Vec<f32>>>> = const { RefCell::new(None) };
    }

    /// Calls `run`, which runs a shard on this thread, and gives what it gives and the outputs
    /// of all layers, each in NCHW order.
    pub fn record<T>(run: impl FnOnce() -> T) -> (T, Vec<Vec<f32>>) {
        SEEN.set(Some(Vec::new()));
        let result = run();
        (result, SEEN.take().unwrap_or_default())
    }

    /// Takes the output of the next layer, if anyone wants it.
    pub(crate) fn see(output: impl FnOnce() -> Vec<f32>) {
        SEEN.with_borrow_mut(|seen| {
            if let Some(seen) = seen {
                seen.push(output());
            }
        });
    }
}

#[cfg(feature = "layer-outputs")]
pub use record::record;

#[cfg(feature = "layer-outputs")]
pub(crate) use record::see;

/// Nothing.
#[cfg(not(feature = "layer-outputs"))]
#[inline]
pub(crate) fn see(_output: impl FnOnce() -> Vec<f32>) {}
