//! The inner loops, behind safe functions, and the choice among their implementations.
//!
//! Every kernel exists in `scalar`, as plain loops that define what it computes. `lanes` computes
//! the same over arrays of eight, which the compiler vectorises, and runs natively. `simd128` is
//! written by hand for WebAssembly. Names give operation, type and tile: `gemm_f32_rx8` multiplies
//! some rows with a panel of 8 columns.
//!
//! Integers are exact, so all implementations of a kernel for bytes give the same bits (`bytes`).
//! Floats: a multiply-add is rounded once where it is fused (natively, and with relaxed SIMD) and
//! twice elsewhere. Sums run in order of depth. So hosts that fuse give the same bits, and all
//! implementations agree to 1e-5 of the sum of the absolute products.

mod bytes;
mod halves;
#[cfg(not(target_arch = "wasm32"))]
mod lanes;
#[cfg(any(test, feature = "kernel-tests"))]
mod scalar;
#[cfg(target_arch = "wasm32")]
mod simd128;
#[cfg(any(test, feature = "kernel-tests"))]
pub(super) mod tests;

use std::ops::Range;

pub(super) use bytes::{
    DEPTH_MAX, QUAD, Quads, Sums, VALUE_MAX, byte_tiles, gemm_i8_rx8, largest, round,
};
pub(super) use halves::{Halves, decode_f16, f16_to_f32};
#[cfg(not(target_arch = "wasm32"))]
use lanes as chosen;
#[cfg(target_arch = "wasm32")]
use simd128 as chosen;

#[cfg(all(target_arch = "wasm32", not(target_feature = "simd128")))]
compile_error!("the SIMD engine needs `-Ctarget-feature=+simd128` for wasm32");

/// Numbers in a vector of WebAssembly. Code without a kernel works on arrays of this length, which
/// the compiler turns into vectors.
pub(super) const WIDTH: usize = 4;
pub(super) type Vector = [f32; WIDTH];

/// `factor * a + b`.
#[inline(always)]
pub(super) fn madd(factor: f32, a: Vector, b: Vector) -> Vector {
    chosen::madd_f32_x4(factor, a, b)
}

/// Runs code in which [`madd`] is one instruction, where the processor has it.
#[inline(always)]
pub(super) fn fused<T>(run: impl FnOnce() -> T) -> T {
    chosen::fused(run)
}

/// Output channels in a panel: two vectors of WebAssembly.
pub const LANES: usize = 8;

/// Rows in a full tile. In WebAssembly 6x2 accumulators, two vectors of the panel and a broadcast
/// take 15 registers, all that V8 leaves of 16. A multiply-add that is not fused needs one more for
/// the product, and then six rows spill: an embedding takes 62.6 ms with six and 47.6 with five.
/// Fused, it takes 34.4 ms with six and 34.9 with five (Zen 5, V8 13.6, 2026-11).
pub(super) const ROWS: usize = if FUSED { 6 } else { 5 };
const FUSED: bool = cfg!(any(not(target_arch = "wasm32"), target_feature = "relaxed-simd"));

/// Cuts rows into as few tiles as possible, of nearly equal height: nine rows into five and four.
pub(super) fn tiles(rows: Range<usize>) -> impl ExactSizeIterator<Item = Range<usize>> {
    tiles_of(ROWS, rows)
}

/// The same for tiles of at most `most` rows.
fn tiles_of(most: usize, rows: Range<usize>) -> impl ExactSizeIterator<Item = Range<usize>> {
    let tiles = rows.len().div_ceil(most);
    let mut start = rows.start;
    (0..tiles).rev().map(move |later| {
        let tile = start..start + (rows.end - start).div_ceil(later + 1);
        start = tile.end;
        tile
    })
}

/// Evaluates an expression in which the number of rows of a tile is a constant.
macro_rules! with_rows {
    ($count:expr, $rows:ident => $expression:expr) => {
        with_rows!($count, $rows => $expression, 1 2 3 4 5 6)
    };
    ($count:expr, $rows:ident => $expression:expr, $($number:literal)*) => {
        match $count {
            $($number => {
                const $rows: usize = $number;
                $expression
            })*
            count => unreachable!("a tile of {count} rows"),
        }
    };
}
pub(super) use with_rows;

/// Sums of one tile.
pub(super) type Tile<const R: usize> = [[f32; LANES]; R];

/// What a row of a tile reads: `count` runs of `length` numbers, `stride` numbers apart.
#[derive(Clone, Copy, Debug)]
pub struct Runs {
    /// How many: as many as a kernel has rows.
    pub count: usize,
    /// Numbers from the start of one to the start of the next.
    pub stride: usize,
    /// Numbers of each.
    pub length: usize,
}

impl Runs {
    /// One run.
    #[must_use]
    pub const fn one(length: usize) -> Self {
        Self { count: 1, stride: 0, length }
    }

    /// Numbers that are read in all.
    #[must_use]
    pub const fn depth(self) -> usize {
        self.count * self.length
    }

    /// Numbers from the first that is read to behind the last.
    const fn span(self) -> usize {
        if self.count == 0 { 0 } else { (self.count - 1) * self.stride + self.length }
    }

    /// Asserts that an input of so many numbers and a panel for so many hold all that a tile reads.
    fn check(self, input: usize, rows: &[usize], panel: usize) {
        assert!(panel >= self.depth(), "the panel is as deep as the runs");
        let last = input.checked_sub(self.span()).expect("the input holds a row");
        for &row in rows {
            assert!(row <= last, "a row ends inside the input");
        }
    }
}

/// `tile[r][j] += sum over k of row[r][k] * panel[k][j]`, where row `r` is the runs that begin
/// at `input[rows[r]]`.
///
/// # Panics
/// When a row or the panel is shorter than the runs.
#[inline(always)]
pub(super) fn gemm_f32_rx8<const R: usize>(
    input: &[f32],
    rows: &[usize; R],
    runs: Runs,
    panel: &[[f32; LANES]],
    tile: &mut Tile<R>,
) {
    runs.check(input.len(), rows, panel.len());
    chosen::gemm_f32_rx8(input, rows, runs, panel, tile);
}
