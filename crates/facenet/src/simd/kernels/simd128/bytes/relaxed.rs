//! Relaxed SIMD has a dot product of bytes, [`Whole`]. Processors with AVX-VNNI, or with Arm's dot
//! product, compute it in one instruction. For others V8 makes it of two instructions, and makes a
//! vector of ones for the second one each time. [`Pairs`] is the same with the ones made once, so
//! an embedding takes 0.89 of the time (Zen 4, V8 13.6, 2026-11).

use core::arch::wasm32::{
    f32x4_extract_lane, f32x4_relaxed_madd, f32x4_splat, i8x16_splat,
    i16x8_relaxed_dot_i8x16_i7x16, i16x8_splat, i32x4_add, i32x4_dot_i16x8, i32x4_extract_lane,
    i32x4_relaxed_dot_i8x16_i7x16_add, i32x4_splat, v128, v128_load, v128_load32_splat,
};
use core::hint::black_box;
use std::sync::OnceLock;

use super::{Dot, LANES, Quads};

pub(super) type Usual = Whole;
pub(super) type Other = Pairs;

/// Whether [`Pairs`] is faster than [`Whole`] here. Relaxed instructions show what they are made of
/// by results that WebAssembly leaves open.
pub(super) fn is_other_faster() -> bool {
    static BY_PAIRS: OnceLock<bool> = OnceLock::new();
    *BY_PAIRS.get_or_init(|| {
        // Only where pairs are added in 16 bits does their sum end at the greatest such number.
        // (For values above 127, which the kernel never has.)
        let (weights, values) = black_box((i8x16_splat(i8::MAX), i8x16_splat(-1)));
        let sum = i32x4_relaxed_dot_i8x16_i7x16_add(weights, values, i32x4_splat(0));
        let is_made_of_pairs = i32x4_extract_lane::<0>(sum) == 2 * i32::from(i16::MAX);
        // V8 13.6 adds pairs wrongly on processors without AVX. Those have no fused multiply-add,
        // which does not round the product: 1 + 2^-11 + 2^-24.
        let (factor, product) = black_box((1.0 + 1.0 / 4096.0, 1.0 + 1.0 / 2048.0));
        let factor = f32x4_splat(factor);
        let rest = f32x4_relaxed_madd(factor, factor, f32x4_splat(-product));
        is_made_of_pairs && f32x4_extract_lane::<0>(rest) > 0.0
    })
}

/// One instruction of WebAssembly for the products of a quad, or two steps.
pub(super) struct Relaxed<const PAIRS: bool>;
type Whole = Relaxed<false>;
type Pairs = Relaxed<true>;

impl<const PAIRS: bool> Relaxed<PAIRS> {
    /// Adds the products of a quad for four channels.
    #[inline(always)]
    fn add(sum: &mut v128, weights: v128, values: v128) {
        *sum = if PAIRS {
            // 16 bits hold the sum of two products (`kernels::bytes`).
            let pairs = i16x8_relaxed_dot_i8x16_i7x16(weights, values);
            i32x4_add(i32x4_dot_i16x8(pairs, i16x8_splat(1)), *sum)
        } else {
            i32x4_relaxed_dot_i8x16_i7x16_add(weights, values, *sum)
        };
    }
}

impl<const PAIRS: bool> Dot for Relaxed<PAIRS> {
    /// Six, as for floats. Two steps need two more registers: four rows take as long as five, and
    /// 1 % less than six.
    const ROWS: usize = if PAIRS { 4 } else { 6 };

    type Sums = [v128; 2];

    #[inline(always)]
    fn split(sums: [i32; LANES]) -> [v128; 2] {
        // SAFETY: eight integers are two vectors.
        unsafe { core::mem::transmute(sums) }
    }

    #[inline(always)]
    fn join(sums: [v128; 2]) -> [i32; LANES] {
        // SAFETY: two vectors are eight integers.
        unsafe { core::mem::transmute(sums) }
    }

    #[inline(always)]
    unsafe fn step<const R: usize>(
        values: [*const u8; R],
        weights: *const Quads,
        sums: &mut [[v128; 2]; R],
    ) {
        // SAFETY: what the caller promises; a vector may lie at any address.
        unsafe {
            let b0 = v128_load(weights.cast());
            let b1 = v128_load(weights.cast::<v128>().add(1));
            for (value, sums) in values.into_iter().zip(sums) {
                let x = v128_load32_splat(value.cast());
                Self::add(&mut sums[0], b0, x);
                Self::add(&mut sums[1], b1, x);
            }
        }
    }
}
