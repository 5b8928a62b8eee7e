//! From coefficients to samples. The 64 samples of a block are those of libjpeg's `jidctint.c`, to
//! the last bit. Where a block becomes fewer samples, they are means, as in its `jidctred.c`.
//!
//! Both are the algorithm of Loeffler, Ligtenberg and Moschytz ("Practical fast 1-D DCT algorithms
//! with 11 multiplications", 1989) in whole numbers.

use std::num::Wrapping;

/// Bits behind the point of the constants.
const CONST_BITS: usize = 13;

/// Bits behind the point that are kept between columns and rows.
const PASS_BITS: usize = 2;

/// Coefficients of a row and of a column, and samples.
const SIDE: usize = 8;

/// Coefficients of a block.
pub(crate) const COEFFICIENTS: usize = SIDE * SIDE;

/// The last place, in the order of a file, up to which all coefficients are in the first four rows
/// and columns.
const LAST_OF_QUARTER: usize = 9;

/// It wraps, because damaged files can make it overflow.
type Number = Wrapping<i32>;

/// The `N` x `N` samples of a block. `coefficients` is in rows, and `last` is the last of them in
/// the order of a file that is not zero. Row `y` is written to `samples[y * stride..]`; rows for
/// which there is no room are not.
#[inline]
pub(crate) fn transform<const N: usize>(
    coefficients: &[i16; COEFFICIENTS],
    last: usize,
    samples: &mut [u8],
    stride: usize,
) {
    if last == 0 {
        // What the code below gives when all other coefficients are zero.
        let sample = ((i32::from(coefficients[0]) << PASS_BITS) + 16) >> (PASS_BITS + 3);
        let sample = (sample + 128).clamp(0, 255) as u8;
        for row in samples.chunks_mut(stride).take(N) {
            if let Some(row) = row.first_chunk_mut::<N>() {
                *row = [sample; N];
            }
        }
    } else if last <= LAST_OF_QUARTER {
        block::<N, 4>(coefficients, samples, stride);
    } else {
        block::<N, SIDE>(coefficients, samples, stride);
    }
}

/// The same where only the first `C` rows and columns have coefficients.
#[inline(never)]
fn block<const N: usize, const C: usize>(
    coefficients: &[i16; COEFFICIENTS],
    samples: &mut [u8],
    stride: usize,
) {
    let mut columns = [[Wrapping(0); C]; SIDE];
    for (row, coefficients) in columns.iter_mut().zip(coefficients.chunks_exact(SIDE)).take(C) {
        for (number, coefficient) in row.iter_mut().zip(coefficients) {
            *number = Wrapping(i32::from(*coefficient));
        }
    }
    let columns: [_; N] = lines(&columns, CONST_BITS - PASS_BITS + extra_bits(N));
    let mut rows = [[Wrapping(0); N]; SIDE];
    for (y, row) in columns.iter().enumerate() {
        for (column, number) in rows.iter_mut().zip(row) {
            column[y] = *number;
        }
    }
    let rows: [_; N] = lines(&rows, CONST_BITS + PASS_BITS + 3 + extra_bits(N));
    for (y, output) in samples.chunks_mut(stride).take(N).enumerate() {
        if let Some(output) = output.first_chunk_mut::<N>() {
            *output = std::array::from_fn(|x| (rows[x][y].0 + 128).clamp(0, 255) as u8);
        }
    }
}

/// A constant, which may be negative, as libjpeg rounds it.
const fn constant(value: f64) -> Number {
    let positive = (value.abs() * (1 << CONST_BITS) as f64 + 0.5) as i32;
    Wrapping(if value < 0.0 { -positive } else { positive })
}

/// `N` samples from a line of coefficients. They have [`CONST_BITS`] more bits behind the point
/// than the coefficients, and are larger by [`extra_bits`].
#[inline]
fn line<const N: usize>(f: &[Number; SIDE]) -> [Number; N] {
    let mut samples = [Wrapping(0); N];
    match N {
        8 => samples.copy_from_slice(&eight(f)),
        4 => samples.copy_from_slice(&four(f)),
        2 => samples.copy_from_slice(&two(f)),
        _ => samples.fill(f[0] << CONST_BITS),
    }
    samples
}

