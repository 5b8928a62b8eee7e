//! The kernels for bytes against their twins and definitions. Integers have to be equal.

use super::{GUARD, LENGTHS, Numbers};
use crate::simd::kernels::bytes::{BYTE_ROWS_MAX, DEPTH_MAX, ROUNDED};
use crate::simd::kernels::{
    LANES, QUAD, Quads, Runs, Sums, VALUE_MAX, chosen, gemm_i8_rx8, largest, round, scalar,
};

/// The bytes of a tile: any, or those that give the largest products.
#[derive(Clone, Copy, Debug)]
enum Bytes {
    Any,
    Least,
    Greatest,
}

impl Bytes {
    fn value(self, numbers: &mut Numbers) -> u8 {
        match self {
            Self::Any => (numbers.bits() as i32 & VALUE_MAX) as u8,
            Self::Least | Self::Greatest => VALUE_MAX as u8,
        }
    }

    fn weight(self, numbers: &mut Numbers) -> i8 {
        match self {
            Self::Any => numbers.bits() as i8,
            Self::Least => i8::MIN,
            Self::Greatest => i8::MAX,
        }
    }
}

#[track_caller]
fn check<const R: usize>(runs: Runs, bytes: Bytes) {
    let mut numbers = Numbers::new(runs.depth() * R);
    // Rows overlap, as those of neighbouring pixels do.
    let rows = std::array::from_fn(|row| row * 3);
    let len = (R - 1) * 3 + runs.span();
    let input: Vec<u8> = (0..len + 2 * GUARD).map(|_| bytes.value(&mut numbers)).collect();
    let row =
        |numbers: &mut Numbers| Quads([0; LANES].map(|_| [0; QUAD].map(|_| bytes.weight(numbers))));
    let panel: Vec<Quads> = (0..runs.depth() / QUAD + 2).map(|_| row(&mut numbers)).collect();
    let (input, panel) = (&input[GUARD..GUARD + len], &panel[1..panel.len() - 1]);
    let before: Sums<R> = [0; R].map(|_| [0; LANES].map(|_| numbers.bits() as i32 >> 4));
    let (mut actual, mut expected) = (before, before);
    gemm_i8_rx8(input, &rows, runs, panel, &mut actual);
    scalar::gemm_i8_rx8(input, &rows, runs, panel, &mut expected);
    assert_eq!(actual, expected, "{R} rows, {runs:?}, {bytes:?}");
    #[cfg(target_arch = "wasm32")]
    for actual in chosen::all_gemm_i8_rx8(input, &rows, runs, panel, before) {
        assert_eq!(actual, expected, "as on another host, {R} rows, {runs:?}, {bytes:?}");
    }
}

pub(in crate::simd) fn gemm_i8_rx8_is_as_its_twin() {
    const { assert!(BYTE_ROWS_MAX <= 6, "all heights of a tile are tested") };
    assert!(chosen::byte_rows() <= BYTE_ROWS_MAX);
    for length in LENGTHS.map(|length| length * QUAD) {
        for (count, stride) in [(0, 0), (1, 0), (3, length + 5), (7, length)] {
            let runs = Runs { count, stride, length };
            for bytes in [Bytes::Any, Bytes::Least, Bytes::Greatest] {
                check::<1>(runs, bytes);
                check::<2>(runs, bytes);
                check::<3>(runs, bytes);
                check::<4>(runs, bytes);
                check::<5>(runs, bytes);
                check::<6>(runs, bytes);
            }
        }
    }
}

/// Sums of as many products as are allowed, which are as far from zero as they can be.
pub(in crate::simd) fn no_sum_overflows() {
    let depth = DEPTH_MAX / QUAD * QUAD;
    for weight in [i8::MIN, i8::MAX] {
        let input = vec![VALUE_MAX as u8; depth];
        let panel = vec![Quads([[weight; QUAD]; LANES]); depth / QUAD];
        let mut tile = [[0; LANES]; 2];
        gemm_i8_rx8(&input, &[0, 0], Runs::one(depth), &panel, &mut tile);
        let expected = i64::from(VALUE_MAX) * i64::from(weight) * depth as i64;
        assert_eq!(tile.map(|sums| sums.map(i64::from)), [[expected; LANES]; 2]);
    }
}

pub(in crate::simd) fn numbers_are_rounded_to_the_nearest_byte() {
    for length in LENGTHS {
        let mut numbers = Numbers::new(length);
        let source: Vec<f32> = numbers.floats(length).into_iter().map(f32::abs).collect();
        let greatest = source.iter().copied().fold(0.0, f32::max);
        assert_eq!(largest(&source), greatest);
        let factor = if length == 0 { 1.0 } else { VALUE_MAX as f32 / greatest };
        let mut target = vec![77; length + 2];
        let sum = round(&source, factor, &mut target[1..=length]);
        let mut expected = 0;
        for (&source, &byte) in source.iter().zip(&target[1..]) {
            let whole = (source * factor).round_ties_even() as i32;
            assert_eq!(i32::from(byte), whole);
            expected += whole;
        }
        assert_eq!(sum, expected);
        assert_eq!([target[0], target[length + 1]], [77, 77], "written outside");
    }
}

pub(in crate::simd) fn round_bytes_is_as_its_twin() {
    for length in LENGTHS {
        let mut numbers = Numbers::new(length);
        let source: Vec<[f32; ROUNDED]> =
            (0..length).map(|_| [0; ROUNDED].map(|_| numbers.float().abs())).collect();
        let [mut actual, mut expected] = [0; 2].map(|_| vec![[77; ROUNDED]; length]);
        for factor in [0.0, 1.0, 100.0, 127.0] {
            let sum = chosen::round_bytes(&source, factor, &mut actual);
            assert_eq!(sum, scalar::round_bytes(&source, factor, &mut expected));
            assert_eq!(actual, expected, "{length} times {factor}");
        }
    }
}

pub(in crate::simd) fn largest_bits_is_as_its_twin() {
    for length in LENGTHS {
        let mut numbers = Numbers::new(length);
        let any = |_| [0; ROUNDED].map(|_| f32::from_bits(numbers.bits() << 1));
        let source: Vec<[f32; ROUNDED]> = (0..length).map(any).collect();
        assert_eq!(chosen::largest_bits(&source), scalar::largest_bits(&source));
    }
}

pub(in crate::simd) fn the_largest_is_noticed_anywhere() {
    for place in 0..40 {
        for value in [-7.0, 7.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, -f32::NAN] {
            let mut numbers = Numbers::new(place).floats(40);
            numbers[place] = value;
            assert_eq!(largest(&numbers).to_bits(), value.abs().to_bits());
        }
    }
    assert_eq!(largest(&[-0.0; 3]).to_bits(), 0);
    assert_eq!(largest(&[]).to_bits(), 0);
}
