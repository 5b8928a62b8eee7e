//! What the kernels compute, as plainly as it can be said. The other implementations are tested
//! against these.

use super::{Runs, Tile, Vector};
use crate::simd::weights::f16_to_f32;

pub(super) fn madd_f32_x4(factor: f32, a: Vector, b: Vector) -> Vector {
    std::array::from_fn(|lane| factor * a[lane] + b[lane])
}

pub(super) fn gemm_f32_rx8<const R: usize>(
    input: &[f32],
    rows: &[usize; R],
    runs: Runs,
    panel: &[f32],
) -> Tile<R> {
    let mut tile = [[0.0; super::LANES]; R];
    let mut depth = 0;
    for run in 0..runs.count {
        for k in 0..runs.length {
            for (&row, sums) in rows.iter().zip(&mut tile) {
                for (lane, sum) in sums.iter_mut().enumerate() {
                    *sum += input[row + run * runs.stride + k] * panel[depth * super::LANES + lane];
                }
            }
            depth += 1;
        }
    }
    tile
}

pub(super) fn gemm_f16_rx4<const R: usize>(
    input: &[f32],
    rows: &[usize; R],
    runs: Runs,
    panel: &[u16],
    half: usize,
) -> [Vector; R] {
    let mut decoded = vec![0.0; panel.len()];
    decode_f16(panel, &mut decoded);
    let tile = gemm_f32_rx8(input, rows, runs, &decoded);
    tile.map(|sums| std::array::from_fn(|lane| sums[half + lane]))
}

pub(super) fn decode_f16(source: &[u16], target: &mut [f32]) {
    for (&half, float) in source.iter().zip(target) {
        *float = f16_to_f32(half);
    }
}
