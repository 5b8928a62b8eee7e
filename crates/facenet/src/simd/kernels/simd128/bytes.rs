//! The kernels over bytes in WebAssembly's 128-bit vectors.
//!
//! With relaxed SIMD the loop is that of `gemm_f32_rx8`, with four times as many numbers in each
//! vector. Without it, bytes are extended to 16 bits, and a sum is kept in two halves.

use core::arch::wasm32::{
    f32x4_add, f32x4_mul, f32x4_splat, i16x8_narrow_i32x4, i32x4_add, i32x4_extract_lane,
    i32x4_max, i32x4_splat, u8x16_narrow_i16x8, u32x4_splat, v128, v128_and, v128_load, v128_store,
};

use super::super::bytes::{ABSOLUTE, ROUNDED, ROUNDER};
use super::super::{LANES, QUAD, Quads, Runs, Sums, VALUE_MAX};

/// Vectors that hold the sums of one row.
#[cfg(target_feature = "relaxed-simd")]
const PARTS: usize = 2;
#[cfg(not(target_feature = "relaxed-simd"))]
const PARTS: usize = 4;

#[inline(always)]
pub(in crate::simd::kernels) fn gemm_i8_rx8<const R: usize>(
    input: &[u8],
    rows: &[usize; R],
    runs: Runs,
    panel: &[Quads],
    tile: &mut Sums<R>,
) {
    let mut weights = panel.as_ptr();
    let mut sums = tile.map(split);
    let steps = runs.length / QUAD;
    for run in 0..runs.count {
        // SAFETY: `Runs::check` has asserted that every row has `count` runs of `length` bytes
        // `stride` apart, and that the panel has a row for each quad of them.
        unsafe {
            let mut values = [input.as_ptr(); R];
            for (value, row) in values.iter_mut().zip(rows) {
                *value = value.add(row + run * runs.stride);
            }
            run_i8_rx8(values, steps, weights, &mut sums);
            weights = weights.add(steps);
        }
    }
    *tile = sums.map(join);
}

/// Steps in one round of the loop.
const UNROLLED: usize = 8;

/// Adds one run.
///
/// # Safety
/// Each of `values` points to `left` quads, and `weights` to as many rows of a panel.
#[inline(always)]
unsafe fn run_i8_rx8<const R: usize>(
    mut values: [*const u8; R],
    mut left: usize,
    mut weights: *const Quads,
    sums: &mut [[v128; PARTS]; R],
) {
    if left == 0 {
        return;
    }
    loop {
        macro_rules! steps {
            ($($k:literal)*) => { $(
                // SAFETY: more than `$k` steps are left, and a vector may lie at any address.
                unsafe {
                    step(values.map(|value| value.add($k * QUAD)), weights.add($k), sums);
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

#[cfg(target_feature = "relaxed-simd")]
mod relaxed {
    use core::arch::wasm32::{
        i32x4_relaxed_dot_i8x16_i7x16_add, v128, v128_load, v128_load32_splat,
    };

    use super::{LANES, PARTS, Quads};

    /// Adds the products of one quad of each row.
    ///
    /// # Safety
    /// Each of `values` points to a quad, and `weights` to a row of a panel.
    #[inline(always)]
    pub(super) unsafe fn step<const R: usize>(
        values: [*const u8; R],
        weights: *const Quads,
        sums: &mut [[v128; PARTS]; R],
    ) {
        // SAFETY: what the caller promises; a vector may lie at any address.
        unsafe {
            let b0 = v128_load(weights.cast());
            let b1 = v128_load(weights.cast::<v128>().add(1));
            for (value, sums) in values.into_iter().zip(sums) {
                let x = v128_load32_splat(value.cast());
                sums[0] = i32x4_relaxed_dot_i8x16_i7x16_add(b0, x, sums[0]);
                sums[1] = i32x4_relaxed_dot_i8x16_i7x16_add(b1, x, sums[1]);
            }
        }
    }

    #[inline(always)]
    pub(super) fn split(sums: [i32; LANES]) -> [v128; PARTS] {
        // SAFETY: eight integers are two vectors.
        unsafe { core::mem::transmute(sums) }
    }

    #[inline(always)]
    pub(super) fn join(parts: [v128; PARTS]) -> [i32; LANES] {
        // SAFETY: two vectors are eight integers.
        unsafe { core::mem::transmute(parts) }
    }
}
#[cfg(target_feature = "relaxed-simd")]
use relaxed::{join, split, step};

#[cfg(not(target_feature = "relaxed-simd"))]
mod plain {
    use core::arch::wasm32::{
        i16x8_extend_low_u8x16, i16x8_load_extend_i8x8, i32x4, i32x4_add, i32x4_dot_i16x8,
        i32x4_shuffle, v128, v128_load32_splat,
    };

    use super::{LANES, PARTS, Quads};

    /// Adds the products of one quad of each row. Part `p` has the sums of the channels `2p` and
    /// `2p + 1`, each as that of the first two numbers of a quad and that of the others.
    ///
    /// # Safety
    /// Each of `values` points to a quad, and `weights` to a row of a panel.
    #[inline(always)]
    pub(super) unsafe fn step<const R: usize>(
        values: [*const u8; R],
        weights: *const Quads,
        sums: &mut [[v128; PARTS]; R],
    ) {
        // SAFETY: what the caller promises; a vector may lie at any address.
        let values =
            values.map(|value| unsafe { i16x8_extend_low_u8x16(v128_load32_splat(value.cast())) });
        for part in 0..PARTS {
            // SAFETY: as above.
            let b = unsafe { i16x8_load_extend_i8x8(weights.cast::<i8>().add(part * 8)) };
            for (&value, sums) in values.iter().zip(&mut *sums) {
                sums[part] = i32x4_add(sums[part], i32x4_dot_i16x8(value, b));
            }
        }
    }

    #[inline(always)]
    pub(super) fn split(sums: [i32; LANES]) -> [v128; PARTS] {
        std::array::from_fn(|part| i32x4(sums[2 * part], 0, sums[2 * part + 1], 0))
    }

    #[inline(always)]
    pub(super) fn join(parts: [v128; PARTS]) -> [i32; LANES] {
        let pair = |low, high| {
            let first = i32x4_shuffle::<0, 2, 4, 6>(low, high);
            i32x4_add(first, i32x4_shuffle::<1, 3, 5, 7>(low, high))
        };
        let [a, b, c, d] = parts;
        // SAFETY: two vectors are eight integers.
        unsafe { core::mem::transmute([pair(a, b), pair(c, d)]) }
    }
}
#[cfg(not(target_feature = "relaxed-simd"))]
use plain::{join, split, step};

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
