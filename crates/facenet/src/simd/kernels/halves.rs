//! Weights as they stay in memory: 16-bit floats.

use super::{LANES, Vector, WIDTH, chosen};

/// A row of a panel: [`LANES`] float16 without subnormals, infinities and NaNs. Word `j` has
/// column `j` in its lower half and column `j + 4` in its upper one. So shifts are enough to decode
/// it to two vectors of floats; no number changes its lane.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(16))]
pub(in crate::simd) struct Halves(pub(super) [u32; WIDTH]);

impl Halves {
    /// The float16 of a column.
    #[cfg(any(test, feature = "kernel-tests"))]
    pub(in crate::simd) fn get(&self, column: usize) -> u16 {
        (self.0[column % WIDTH] >> (column / WIDTH * 16)) as u16
    }

    /// Sets the float16 of a column.
    pub(in crate::simd) fn set(&mut self, column: usize, half: u16) {
        let shift = column / WIDTH * 16;
        let word = &mut self.0[column % WIDTH];
        *word = *word & !(0xffff << shift) | u32::from(half) << shift;
    }

    /// Columns 0 to 3, or 4 to 7 when `UPPER`, as float32.
    #[inline(always)]
    pub(in crate::simd) fn decode<const UPPER: bool>(&self) -> Vector {
        chosen::decode_f16_x4::<UPPER>(self)
    }
}

/// Decodes some rows.
///
/// # Panics
/// When the lengths differ.
pub(in crate::simd) fn decode_f16(source: &[Halves], target: &mut [[f32; LANES]]) {
    assert_eq!(source.len(), target.len());
    let (sources, source_rest) = source.as_chunks::<4>();
    let (targets, target_rest) = target.as_chunks_mut::<4>();
    for (source, target) in sources.iter().zip(targets) {
        for (source, target) in source.iter().zip(target) {
            let (halves, _) = target.as_chunks_mut();
            (halves[0], halves[1]) = (source.decode::<false>(), source.decode::<true>());
        }
    }
    for (source, target) in source_rest.iter().zip(target_rest) {
        let (halves, _) = target.as_chunks_mut();
        (halves[0], halves[1]) = (source.decode::<false>(), source.decode::<true>());
    }
}

/// Where sign, exponent and mantissa of a float16 in the upper half of a word are, after the word
/// was shifted right by three: in the places where a float32 has its own.
pub(super) const FLOAT_BITS: u32 = 0x8fff_e000;

/// 2^(127 - 15), the difference of the exponents' biases.
pub(super) const F16_FACTOR: f32 = f32::from_bits((127 + 112) << 23);

/// The float16 in the upper half of a word.
#[inline(always)]
pub(super) fn float(word: u32) -> f32 {
    f32::from_bits((word as i32 >> 3) as u32 & FLOAT_BITS) * F16_FACTOR
}

/// The value of a finite float16 that is not subnormal.
pub(in crate::simd) fn f16_to_f32(half: u16) -> f32 {
    float(u32::from(half) << 16)
}
