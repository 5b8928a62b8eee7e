//! The kernels in WebAssembly's 128-bit vectors.
//!
//! ```text
//! gemm_f32_rx8: for each run, for each k:
//!     b0, b1 = panel[k]                                   two loads
//!     for each row r: x = broadcast row[r][k]             one load
//!         sum[r] += (x * b0, x * b1)                      two multiply-adds
//! ```
//!
//! What makes it fast is the order of the instructions, which V8 keeps: a broadcast lives for two
//! multiply-adds and everything fits into 15 registers. LLVM's WebAssembly back end moves each
//! multiply-add down to the next of its sum as long as both are in one basic block, and then all
//! broadcasts are alive at once and V8 spills. So each step of the unrolled loop ends in a
//! conditional exit, which is its own basic block (30.9 GMAC/s where the peak is 32.5; 8 to 23
//! without, 16 for the loop that is not unrolled; Zen 5, V8 13.6, 2026-11).
#![expect(unsafe_code, reason = "loads and stores of vectors through pointers")]

use core::arch::wasm32::{
    f32x4_mul, f32x4_splat, i32x4_load_extend_i16x4, i32x4_shl, i32x4_splat, v128, v128_and,
    v128_load, v128_load32_splat, v128_store,
};

use super::{LANES, Runs, Tile, Vector};
use crate::simd::weights::F16_FACTOR;

/// `a * b + c`, the engine's only one in WebAssembly.
#[inline(always)]
fn madd(a: v128, b: v128, c: v128) -> v128 {
    #[cfg(target_feature = "relaxed-simd")]
    return core::arch::wasm32::f32x4_relaxed_madd(a, b, c);
    #[cfg(not(target_feature = "relaxed-simd"))]
    return core::arch::wasm32::f32x4_add(f32x4_mul(a, b), c);
}

#[inline(always)]
pub(super) fn madd_f32_x4(factor: f32, a: Vector, b: Vector) -> Vector {
    // SAFETY: four floats are a vector, whatever they are.
    let [a, b] = [a, b].map(|vector| unsafe { core::mem::transmute::<Vector, v128>(vector) });
    let sum = madd(f32x4_splat(factor), a, b);
    // SAFETY: and a vector is four floats.
    unsafe { core::mem::transmute::<v128, Vector>(sum) }
}

#[inline(always)]
pub(super) fn gemm_f32_rx8<const R: usize>(
    input: &[f32],
    rows: &[usize; R],
    runs: Runs,
    panel: &[f32],
    ahead: &[u16],
) -> Tile<R> {
    let mut sums = [[f32x4_splat(0.0); 2]; R];
    let mut weights = panel.as_ptr();
    let mut ahead = Ahead::new(ahead, runs.count * runs.length.div_ceil(UNROLLED));
    for run in 0..runs.count {
        // SAFETY: `Runs::check` has asserted that every row has `count` runs of `length` floats
        // `stride` apart, and that the panel has `LANES` floats for each of them.
        unsafe {
            let mut values = [input.as_ptr(); R];
            for (value, row) in values.iter_mut().zip(rows) {
                *value = value.add(row + run * runs.stride);
            }
            run_f32_rx8(values, runs.length, weights, &mut ahead, &mut sums);
            weights = weights.add(runs.length * LANES);
        }
    }
    // SAFETY: two vectors are eight floats.
    unsafe { core::mem::transmute_copy(&sums) }
}

#[inline(always)]
pub(super) fn gemm_f16_rx4<const R: usize>(
    input: &[f32],
    rows: &[usize; R],
    runs: Runs,
    weights: &[u16],
    ahead: &[u16],
) -> [Vector; R] {
    let mut ahead = Ahead::new(ahead, runs.count * runs.length.div_ceil(UNROLLED));
    let mut sums = [f32x4_splat(0.0); R];
    let mut weights = weights.as_ptr();
    for run in 0..runs.count {
        // SAFETY: `Runs::check` has asserted that every row has `count` runs of `length` floats
        // `stride` apart, and its caller that there are four weights in every `LANES` for each.
        unsafe {
            let mut values = [input.as_ptr(); R];
            for (value, row) in values.iter_mut().zip(rows) {
                *value = value.add(row + run * runs.stride);
            }
            run_f16_rx4(values, runs.length, weights, &mut ahead, &mut sums);
            weights = weights.add(runs.length * LANES);
        }
    }
    // SAFETY: a vector is four floats.
    unsafe { core::mem::transmute_copy(&sums) }
}

