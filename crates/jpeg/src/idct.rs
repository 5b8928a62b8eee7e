//! From coefficients to samples. All 64 samples of a block are those of libjpeg's `jidctint.c`, to
//! the last bit. Fewer are the means of theirs, as in its `jidctred.c`.
//!
//! Both are the algorithm of Loeffler, Ligtenberg and Moschytz ("Practical fast 1-D DCT algorithms
//! with 11 multiplications", 1989) in whole numbers.

#![expect(clippy::inline_always, reason = "lanes are vectors only within one function")]

use std::num::Wrapping;

/// Bits behind the point of the constants.
const CONST_BITS: usize = 13;

/// Bits behind the point that are kept between columns and rows.
const PASS_BITS: usize = 2;

/// Coefficients of a row and of a column, and samples.
const SIDE: usize = 8;

/// Up to this place in the order of a file, coefficients are in the first four rows and columns.
const LAST_OF_QUARTER: usize = 9;

/// A number for each column, or each row. Files that lie may make them overflow.
type Lanes<const L: usize> = [Wrapping<i32>; L];

const fn constant(value: f64) -> Wrapping<i32> {
    Wrapping((value * (1 << CONST_BITS) as f64 + 0.5) as i32)
}

#[inline(always)]
fn lanes<const L: usize>(number: impl FnMut(usize) -> Wrapping<i32>) -> Lanes<L> {
    std::array::from_fn(number)
}

#[inline(always)]
fn add<const L: usize>(a: Lanes<L>, b: Lanes<L>) -> Lanes<L> {
    lanes(|i| a[i] + b[i])
}

#[inline(always)]
fn subtract<const L: usize>(a: Lanes<L>, b: Lanes<L>) -> Lanes<L> {
    lanes(|i| a[i] - b[i])
}

/// `number * factor`, where the factor is positive or negative.
#[inline(always)]
fn times<const L: usize>(number: Lanes<L>, factor: f64) -> Lanes<L> {
    let positive = constant(factor.abs());
    let factor = if factor < 0.0 { -positive } else { positive };
    lanes(|i| number[i] * factor)
}

#[inline(always)]
fn sum<const L: usize>(terms: [Lanes<L>; 4]) -> Lanes<L> {
    let [a, b, c, d] = terms;
    lanes(|i| (a[i] + b[i]) + (c[i] + d[i]))
}

#[inline(always)]
fn shift_left<const L: usize>(number: Lanes<L>, by: usize) -> Lanes<L> {
    lanes(|i| number[i] << by)
}

/// `N` samples from a line of coefficients, in all lanes. They have [`CONST_BITS`] more bits behind
/// the point than the coefficients, and are [`extra_bits`] larger.
#[inline(always)]
fn line<const N: usize, const L: usize>(f: &[Lanes<L>; SIDE]) -> [Lanes<L>; N] {
    let mut samples = [[Wrapping(0); L]; N];
    match N {
        8 => samples.copy_from_slice(&eight(f)),
        4 => samples.copy_from_slice(&four(f)),
        2 => samples.copy_from_slice(&two(f)),
        _ => samples.fill(shift_left(f[0], CONST_BITS)),
    }
    samples
}

/// What sums of samples are larger than samples, in bits.
const fn extra_bits(samples: usize) -> usize {
    match samples {
        4 => 1,
        2 => 2,
        _ => 0,
    }
}

#[inline(always)]
fn eight<const L: usize>(f: &[Lanes<L>; SIDE]) -> [Lanes<L>; 8] {
    // Even coefficients.
    let z = times(add(f[2], f[6]), 0.541_196_100);
    let t2 = add(z, times(f[6], -1.847_759_065));
    let t3 = add(z, times(f[2], 0.765_366_865));
    let t0 = shift_left(add(f[0], f[4]), CONST_BITS);
    let t1 = shift_left(subtract(f[0], f[4]), CONST_BITS);
    let even = [add(t0, t3), add(t1, t2), subtract(t1, t2), subtract(t0, t3)];
    // Odd coefficients.
    let (t0, t1, t2, t3) = (f[7], f[5], f[3], f[1]);
    let z5 = times(add(add(t0, t2), add(t1, t3)), 1.175_875_602);
    let z1 = times(add(t0, t3), -0.899_976_223);
    let z2 = times(add(t1, t2), -2.562_915_447);
    let z3 = add(times(add(t0, t2), -1.961_570_560), z5);
    let z4 = add(times(add(t1, t3), -0.390_180_644), z5);
    let odd = [
        add(times(t3, 1.501_321_110), add(z1, z4)),
        add(times(t2, 3.072_711_026), add(z2, z3)),
        add(times(t1, 2.053_119_869), add(z2, z4)),
        add(times(t0, 0.298_631_336), add(z1, z3)),
    ];
    std::array::from_fn(|i| {
        if i < 4 { add(even[i], odd[i]) } else { subtract(even[7 - i], odd[7 - i]) }
    })
}

