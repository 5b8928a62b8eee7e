//! The kernels as plain loops, which define what they compute. The other implementations are
//! tested against these.

use super::{Halves, LANES, Runs, Tile, Vector, WIDTH};

pub(super) fn madd_f32_x4(factor: f32, a: Vector, b: Vector) -> Vector {
    std::array::from_fn(|lane| factor * a[lane] + b[lane])
}

pub(super) fn gemm_f32_rx8<const R: usize>(
    input: &[f32],
    rows: &[usize; R],
    runs: Runs,
    panel: &[[f32; LANES]],
    tile: &mut Tile<R>,
) {
    let mut depth = 0;
    for run in 0..runs.count {
        for k in 0..runs.length {
            for (&row, sums) in rows.iter().zip(&mut *tile) {
                for (lane, sum) in sums.iter_mut().enumerate() {
                    *sum += input[row + run * runs.stride + k] * panel[depth][lane];
                }
            }
            depth += 1;
        }
    }
}

pub(super) fn decode_f16_x4<const UPPER: bool>(halves: &Halves) -> Vector {
    std::array::from_fn(|lane| f16_to_f32(halves.get(if UPPER { lane + WIDTH } else { lane })))
}

/// A finite float16 by its definition. (Two to the power of its exponent is exact.)
pub(super) fn f16_to_f32(half: u16) -> f32 {
    let [sign, exponent, mantissa] = [half >> 15, half >> 10 & 0x1f, half & 0x3ff].map(i32::from);
    if exponent == 0 {
        return if sign == 1 { -0.0 } else { 0.0 };
    }
    let value = (1.0 + mantissa as f32 / 1024.0) * 2.0_f32.powi(exponent - 15);
    if sign == 1 { -value } else { value }
}
