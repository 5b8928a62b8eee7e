//! The kernels as plain loops, which define what they compute. The other implementations are
//! tested against these.

use super::bytes::ROUNDED;
use super::{Halves, LANES, QUAD, Quads, Runs, Sums, Tile, Vector, WIDTH};

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

pub(super) fn gemm_i8_rx8<const R: usize>(
    input: &[u8],
    rows: &[usize; R],
    runs: Runs,
    panel: &[Quads],
    tile: &mut Sums<R>,
) {
    for depth in 0..runs.depth() {
        let (run, k) = (depth / runs.length, depth % runs.length);
        for (&row, sums) in rows.iter().zip(&mut *tile) {
            let value = i32::from(input[row + run * runs.stride + k]);
            for (sum, weights) in sums.iter_mut().zip(&panel[depth / QUAD].0) {
                *sum += value * i32::from(weights[depth % QUAD]);
            }
        }
    }
}

pub(super) fn largest_bits(numbers: &[[f32; ROUNDED]]) -> u32 {
    let numbers = numbers.as_flattened().iter();
    numbers.map(|number| number.abs().to_bits()).max().unwrap_or_default()
}

pub(super) fn round_bytes(
    source: &[[f32; ROUNDED]],
    factor: f32,
    target: &mut [[u8; ROUNDED]],
) -> i32 {
    let mut sum = 0;
    for (&source, target) in source.as_flattened().iter().zip(target.as_flattened_mut()) {
        let whole = (source * factor).round_ties_even() as i32;
        sum += whole;
        *target = whole as u8;
    }
    sum
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