/// Twice the means of two samples each. The fourth coefficient vanishes in them.
#[inline(always)]
fn four<const L: usize>(f: &[Lanes<L>; SIDE]) -> [Lanes<L>; 4] {
    let t0 = shift_left(f[0], CONST_BITS + 1);
    let t2 = add(times(f[2], 1.847_759_065), times(f[6], -0.765_366_865));
    let even = [add(t0, t2), subtract(t0, t2)];
    let odd = [
        sum([
            times(f[7], -0.509_795_579),
            times(f[5], -0.601_344_887),
            times(f[3], 0.899_976_223),
            times(f[1], 2.562_915_447),
        ]),
        sum([
            times(f[7], -0.211_164_243),
            times(f[5], 1.451_774_981),
            times(f[3], -2.172_734_803),
            times(f[1], 1.061_594_337),
        ]),
    ];
    [
        add(even[0], odd[0]),
        add(even[1], odd[1]),
        subtract(even[1], odd[1]),
        subtract(even[0], odd[0]),
    ]
}

/// Four times the means of four samples each. All even coefficients but the first vanish in them.
#[inline(always)]
fn two<const L: usize>(f: &[Lanes<L>; SIDE]) -> [Lanes<L>; 2] {
    let even = shift_left(f[0], CONST_BITS + 2);
    let odd = sum([
        times(f[7], -0.720_959_822),
        times(f[5], 0.850_430_095),
        times(f[3], -1.272_758_580),
        times(f[1], 3.624_509_785),
    ]);
    [add(even, odd), subtract(even, odd)]
}

/// Rounds off bits behind the point.
#[inline(always)]
fn round<const L: usize>(number: Lanes<L>, bits: usize) -> Lanes<L> {
    let half = Wrapping(1 << (bits - 1));
    lanes(|i| (number[i] + half) >> bits)
}

/// The `N` x `N` samples of a block. `coefficients` is in rows, and `last` is the last of them in
/// the order of a file that is not zero. Row `y` is written to `samples[y * stride..]`; rows for
/// which there is no room are not.
#[inline]
pub(crate) fn transform<const N: usize>(
    coefficients: &[i16; SIDE * SIDE],
    last: usize,
    samples: &mut [u8],
    stride: usize,
) {
    if last == 0 {
        // As below, where all else is zero.
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
#[inline(always)]
fn block<const N: usize, const C: usize>(
    coefficients: &[i16; SIDE * SIDE],
    samples: &mut [u8],
    stride: usize,
) {
    let mut columns = [[Wrapping(0); C]; SIDE];
    for (y, row) in columns.iter_mut().enumerate().take(C) {
        *row = lanes(|x| Wrapping(i32::from(coefficients[SIDE * y + x])));
    }
    let columns =
        line::<N, C>(&columns).map(|row| round(row, CONST_BITS - PASS_BITS + extra_bits(N)));
    let mut rows = [[Wrapping(0); N]; SIDE];
    for (x, column) in rows.iter_mut().enumerate().take(C) {
        *column = lanes(|y| columns[y][x]);
    }
    let rows =
        line::<N, N>(&rows).map(|column| round(column, CONST_BITS + PASS_BITS + 3 + extra_bits(N)));
    for (y, output) in samples.chunks_mut(stride).take(N).enumerate() {
        if let Some(output) = output.first_chunk_mut::<N>() {
            *output = std::array::from_fn(|x| (rows[x][y].0 + 128).clamp(0, 255) as u8);
        }
    }
}
