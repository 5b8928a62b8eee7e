//! The kernels over arrays of eight numbers, which compilers turn into vector instructions. On
//! x86-64 they are compiled for any processor, and for those with AVX2 and FMA, in 2026 nearly all.
//! The one for bytes is written in AVX2 there, because compilers do not find its instructions, and
//! in AVX-VNNI. Each call checks which one runs, by a load and a branch.
#![expect(unsafe_code, reason = "calls of functions compiled for a processor's features")]

use super::bytes::{ABSOLUTE, ROUNDED, whole};
use super::halves::{Halves, float};
use super::{LANES, QUAD, Quads, Runs, Sums, Tile, Vector};

#[inline(always)]
pub(super) fn madd_f32_x4(factor: f32, a: Vector, b: Vector) -> Vector {
    std::array::from_fn(|i| factor.mul_add(a[i], b[i]))
}

/// Without FMA each multiply-add is a slow call, but gives the same bits.
#[inline(always)]
pub(super) fn fused<T>(run: impl FnOnce() -> T) -> T {
    #[cfg(target_arch = "x86_64")]
    if avx2::is_available() {
        // SAFETY: the processor has the features that the function is compiled for.
        return unsafe { avx2::fused(run) };
    }
    run()
}

#[inline(always)]
pub(super) fn decode_f16_x4<const UPPER: bool>(halves: &Halves) -> Vector {
    halves.0.map(|word| float(if UPPER { word } else { word << 16 }))
}

/// The body of `gemm_f32_rx8`. The caller passes the multiply-add that is fast on its processor.
#[inline(always)]
fn gemm<const R: usize>(
    input: &[f32],
    rows: &[usize; R],
    runs: Runs,
    panel: &[[f32; LANES]],
    tile: &mut Tile<R>,
    madd: impl Fn(f32, f32, f32) -> f32,
) {
    let mut sums = *tile;
    for run in 0..runs.count {
        let start = run * runs.stride;
        let rows = rows.map(|row| &input[row + start..][..runs.length]);
        let panel = &panel[run * runs.length..][..runs.length];
        for (k, weights) in panel.iter().enumerate() {
            for (row, sums) in rows.iter().zip(&mut sums) {
                let value = row[k];
                for (sum, &weight) in sums.iter_mut().zip(weights) {
                    *sum = madd(value, weight, *sum);
                }
            }
        }
    }
    *tile = sums;
}

/// The body of `gemm_i8_rx8` for any processor.
fn gemm_bytes<const R: usize>(
    input: &[u8],
    rows: &[usize; R],
    runs: Runs,
    panel: &[Quads],
    tile: &mut Sums<R>,
) {
    for run in 0..runs.count {
        let panel = &panel[run * runs.length / QUAD..][..runs.length / QUAD];
        for (&row, sums) in rows.iter().zip(&mut *tile) {
            let (quads, _) = input[row + run * runs.stride..][..runs.length].as_chunks::<QUAD>();
            for (quad, Quads(weights)) in quads.iter().zip(panel) {
                for (sum, weights) in sums.iter_mut().zip(weights) {
                    let products = quad.iter().zip(weights);
                    *sum += products.map(|(&a, &b)| i32::from(a) * i32::from(b)).sum::<i32>();
                }
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod bytes;

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use super::{LANES, Runs, Tile};

    pub(super) fn is_available() -> bool {
        is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
    }

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn fused<T>(run: impl FnOnce() -> T) -> T {
        run()
    }

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn gemm_f32_rx8<const R: usize>(
        input: &[f32],
        rows: &[usize; R],
        runs: Runs,
        panel: &[[f32; LANES]],
        tile: &mut Tile<R>,
    ) {
        super::gemm(input, rows, runs, panel, tile, f32::mul_add);
    }
}

pub(super) fn gemm_f32_rx8<const R: usize>(
    input: &[f32],
    rows: &[usize; R],
    runs: Runs,
    panel: &[[f32; LANES]],
    tile: &mut Tile<R>,
) {
    #[cfg(target_arch = "x86_64")]
    if avx2::is_available() {
        // SAFETY: the processor has the features that the function is compiled for.
        return unsafe { avx2::gemm_f32_rx8(input, rows, runs, panel, tile) };
    }
    // `f32::mul_add` is a slow call on processors without FMA, so this is not fused. That costs
    // AArch64 something, which has it.
    gemm(input, rows, runs, panel, tile, |value, weight, sum| value * weight + sum);
}

/// Rows in a full tile of bytes.
pub(super) fn byte_rows() -> usize {
    6
}

pub(super) fn gemm_i8_rx8<const R: usize>(
    input: &[u8],
    rows: &[usize; R],
    runs: Runs,
    panel: &[Quads],
    tile: &mut Sums<R>,
) {
    #[cfg(target_arch = "x86_64")]
    if bytes::gemm_i8_rx8(input, rows, runs, panel, tile) {
        return;
    }
    gemm_bytes(input, rows, runs, panel, tile);
}

pub(super) fn largest_bits(numbers: &[[f32; ROUNDED]]) -> u32 {
    let mut largest = [0; ROUNDED];
    for numbers in numbers {
        for (largest, number) in largest.iter_mut().zip(numbers) {
            *largest = (number.to_bits() & ABSOLUTE).max(*largest);
        }
    }
    largest.into_iter().fold(0, u32::max)
}

pub(super) fn round_bytes(
    source: &[[f32; ROUNDED]],
    factor: f32,
    target: &mut [[u8; ROUNDED]],
) -> i32 {
    let mut sums = [0; ROUNDED];
    for (source, target) in source.iter().zip(target) {
        for ((&source, target), sum) in source.iter().zip(target).zip(&mut sums) {
            let whole = whole(source, factor);
            *sum += whole;
            *target = whole as u8;
        }
    }
    sums.iter().sum()
}
