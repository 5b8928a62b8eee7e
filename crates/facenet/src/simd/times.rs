//! How long each class of layers takes in a run, by the caller's clock. Behind the feature
//! `layer-times`, for the benchmark of the engine in WebAssembly (`examples/engine`); without it
//! nothing of this is left in the engine.

#[cfg(feature = "layer-times")]
pub use on::{Class, Total, reset, total};
#[cfg(feature = "layer-times")]
pub(super) use on::{layer, rounding};

#[cfg(not(feature = "layer-times"))]
pub(super) use off::{layer, rounding};

#[cfg(not(feature = "layer-times"))]
mod off {
    use crate::layers::Window;

    /// Measures nothing.
    pub(in crate::simd) struct Timed;

    #[inline(always)]
    pub(in crate::simd) fn layer(_window: Window, _macs: u64) -> Timed {
        Timed
    }

    #[inline(always)]
    pub(in crate::simd) fn rounding() -> Timed {
        Timed
    }
}

#[cfg(feature = "layer-times")]
mod on {
    use std::cell::{Cell, RefCell};

    use crate::layers::Window;

    /// Layers that are computed alike.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Class {
        /// 3x3, stride 1.
        Square,
        /// 3x3, stride 2.
        SquareStrided,
        /// 1x1, and the matrix at the end.
        Point,
        /// 1x7 and 7x1.
        Seven,
        /// 1x3 and 3x1.
        Three,
        /// Rounding maps to bytes, of the engine in integers. It multiplies nothing.
        Rounding,
    }

    impl Class {
        /// All of them.
        pub const ALL: [Self; 6] = [
            Self::Square,
            Self::SquareStrided,
            Self::Point,
            Self::Seven,
            Self::Three,
            Self::Rounding,
        ];

        /// A name for tables.
        #[must_use]
        pub const fn name(self) -> &'static str {
            match self {
                Self::Square => "3x3",
                Self::SquareStrided => "3x3 stride 2",
                Self::Point => "1x1",
                Self::Seven => "1x7 7x1",
                Self::Three => "1x3 3x1",
                Self::Rounding => "rounding",
            }
        }

        const fn of(window: Window) -> Self {
            match (window.kernel, window.stride) {
                ([1, 1], _) => Self::Point,
                ([3, 3], 1) => Self::Square,
                ([3, 3], _) => Self::SquareStrided,
                ([7, _] | [_, 7], _) => Self::Seven,
                _ => Self::Three,
            }
        }
    }

    /// Time and work of the layers of a class.
    #[derive(Clone, Copy, Debug, Default)]
    pub struct Total {
        /// Milliseconds.
        pub ms: f64,
        /// Multiply-accumulates by the definition of a convolution.
        pub macs: u64,
    }

    type Clock = fn() -> f64;

    thread_local! {
        static CLOCK: Cell<Clock> = const { Cell::new(|| 0.0) };
        static TOTALS: RefCell<[Total; Class::ALL.len()]> = RefCell::default();
    }

    /// Sets all totals to zero, and the clock, which gives milliseconds.
    pub fn reset(clock: Clock) {
        CLOCK.set(clock);
        TOTALS.take();
    }

    /// The total of a class on this thread since the last reset.
    #[must_use]
    pub fn total(class: Class) -> Total {
        TOTALS.with_borrow(|totals| totals[class as usize])
    }

    /// Measures a layer until it is dropped.
    pub(in crate::simd) struct Timed {
        class: Class,
        macs: u64,
        began: f64,
    }

    /// Begins to measure a layer.
    pub(in crate::simd) fn layer(window: Window, macs: u64) -> Timed {
        Timed { class: Class::of(window), macs, began: CLOCK.get()() }
    }

    /// Begins to measure the rounding of a map.
    pub(in crate::simd) fn rounding() -> Timed {
        Timed { class: Class::Rounding, macs: 0, began: CLOCK.get()() }
    }

    impl Drop for Timed {
        fn drop(&mut self) {
            let took = CLOCK.get()() - self.began;
            TOTALS.with_borrow_mut(|totals| {
                let total = &mut totals[self.class as usize];
                total.ms += took;
                total.macs += self.macs;
            });
        }
    }
}
