//! Every kernel against its scalar twin, with guards around what it may read and write.

#![expect(clippy::float_cmp, reason = "decoding is exact")]

use super::{LANES, ROWS, Runs, scalar};
use crate::simd::weights::f16_to_f32;

/// Numbers that look random and are the same everywhere.
pub(in crate::simd) struct Numbers(u64);

impl Numbers {
    pub(in crate::simd) fn new(seed: usize) -> Self {
        Self(seed as u64 * 2 + 1)
    }

    pub(in crate::simd) fn bits(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_041);
        (self.0 >> 33) as u32
    }

    /// From -1 to 1.
    pub(in crate::simd) fn float(&mut self) -> f32 {
        self.bits() as f32 / (1_u32 << 30) as f32 - 1.0
    }

    pub(in crate::simd) fn floats(&mut self, len: usize) -> Vec<f32> {
        (0..len).map(|_| self.float()).collect()
    }

    /// A finite float16 that is not subnormal.
    pub(in crate::simd) fn half(&mut self) -> u16 {
        let bits = self.bits() as u16;
        if (0x0400..0x7c00).contains(&(bits & 0x7fff)) { bits } else { bits & 0x8000 }
    }
}

/// Zero, one, around the unrolling, the real depths' remainders and primes.
const LENGTHS: [usize; 13] = [0, 1, 3, 4, 7, 8, 9, 12, 16, 31, 96, 127, 1792];

/// NaNs before and after the numbers: whoever reads one, or writes one over, is found out.
const GUARD: usize = 19;

/// `numbers` at an odd place between guards.
fn guarded(numbers: &[f32]) -> Vec<f32> {
    [&[f32::NAN; GUARD], numbers, &[f32::NAN; GUARD]].concat()
}

#[track_caller]
fn check_guards(guarded: &[f32], len: usize) {
    let (before, after) = (&guarded[..GUARD], &guarded[GUARD + len..]);
    assert!(before.iter().chain(after).all(|guard| guard.is_nan()), "written outside");
}

#[track_caller]
fn check_gemm<const R: usize>(runs: Runs) {
    let mut numbers = Numbers::new(runs.depth() * R);
    // Rows overlap, as those of neighbouring pixels do.
    let rows = std::array::from_fn(|row| row * 3);
    let input = numbers.floats((R - 1) * 3 + runs.span());
    let panel = numbers.floats(runs.depth() * LANES);
    let (wide_input, wide_panel) = (guarded(&input), guarded(&panel));
    let actual = super::gemm_f32_rx8::<R>(
        &wide_input[GUARD..GUARD + input.len()],
        &rows,
        runs,
        &wide_panel[GUARD..GUARD + panel.len()],
        &[0; 100],
    );
    let expected = scalar::gemm_f32_rx8::<R>(&input, &rows, runs, &panel);
    let tolerance = 1e-5 * runs.depth().max(1) as f32;
    for (actual, expected) in actual.as_flattened().iter().zip(expected.as_flattened()) {
        assert!((actual - expected).abs() <= tolerance, "{R} rows, {runs:?}: {actual}, {expected}");
    }
}

pub(in crate::simd) fn gemm_f32_rx8_is_as_its_twin() {
    const { assert!(ROWS <= 6, "all heights of a tile are tested") };
    for length in LENGTHS {
        for (count, stride) in [(0, 0), (1, 0), (3, length + 5), (7, length)] {
            let runs = Runs { count, stride, length };
            check_gemm::<1>(runs);
            check_gemm::<2>(runs);
            check_gemm::<3>(runs);
            check_gemm::<4>(runs);
            check_gemm::<5>(runs);
            check_gemm::<6>(runs);
        }
    }
}

#[track_caller]
fn check_gemm_f16<const R: usize>(runs: Runs) {
    let mut numbers = Numbers::new(runs.depth() + R);
    let rows = std::array::from_fn(|row| row * 5);
    let input = numbers.floats((R - 1) * 5 + runs.span());
    let wide_input = guarded(&input);
    let input_inside = &wide_input[GUARD..GUARD + input.len()];
    // Small numbers, between halves that would be noticed.
    let mut panel = vec![0x7bff; GUARD];
    panel.extend((0..runs.depth() * LANES).map(|_| numbers.half() & 0xbbff));
    let inside = GUARD..panel.len();
    panel.extend([0x7bff; GUARD]);
    let tolerance = 1e-5 * runs.depth().max(1) as f32;
    for half in [0, 4] {
        let panel = &panel[inside.clone()];
        let actual = super::gemm_f16_rx4::<R>(input_inside, &rows, runs, panel, half, &[0; 50]);
        let expected = scalar::gemm_f16_rx4::<R>(&input, &rows, runs, panel, half);
        for (actual, expected) in actual.as_flattened().iter().zip(expected.as_flattened()) {
            let difference = (actual - expected).abs();
            assert!(difference <= tolerance, "{R} rows, {runs:?}: {actual}, {expected}");
        }
    }
}

pub(in crate::simd) fn gemm_f16_rx4_is_as_its_twin() {
    for length in LENGTHS {
        for (count, stride) in [(0, 0), (1, 0), (3, length + 5), (7, length)] {
            let runs = Runs { count, stride, length };
            check_gemm_f16::<1>(runs);
            check_gemm_f16::<9>(runs);
        }
    }
}

pub(in crate::simd) fn madd_f32_x4_is_as_its_twin() {
    let mut numbers = Numbers::new(4);
    for _ in 0..100 {
        let [factor, a, b] = [0; 3].map(|_| numbers.float());
        let other = numbers.float();
        let (a, b) = ([a, other, 0.0, 1.0], [b, 1.0, a, other]);
        let actual = super::madd(factor, a, b);
        let expected = scalar::madd_f32_x4(factor, a, b);
        for (actual, expected) in actual.into_iter().zip(expected) {
            assert!((actual - expected).abs() <= 1e-6, "{actual}, {expected}");
        }
    }
}

pub(in crate::simd) fn decode_f16_is_as_its_twin() {
    for length in LENGTHS {
        let mut numbers = Numbers::new(length);
        let halves: Vec<u16> = (0..=length).map(|_| numbers.half()).collect();
        let mut expected = vec![0.0; length];
        scalar::decode_f16(&halves[1..], &mut expected);
        let mut actual = guarded(&vec![0.0; length]);
        super::decode_f16(&halves[1..], &mut actual[GUARD..GUARD + length]);
        assert_eq!(actual[GUARD..GUARD + length], expected);
        check_guards(&actual, length);
    }
}

pub(in crate::simd) fn decoded_f16_is_what_the_format_says() {
    let values = [(0x3c00, 1.0), (0xc000, -2.0), (0x7bff, 65504.0), (0x0400, 6.103_515_6e-5)];
    for (half, value) in values {
        assert_eq!(f16_to_f32(half), value);
    }
    assert_eq!(f16_to_f32(0x8000).to_bits(), (-0.0_f32).to_bits());
}
