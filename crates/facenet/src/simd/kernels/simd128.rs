//! The kernels in WebAssembly's 128-bit vectors.
//!
//! ```text
//! gemm_f32_rx8: for each run, for each k:
//!     b0, b1 = panel[k]                                   two loads
//!     for each row r: x = broadcast row[r][k]             one load
//!         sum[r] += (x * b0, x * b1)                      two multiply-adds
//! ```
//!
//! It is fast because of the order of the instructions, which V8 keeps: a broadcast is needed for
//! two multiply-adds only, and everything fits into 15 registers. Within a basic block, LLVM's
//! WebAssembly back end moves each multiply-add down to the next one of the same sum. Then all
//! broadcasts are needed at once, and V8 spills. So each step of the unrolled loop ends in a
//! conditional exit, which also ends the basic block. This gives 30.9 GMAC/s where the peak is
//! 32.5; without the exits it is 8 to 23, and 16 without unrolling (Zen 5, V8 13.6, rustc 1.95,
//! 2026-11). A flag in `.cargo/config.toml` keeps the offsets in the loads.
#![expect(unsafe_code, reason = "loads of vectors through pointers, and arrays as vectors")]

mod bytes;

use core::arch::wasm32::{
    f32x4_mul, f32x4_splat, i32x4_shl, i32x4_shr, u32x4_splat, v128, v128_and, v128_load,
    v128_load32_splat,
};

#[cfg(feature = "kernel-tests")]
pub(super) use bytes::all_gemm_i8_rx8;
pub(super) use bytes::{byte_rows, gemm_i8_rx8, largest_bits, round_bytes};

use super::halves::{F16_FACTOR, FLOAT_BITS, Halves};
use super::{LANES, Runs, Tile, Vector};

/// `a * b + c`. The engine has no other multiply-add in WebAssembly.
#[inline(always)]
fn madd(a: v128, b: v128, c: v128) -> v128 {
    #[cfg(target_feature = "relaxed-simd")]
    return core::arch::wasm32::f32x4_relaxed_madd(a, b, c);
    #[cfg(not(target_feature = "relaxed-simd"))]
    return core::arch::wasm32::f32x4_add(f32x4_mul(a, b), c);
}

#[inline(always)]
pub(super) fn fused<T>(run: impl FnOnce() -> T) -> T {
    run()
}

#[inline(always)]
pub(super) fn madd_f32_x4(factor: f32, a: Vector, b: Vector) -> Vector {
    floats(madd(f32x4_splat(factor), vector(a), vector(b)))
}

#[inline(always)]
fn vector(floats: Vector) -> v128 {
    // SAFETY: four floats are a vector, whatever they are.
    unsafe { core::mem::transmute::<Vector, v128>(floats) }
}

#[inline(always)]
fn floats(vector: v128) -> Vector {
    // SAFETY: a vector is four floats.
    unsafe { core::mem::transmute::<v128, Vector>(vector) }
}

#[inline(always)]
pub(super) fn decode_f16_x4<const UPPER: bool>(halves: &Halves) -> Vector {
    // SAFETY: four words are a vector, whatever they are.
    let words = unsafe { core::mem::transmute::<[u32; 4], v128>(halves.0) };
    let words = if UPPER { words } else { i32x4_shl(words, 16) };
    let bits = v128_and(i32x4_shr(words, 3), u32x4_splat(FLOAT_BITS));
    floats(f32x4_mul(bits, f32x4_splat(F16_FACTOR)))
}

#[inline(always)]
pub(super) fn gemm_f32_rx8<const R: usize>(
    input: &[f32],
    rows: &[usize; R],
    runs: Runs,
    panel: &[[f32; LANES]],
    tile: &mut Tile<R>,
) {
    let mut weights = panel.as_ptr();
    // SAFETY: eight floats are two vectors.
    let mut sums = unsafe { core::mem::transmute_copy::<Tile<R>, [[v128; 2]; R]>(tile) };
    for run in 0..runs.count {
        // SAFETY: `Runs::check` has asserted that every row has `count` runs of `length` floats
        // `stride` apart, and that the panel has a row for each of them.
        unsafe {
            let mut values = [input.as_ptr(); R];
            for (value, row) in values.iter_mut().zip(rows) {
                *value = value.add(row + run * runs.stride);
            }
            run_f32_rx8(values, runs.length, weights, &mut sums);
            weights = weights.add(runs.length);
        }
    }
    // SAFETY: two vectors are eight floats.
    *tile = unsafe { core::mem::transmute_copy(&sums) };
}

/// Adds one run.
///
/// # Safety
/// Each of `values` points to `length` floats, and `weights` to as many rows of a panel.
#[inline(always)]
unsafe fn run_f32_rx8<const R: usize>(
    mut values: [*const f32; R],
    length: usize,
    mut weights: *const [f32; LANES],
    sums: &mut [[v128; 2]; R],
) {
    let mut left = length;
    if left == 0 {
        return;
    }
    loop {
        macro_rules! steps {
            ($($k:literal)*) => { $(
                // SAFETY: more than `$k` steps are left, and a vector may lie at any address.
                unsafe {
                    let b0 = v128_load(weights.add($k).cast());
                    let b1 = v128_load(weights.add($k).cast::<Vector>().add(1).cast());
                    for (value, sums) in values.iter().zip(&mut *sums) {
                        let x = v128_load32_splat(value.add($k).cast());
                        sums[0] = madd(x, b0, sums[0]);
                        sums[1] = madd(x, b1, sums[1]);
                    }
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
                *value = value.add(UNROLLED);
            }
        }
    }
}

/// Steps in one round of the loop.
const UNROLLED: usize = 8;
