//! The kernels over bytes in WebAssembly's 128-bit vectors.
//!
//! The loop is that of `gemm_f32_rx8`, with four times as many numbers in each vector. How the
//! products of a quad are added depends on the instructions that there are: see [`Dot`].

#[cfg(not(target_feature = "relaxed-simd"))]
mod plain;
#[cfg(target_feature = "relaxed-simd")]
mod relaxed;

use core::arch::wasm32::{
    f32x4_add, f32x4_mul, f32x4_splat, i16x8_narrow_i32x4, i32x4_add, i32x4_extract_lane,
    i32x4_max, i32x4_splat, u8x16_narrow_i16x8, u32x4_splat, v128, v128_and, v128_load, v128_store,
};

use super::super::bytes::{ABSOLUTE, ROUNDED, ROUNDER};
use super::super::{LANES, QUAD, Quads, Runs, Sums, VALUE_MAX};
#[cfg(not(target_feature = "relaxed-simd"))]
use plain::{Other, Usual, is_other_faster};
#[cfg(target_feature = "relaxed-simd")]
use relaxed::{Other, Usual, is_other_faster};

/// A way to add the products of a quad to sums. All ways give the same sums.
trait Dot {
    /// Rows in a full tile.
    const ROWS: usize;

    /// The sums of one row, possibly in parts.
    type Sums: Copy;

    fn split(sums: [i32; LANES]) -> Self::Sums;

    fn join(sums: Self::Sums) -> [i32; LANES];

    /// Adds the products of one quad of each row.
    ///
    /// # Safety
    /// Each of `values` points to a quad, and `weights` to a row of a panel.
    unsafe fn step<const R: usize>(
        values: [*const u8; R],
        weights: *const Quads,
        sums: &mut [Self::Sums; R],
    );
}

/// Rows in a full tile.
pub(in crate::simd::kernels) fn byte_rows() -> usize {
    if is_other_faster() { Other::ROWS } else { Usual::ROWS }
}

#[inline(always)]
pub(in crate::simd::kernels) fn gemm_i8_rx8<const R: usize>(
    input: &[u8],
    rows: &[usize; R],
    runs: Runs,
    panel: &[Quads],
    tile: &mut Sums<R>,
) {
    // A tile that is too high for the other way does not have its code.
    if R <= Other::ROWS && is_other_faster() {
        gemm::<Other, R>(input, rows, runs, panel, tile);
    } else {
        gemm::<Usual, R>(input, rows, runs, panel, tile);
    }
}

/// What each way gives, also the one that this host does not use.
#[cfg(feature = "kernel-tests")]
pub(in crate::simd::kernels) fn all_gemm_i8_rx8<const R: usize>(
    input: &[u8],
    rows: &[usize; R],
    runs: Runs,
    panel: &[Quads],
    tile: Sums<R>,
) -> [Sums<R>; 2] {
    let mut tiles = [tile; 2];
    let [usual, other] = &mut tiles;
    gemm::<Usual, R>(input, rows, runs, panel, usual);
    gemm::<Other, R>(input, rows, runs, panel, other);
    tiles
}

#[inline(always)]
fn gemm<D: Dot, const R: usize>(
    input: &[u8],
    rows: &[usize; R],
    runs: Runs,
    panel: &[Quads],
    tile: &mut Sums<R>,
) {
    let mut weights = panel.as_ptr();
    let mut sums = tile.map(D::split);
    let steps = runs.length / QUAD;
    for run in 0..runs.count {
        // SAFETY: `Runs::check` has asserted that every row has `count` runs of `length` bytes
        // `stride` apart, and that the panel has a row for each quad of them.
        unsafe {
            let mut values = [input.as_ptr(); R];
            for (value, row) in values.iter_mut().zip(rows) {
                *value = value.add(row + run * runs.stride);
            }
            add_run::<D, R>(values, steps, weights, &mut sums);
            weights = weights.add(steps);
        }
    }
    *tile = sums.map(D::join);
}

/// Steps in one round of the loop.
const UNROLLED: usize = 8;

/// Adds one run.
///
/// # Safety
/// Each of `values` points to `left` quads, and `weights` to as many rows of a panel.
#[inline(always)]
unsafe fn add_run<D: Dot, const R: usize>(
    mut values: [*const u8; R],
    mut left: usize,
    mut weights: *const Quads,
    sums: &mut [D::Sums; R],
) {
    if left == 0 {
        return;
    }
    loop {
        macro_rules! steps {
            ($($k:literal)*) => { $(
                // SAFETY: more than `$k` steps are left, and a vector may lie at any address.
                unsafe {
                    D::step(values.map(|value| value.add($k * QUAD)), weights.add($k), sums);
                }
                if left == $k + 1 {
                    return;
                }
            )* };
        }
        steps!(0 1 2 3 4 5 6 7);
        left -= UNROLLED;
        // SAFETY: more steps than these were left.
        unsafe {
            weights = weights.add(UNROLLED);
            for value in &mut values {
                *value = value.add(UNROLLED * QUAD);
            }
        }
    }
}

/// The vectors of some numbers.
#[inline(always)]
fn vectors(numbers: &[f32; ROUNDED]) -> [v128; 4] {
    let start: *const v128 = numbers.as_ptr().cast();
    // SAFETY: sixteen floats are four vectors, and a vector may lie at any address.
    std::array::from_fn(|vector| unsafe { v128_load(start.add(vector)) })
}

#[inline(always)]
fn lanes(vector: v128) -> [i32; 4] {
    [
        i32x4_extract_lane::<0>(vector),
        i32x4_extract_lane::<1>(vector),
        i32x4_extract_lane::<2>(vector),
        i32x4_extract_lane::<3>(vector),
    ]
}

pub(in crate::simd::kernels) fn largest_bits(numbers: &[[f32; ROUNDED]]) -> u32 {
    let mut largest = [i32x4_splat(0); 4];
    for numbers in numbers {
        for (largest, vector) in largest.iter_mut().zip(vectors(numbers)) {
            // Without its sign, a number's bits are the same as a signed integer's.
            *largest = i32x4_max(*largest, v128_and(vector, u32x4_splat(ABSOLUTE)));
        }
    }
    largest.into_iter().flat_map(lanes).fold(0, i32::max) as u32
}

pub(in crate::simd::kernels) fn round_bytes(
    source: &[[f32; ROUNDED]],
    factor: f32,
    target: &mut [[u8; ROUNDED]],
) -> i32 {
    let factor = f32x4_splat(factor);
    let mut sums = [i32x4_splat(0); 4];
    for (source, target) in source.iter().zip(target) {
        let wholes = vectors(source).map(|vector| {
            let rounded = f32x4_add(f32x4_mul(vector, factor), f32x4_splat(ROUNDER));
            v128_and(rounded, i32x4_splat(VALUE_MAX))
        });
        for (sum, whole) in sums.iter_mut().zip(wholes) {
            *sum = i32x4_add(*sum, whole);
        }
        let [a, b, c, d] = wholes;
        let bytes = u8x16_narrow_i16x8(i16x8_narrow_i32x4(a, b), i16x8_narrow_i32x4(c, d));
        // SAFETY: sixteen bytes are a vector, and a vector may lie at any address.
        unsafe { v128_store(target.as_mut_ptr().cast(), bytes) };
    }
    sums.into_iter().flat_map(lanes).sum()
}
