//! The output of each layer, to compare engines layer by layer. It is for the tests only, behind
//! the feature `layer-outputs`; without that, the engines call an empty function. `cfg(test)` would
//! not do, because the tests also run in WebAssembly, as part of another crate (`examples/engine`).
//!
//! A layer's output is that after `ReLU`. For the last convolution of a residual block it is the
//! block's output. The order is that of [`Shard::layers`](crate::Shard::layers).

#[cfg(feature = "layer-outputs")]
pub mod golden;

#[cfg(feature = "layer-outputs")]
mod record {
    use std::cell::RefCell;

    thread_local! {
        static OUTPUTS: RefCell<Option<Vec<Vec<f32>>>> = const { RefCell::new(None) };
    }

    /// Calls `run`, which runs shards on this thread. Returns its result and the outputs of all
    /// layers that ran, each in NCHW order.
    pub fn record<T>(run: impl FnOnce() -> T) -> (T, Vec<Vec<f32>>) {
        OUTPUTS.set(Some(Vec::new()));
        let result = run();
        (result, OUTPUTS.take().unwrap_or_default())
    }

    /// Takes the output of the next layer, inside of [`record`].
    pub(crate) fn see(output: impl FnOnce() -> Vec<f32>) {
        OUTPUTS.with_borrow_mut(|outputs| {
            if let Some(outputs) = outputs {
                outputs.push(output());
            }
        });
    }
}

#[cfg(feature = "layer-outputs")]
pub use record::record;

#[cfg(feature = "layer-outputs")]
pub(crate) use record::see;

/// Does nothing: without the feature nobody records.
#[cfg(not(feature = "layer-outputs"))]
#[inline]
pub(crate) fn see(_output: impl FnOnce() -> Vec<f32>) {}