/// Adds one run, decoding the weights on the way.
///
/// # Safety
/// Each of `values` points to `length` floats, and `weights` to four of every `LANES` of
/// `length * LANES`.
#[inline(always)]
unsafe fn run_f16_rx4<const R: usize>(
    mut values: [*const f32; R],
    length: usize,
    mut weights: *const u16,
    ahead: &mut Ahead,
    sums: &mut [v128; R],
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
                    let b = decoded(i32x4_load_extend_i16x4(weights.add(LANES * $k).cast()));
                    for (value, sum) in values.iter().zip(&mut *sums) {
                        *sum = madd(v128_load32_splat(value.add($k).cast()), b, *sum);
                    }
                }
                if left == $k + 1 {
                    return;
                }
            )* };
        }
        // SAFETY: this comes once for every `UNROLLED` steps of each run, or less.
        unsafe { ahead.touch() };
        steps!(0 1 2 3 4 5 6 7);
        left -= UNROLLED;
        // SAFETY: more steps than these were left.
        unsafe {
            weights = weights.add(LANES * UNROLLED);
            for value in &mut values {
                *value = value.add(UNROLLED);
            }
        }
    }
}

/// Four float16, as numbers with their sign, as float32.
#[inline(always)]
fn decoded(halves: v128) -> v128 {
    let mask = i32x4_splat(0x8fff_ffff_u32 as i32);
    f32x4_mul(v128_and(i32x4_shl(halves, 13), mask), f32x4_splat(F16_FACTOR))
}

/// Steps in one round of the loop.
const UNROLLED: usize = 8;

/// What will be read soon, and is brought into the cache bit by bit. There is no instruction for
/// that, but a load whose result nobody waits for does the same.
struct Ahead {
    next: *const u16,
    step: usize,
}

impl Ahead {
    /// For `count` calls of [`touch`](Self::touch), spread over `source`.
    fn new(source: &[u16], count: usize) -> Self {
        let source = if source.is_empty() { &[0] } else { source };
        Self { next: source.as_ptr(), step: source.len() / count.max(1) }
    }

    /// # Safety
    /// Called at most as often as announced.
    #[inline(always)]
    unsafe fn touch(&mut self) {
        // SAFETY: the source is not empty, and the calls so far have moved on by less than all.
        unsafe {
            let _ = self.next.read_volatile();
            self.next = self.next.add(self.step);
        }
    }
}

/// Adds one run.
///
/// # Safety
/// Each of `values` points to `length` floats, and `weights` to `length * LANES`.
#[inline(always)]
unsafe fn run_f32_rx8<const R: usize>(
    mut values: [*const f32; R],
    length: usize,
    mut weights: *const f32,
    ahead: &mut Ahead,
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
                    let b0 = v128_load(weights.add(LANES * $k).cast());
                    let b1 = v128_load(weights.add(LANES * $k + 4).cast());
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
        // SAFETY: this comes once for every `UNROLLED` steps of each run, or less.
        unsafe { ahead.touch() };
        steps!(0 1 2 3 4 5 6 7);
        left -= UNROLLED;
        // SAFETY: more steps than these were left.
        unsafe {
            weights = weights.add(LANES * UNROLLED);
            for value in &mut values {
                *value = value.add(UNROLLED);
            }
        }
    }
}

#[inline(never)]
pub(super) fn decode_f16(source: &[u16], target: &mut [f32]) {
    let (sources, source_rest) = source.as_chunks::<16>();
    let (targets, target_rest) = target.as_chunks_mut::<16>();
    for (source, target) in sources.iter().zip(targets) {
        for at in [0, 4, 8, 12] {
            // SAFETY: the chunks are sixteen halves and floats, and may lie at any address.
            unsafe {
                let halves = i32x4_load_extend_i16x4(source.as_ptr().add(at).cast());
                v128_store(target.as_mut_ptr().add(at).cast(), decoded(halves));
            }
        }
    }
    for (&half, float) in source_rest.iter().zip(target_rest) {
        *float = crate::simd::weights::f16_to_f32(half);
    }
}
