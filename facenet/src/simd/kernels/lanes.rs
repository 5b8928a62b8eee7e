//! The kernels over arrays of eight numbers, which compilers turn into vector instructions. On
//! x86-64 they are compiled twice: for any processor, and for those with AVX2 and FMA (in 2026
//! nearly all), which is asked once per call: a load and a branch.
#![expect(unsafe_code, reason = "calls of functions compiled for a processor's features")]

use super::{LANES, Runs, Tile, Vector, WIDTH};
use crate::simd::weights::f16_to_f32;

/// The body of `gemm_f32_rx8`, with the multiply-add that is fast under the caller's features.
#[inline(always)]
fn gemm<const R: usize>(
    input: &[f32],
    rows: &[usize; R],
    runs: Runs,
    panel: &[f32],
    madd: impl Fn(f32, f32, f32) -> f32,
) -> Tile<R> {
    let (panel, _) = panel.as_chunks::<LANES>();
    let mut tile = [[0.0; LANES]; R];
    for run in 0..runs.count {
        let start = run * runs.stride;
        let rows = rows.map(|row| &input[row + start..][..runs.length]);
        let panel = &panel[run * runs.length..][..runs.length];
        for (k, weights) in panel.iter().enumerate() {
            for (row, sums) in rows.iter().zip(&mut tile) {
                let value = row[k];
                for (sum, &weight) in sums.iter_mut().zip(weights) {
                    *sum = madd(value, weight, *sum);
                }
            }
        }
    }
    tile
}

#[inline(always)]
fn decode(source: &[u16], target: &mut [f32]) {
    for (&half, float) in source.iter().zip(target) {
        *float = f16_to_f32(half);
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use super::{Runs, Tile, Vector};

    pub(super) fn is_available() -> bool {
        is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
    }

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn gemm_f32_rx8<const R: usize>(
        input: &[f32],
        rows: &[usize; R],
        runs: Runs,
        panel: &[f32],
    ) -> Tile<R> {
        super::gemm(input, rows, runs, panel, f32::mul_add)
    }

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn gemm_f16_rx4<const R: usize>(
        input: &[f32],
        rows: &[usize; R],
        runs: Runs,
        weights: &[u16],
    ) -> [Vector; R] {
        super::gemm_f16(input, rows, runs, weights, f32::mul_add)
    }

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn decode_f16(source: &[u16], target: &mut [f32]) {
        super::decode(source, target);
    }
}

#[inline(always)]
pub(super) fn madd_f32_x4(factor: f32, a: Vector, b: Vector) -> Vector {
    std::array::from_fn(|i| factor * a[i] + b[i])
}

pub(super) fn gemm_f32_rx8<const R: usize>(
    input: &[f32],
    rows: &[usize; R],
    runs: Runs,
    panel: &[f32],
    _ahead: &[u16],
) -> Tile<R> {
    #[cfg(target_arch = "x86_64")]
    if avx2::is_available() {
        // SAFETY: the processor has the features that the function is compiled for.
        return unsafe { avx2::gemm_f32_rx8(input, rows, runs, panel) };
    }
    // On AArch64 this is not fused: `mul_add` would be, but is a slow call where there is no FMA.
    gemm(input, rows, runs, panel, |value, weight, sum| value * weight + sum)
}

#[inline(always)]
fn gemm_f16<const R: usize>(
    input: &[f32],
    rows: &[usize; R],
    runs: Runs,
    weights: &[u16],
    madd: impl Fn(f32, f32, f32) -> f32,
) -> [Vector; R] {
    let mut tile = [[0.0; WIDTH]; R];
    let mut weights = weights.chunks(LANES);
    for run in 0..runs.count {
        let start = run * runs.stride;
        let rows = rows.map(|row| &input[row + start..][..runs.length]);
        for (k, weights) in (0..runs.length).zip(&mut weights) {
            let weights: &[u16; WIDTH] = weights.first_chunk().expect("four columns");
            let weights = weights.map(f16_to_f32);
            for (row, sums) in rows.iter().zip(&mut tile) {
                for (sum, weight) in sums.iter_mut().zip(weights) {
                    *sum = madd(row[k], weight, *sum);
                }
            }
        }
    }
    tile
}

pub(super) fn gemm_f16_rx4<const R: usize>(
    input: &[f32],
    rows: &[usize; R],
    runs: Runs,
    weights: &[u16],
    _ahead: &[u16],
) -> [Vector; R] {
    #[cfg(target_arch = "x86_64")]
    if avx2::is_available() {
        // SAFETY: as above.
        return unsafe { avx2::gemm_f16_rx4(input, rows, runs, weights) };
    }
    gemm_f16(input, rows, runs, weights, |value, weight, sum| value * weight + sum)
}

pub(super) fn decode_f16(source: &[u16], target: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    if avx2::is_available() {
        // SAFETY: as above.
        return unsafe { avx2::decode_f16(source, target) };
    }
    decode(source, target);
}