/// How many bits larger than samples the results of [`line()`] are.
const fn extra_bits(samples: usize) -> usize {
    match samples {
        4 => 1,
        2 => 2,
        _ => 0,
    }
}

#[inline]
fn eight(f: &[Number; SIDE]) -> [Number; 8] {
    // Even coefficients.
    let z = (f[2] + f[6]) * constant(0.541_196_100);
    let t2 = z + f[6] * constant(-1.847_759_065);
    let t3 = z + f[2] * constant(0.765_366_865);
    let t0 = (f[0] + f[4]) << CONST_BITS;
    let t1 = (f[0] - f[4]) << CONST_BITS;
    let even = [t0 + t3, t1 + t2, t1 - t2, t0 - t3];
    // Odd coefficients.
    let z5 = ((f[7] + f[3]) + (f[5] + f[1])) * constant(1.175_875_602);
    let z1 = (f[7] + f[1]) * constant(-0.899_976_223);
    let z2 = (f[5] + f[3]) * constant(-2.562_915_447);
    let z3 = (f[7] + f[3]) * constant(-1.961_570_560) + z5;
    let z4 = (f[5] + f[1]) * constant(-0.390_180_644) + z5;
    let odd = [
        f[1] * constant(1.501_321_110) + z1 + z4,
        f[3] * constant(3.072_711_026) + z2 + z3,
        f[5] * constant(2.053_119_869) + z2 + z4,
        f[7] * constant(0.298_631_336) + z1 + z3,
    ];
    [
        even[0] + odd[0],
        even[1] + odd[1],
        even[2] + odd[2],
        even[3] + odd[3],
        even[3] - odd[3],
        even[2] - odd[2],
        even[1] - odd[1],
        even[0] - odd[0],
    ]
}

/// Twice the means of two samples each. The fourth coefficient vanishes in them.
#[inline]
fn four(f: &[Number; SIDE]) -> [Number; 4] {
    let t0 = f[0] << (CONST_BITS + 1);
    let t2 = f[2] * constant(1.847_759_065) + f[6] * constant(-0.765_366_865);
    let even = [t0 + t2, t0 - t2];
    let odd = [
        f[7] * constant(-0.509_795_579)
            + f[5] * constant(-0.601_344_887)
            + f[3] * constant(0.899_976_223)
            + f[1] * constant(2.562_915_447),
        f[7] * constant(-0.211_164_243)
            + f[5] * constant(1.451_774_981)
            + f[3] * constant(-2.172_734_803)
            + f[1] * constant(1.061_594_337),
    ];
    [even[0] + odd[0], even[1] + odd[1], even[1] - odd[1], even[0] - odd[0]]
}

/// Four times the means of four samples each. All even coefficients but the first vanish in them.
#[inline]
fn two(f: &[Number; SIDE]) -> [Number; 2] {
    let even = f[0] << (CONST_BITS + 2);
    let odd = f[7] * constant(-0.720_959_822)
        + f[5] * constant(0.850_430_095)
        + f[3] * constant(-1.272_758_580)
        + f[1] * constant(3.624_509_785);
    [even + odd, even - odd]
}

/// `N` samples of each of `L` lines that lie side by side, with `bits` fewer bits behind the point.
/// The compiler turns a number of all lines into a vector.
#[inline]
fn lines<const N: usize, const L: usize>(f: &[[Number; L]; SIDE], bits: usize) -> [[Number; L]; N] {
    let half = Wrapping(1 << (bits - 1));
    let mut samples = [[Wrapping(0); L]; N];
    for lane in 0..L {
        let line = line::<N>(&std::array::from_fn(|k| f[k][lane]));
        for (samples, sample) in samples.iter_mut().zip(line) {
            samples[lane] = (sample + half) >> bits;
        }
    }
    samples
}
