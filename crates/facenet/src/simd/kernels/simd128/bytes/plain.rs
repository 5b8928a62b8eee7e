//! Without relaxed SIMD, bytes are extended to 16 bits, and a sum is kept in two halves.

use core::arch::wasm32::{
    i16x8_extend_low_u8x16, i16x8_load_extend_i8x8, i32x4, i32x4_add, i32x4_dot_i16x8,
    i32x4_shuffle, v128, v128_load32_splat,
};

use super::{Dot, LANES, Quads};

/// Vectors that hold the sums of one row.
const PARTS: usize = 4;

/// There is one way.
pub(super) type Usual = Halves;
pub(super) type Other = Halves;

pub(super) const fn is_other_faster() -> bool {
    false
}

/// Part `p` has the sums of the channels `2p` and `2p + 1`, each as that of the first two numbers
/// of a quad and that of the others.
pub(super) struct Halves;

impl Dot for Halves {
    /// More would not fit into the registers.
    const ROWS: usize = 3;

    type Sums = [v128; PARTS];

    #[inline(always)]
    fn split(sums: [i32; LANES]) -> [v128; PARTS] {
        std::array::from_fn(|part| i32x4(sums[2 * part], 0, sums[2 * part + 1], 0))
    }

    #[inline(always)]
    fn join(parts: [v128; PARTS]) -> [i32; LANES] {
        let pair = |low, high| {
            let first = i32x4_shuffle::<0, 2, 4, 6>(low, high);
            i32x4_add(first, i32x4_shuffle::<1, 3, 5, 7>(low, high))
        };
        let [a, b, c, d] = parts;
        // SAFETY: two vectors are eight integers.
        unsafe { core::mem::transmute([pair(a, b), pair(c, d)]) }
    }

    #[inline(always)]
    unsafe fn step<const R: usize>(
        values: [*const u8; R],
        weights: *const Quads,
        sums: &mut [[v128; PARTS]; R],
    ) {
        // SAFETY: what the caller promises; a vector may lie at any address.
        let values =
            values.map(|value| unsafe { i16x8_extend_low_u8x16(v128_load32_splat(value.cast())) });
        for part in 0..PARTS {
            // SAFETY: as above.
            let b = unsafe { i16x8_load_extend_i8x8(weights.cast::<i8>().add(part * 8)) };
            for (&value, sums) in values.iter().zip(&mut *sums) {
                sums[part] = i32x4_add(sums[part], i32x4_dot_i16x8(value, b));
            }
        }
    }
}
