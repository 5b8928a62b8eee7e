//! The most multiply-accumulates that the machine can do in WebAssembly: a loop of nothing else.

use core::arch::wasm32::{f32x4_add, f32x4_extract_lane, f32x4_splat, v128};

/// Sums that do not depend on each other. They are more than the processor has multiply-adds under
/// way, and together with the two factors not more than V8 has registers for.
const SUMS: usize = 12;

/// Multiply-adds of one sum in a round of the loop.
const UNROLLED: usize = 16;

/// Multiply-accumulates in a round: four in each vector.
const MACS: u32 = (SUMS * UNROLLED * 4) as u32;

/// `a * b + c` as the engine's kernels do it.
#[inline(always)]
fn madd(a: v128, b: v128, c: v128) -> v128 {
    #[cfg(target_feature = "relaxed-simd")]
    return core::arch::wasm32::f32x4_relaxed_madd(a, b, c);
    #[cfg(not(target_feature = "relaxed-simd"))]
    return f32x4_add(core::arch::wasm32::f32x4_mul(a, b), c);
}

/// Multiply-accumulates in a round of [`peak`].
#[unsafe(no_mangle)]
pub(crate) extern "C" fn peak_macs() -> u32 {
    MACS
}

/// Does so many rounds. The result depends on each of them, so the compiler can leave none out.
/// With a factor below 1 it tends to `offset / (1 - factor)`.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn peak(rounds: u32, factor: f32, offset: f32) -> f32 {
    let (factor, offset) = (f32x4_splat(factor), f32x4_splat(offset));
    let mut sums: [v128; SUMS] = std::array::from_fn(|sum| f32x4_splat(sum as f32));
    for _ in 0..rounds {
        for _ in 0..UNROLLED {
            for sum in &mut sums {
                *sum = madd(*sum, factor, offset);
            }
        }
    }
    let total = sums.into_iter().reduce(|total, sum| f32x4_add(total, sum));
    total.map_or(0.0, |total| f32x4_extract_lane::<0>(total))
}
