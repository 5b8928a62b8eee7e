//! Every kernel against its scalar twin, with guards around what it may read and write.

#![expect(clippy::float_cmp, reason = "decoding and comparing are exact")]

mod bytes;

pub(in crate::simd) use bytes::{
    gemm_i8_rx8_is_as_its_twin, largest_bits_is_as_its_twin, no_sum_overflows,
    numbers_are_rounded_to_the_nearest_byte, round_bytes_is_as_its_twin,
    the_largest_is_noticed_anywhere,
};

use super::{Halves, LANES, ROWS, Runs, Tile, decode_f16, f16_to_f32, scalar, tiles};

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

/// NaNs before and after the numbers, to notice a kernel that reads or overwrites one.
const GUARD: usize = 19;

/// `numbers` between guards, at an odd index.
fn guarded(numbers: &[f32]) -> Vec<f32> {
    [&[f32::NAN; GUARD], numbers, &[f32::NAN; GUARD]].concat()
}

/// A row that no kernel may decode: its float16 are all NaN.
const FOREIGN: Halves = Halves([0x7e00_7e00; 4]);

fn rows_of_floats(numbers: &mut Numbers, len: usize) -> Vec<[f32; LANES]> {
    (0..len).map(|_| [0; LANES].map(|_| numbers.float())).collect()
}

#[track_caller]
fn check_gemm<const R: usize>(runs: Runs) {
    let mut numbers = Numbers::new(runs.depth() * R);
    // Rows overlap, as those of neighbouring pixels do.
    let rows = std::array::from_fn(|row| row * 3);
    let input = guarded(&numbers.floats((R - 1) * 3 + runs.span()));
    let input = &input[GUARD..input.len() - GUARD];
    let mut panel = vec![[f32::NAN; LANES]];
    panel.extend(rows_of_floats(&mut numbers, runs.depth()));
    panel.push([f32::NAN; LANES]);
    let panel = &panel[1..=runs.depth()];
    let before: Tile<R> = [0; R].map(|_| [0; LANES].map(|_| numbers.float()));
    let (mut actual, mut expected) = (before, before);
    super::gemm_f32_rx8(input, &rows, runs, panel, &mut actual);
    scalar::gemm_f32_rx8(input, &rows, runs, panel, &mut expected);
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

pub(in crate::simd) fn decode_f16_x4_is_as_its_twin() {
    for length in LENGTHS {
        let mut numbers = Numbers::new(length);
        let mut halves = vec![[0; LANES]; length];
        let mut source = vec![FOREIGN; length + 2];
        for (halves, row) in halves.iter_mut().zip(&mut source[1..=length]) {
            for (column, half) in halves.iter_mut().enumerate() {
                *half = numbers.half();
                row.set(column, *half);
            }
        }
        let mut target = vec![[f32::NAN; LANES]; length + 2];
        decode_f16(&source[1..=length], &mut target[1..=length]);
        for ((row, floats), halves) in source[1..=length].iter().zip(&target[1..]).zip(&halves) {
            assert_eq!(*halves, std::array::from_fn(|column| row.get(column)));
            let twins = [scalar::decode_f16_x4::<false>(row), scalar::decode_f16_x4::<true>(row)];
            assert_eq!(*floats, twins.as_flattened());
        }
        for guard in [target[0], target[length + 1]] {
            assert!(guard.iter().all(|number| number.is_nan()), "written outside");
        }
    }
}

pub(in crate::simd) fn decoded_f16_is_what_the_format_says() {
    let values = [(0x3c00, 1.0), (0xc000, -2.0), (0x7bff, 65504.0), (0x0400, 6.103_515_6e-5)];
    for (half, value) in values {
        assert_eq!(f16_to_f32(half), value);
    }
    for half in (0..0x8000_u16).filter(|half| matches!(half, 0 | 0x0400..0x7c00)) {
        for half in [half, half | 0x8000] {
            assert_eq!(f16_to_f32(half).to_bits(), scalar::f16_to_f32(half).to_bits());
        }
    }
}

pub(in crate::simd) fn rows_are_cut_evenly() {
    for count in 0..40 {
        let tiles: Vec<_> = tiles(7..7 + count).collect();
        assert_eq!(tiles.len(), count.div_ceil(ROWS));
        assert!(tiles.iter().flat_map(Clone::clone).eq(7..7 + count), "each row once");
        let sizes = || tiles.iter().map(ExactSizeIterator::len);
        assert!(sizes().max().unwrap_or(1) <= sizes().min().unwrap_or(1) + 1, "{tiles:?}");
    }
}
