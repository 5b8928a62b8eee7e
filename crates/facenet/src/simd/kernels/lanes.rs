//! The kernels over arrays of eight numbers, which compilers turn into vector instructions. On
//! x86-64 they are compiled twice: for any processor, and for those with AVX2 and FMA, in 2026
//! nearly all. Each call checks which one runs, by a load and a branch.
#![expect(unsafe_code, reason = "calls of functions compiled for a processor's features")]

use super::halves::{Halves, float};
use super::{LANES, Runs, Tile, Vector};

#[inline(always)]
pub(super) fn madd_f32_x4(factor: f32, a: Vector, b: Vector) -> Vector {
    std::array::from_fn(|i| factor * a[i] + b[i])
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

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use super::{LANES, Runs, Tile};

    pub(super) fn is_available() -> bool {
        is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
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
    _prefetch: &[Halves],
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
