//! The inner loops over bytes: a tile of sums of products, and the rounding of floats to bytes.
//!
//! WebAssembly's relaxed dot product multiplies 16 signed bytes with 16 bytes from 0 to 127, and
//! adds groups of four products to four sums. With those ranges it is the same on every host, even
//! on one that adds pairs of products in 16 bits: 2 * 128 * 127 is less than 2^15. Weights are the
//! signed bytes, as their rounding is most of what is lost; values have the other ones.

use std::ops::Range;

use super::{LANES, Runs, chosen, tiles_of};

/// Numbers that one instruction multiplies for each of its sums: neighbouring input channels.
pub(in crate::simd) const QUAD: usize = 4;

/// The greatest value. The least one is zero.
pub(in crate::simd) const VALUE_MAX: i32 = 127;

/// A sum of up to so many products cannot overflow: each is from `-128 * 127` to `127 * 127`.
pub(in crate::simd) const DEPTH_MAX: usize = (i32::MAX / (128 * VALUE_MAX)) as usize;

/// A row of a panel: the weights of [`LANES`] output channels for [`QUAD`] input channels.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(32))]
pub(in crate::simd) struct Quads(pub(in crate::simd) [[i8; QUAD]; LANES]);

/// Sums of one tile.
pub(in crate::simd) type Sums<const R: usize> = [[i32; LANES]; R];

/// The most rows in a full tile of bytes, on any host.
#[cfg(any(test, feature = "kernel-tests"))]
pub(super) const BYTE_ROWS_MAX: usize = 6;

/// Cuts rows into as few tiles as possible, of nearly equal height.
pub(in crate::simd) fn byte_tiles(
    rows: Range<usize>,
) -> impl ExactSizeIterator<Item = Range<usize>> {
    tiles_of(chosen::byte_rows(), rows)
}

/// `tile[r][j] += sum over k of row[r][k] * panel[k / 4][j][k % 4]`, where row `r` is the runs that
/// begin at `input[rows[r]]`. Values have to be at most [`VALUE_MAX`]; others give arbitrary sums.
///
/// # Panics
/// When a row or the panel is shorter than the runs, or a run is no multiple of [`QUAD`].
#[inline(always)]
pub(in crate::simd) fn gemm_i8_rx8<const R: usize>(
    input: &[u8],
    rows: &[usize; R],
    runs: Runs,
    panel: &[Quads],
    tile: &mut Sums<R>,
) {
    assert!(runs.length.is_multiple_of(QUAD), "a run has whole quads");
    runs.check(input.len(), rows, panel.len() * QUAD);
    chosen::gemm_i8_rx8(input, rows, runs, panel, tile);
}

/// Numbers that are rounded at a time.
pub(super) const ROUNDED: usize = 16;

/// The bits of a float without its sign. Floats have the same order as these bits.
pub(super) const ABSOLUTE: u32 = 0x7fff_ffff;

/// The greatest absolute value; NaN or infinity when there is one.
pub(in crate::simd) fn largest(numbers: &[f32]) -> f32 {
    let bits = |number: &f32| number.to_bits() & ABSOLUTE;
    let (chunks, rest) = numbers.as_chunks();
    let rest = rest.iter().map(bits).max().unwrap_or_default();
    f32::from_bits(chosen::largest_bits(chunks).max(rest))
}

/// 1.5 * 2^23: added to a float from 0 to 127 it leaves no bits for a fraction, so the lowest bits
/// of the sum are the nearest whole number, the even one of two.
pub(super) const ROUNDER: f32 = 12_582_912.0;

/// The nearest whole number to a product from 0 to 127.
#[inline(always)]
pub(super) fn whole(number: f32, factor: f32) -> i32 {
    (number * factor + ROUNDER).to_bits() as i32 & VALUE_MAX
}

/// Multiplies numbers by a factor and rounds them to whole numbers. The products have to be from 0
/// to [`VALUE_MAX`]; others give arbitrary values up to that. Returns the sum of the whole numbers.
///
/// # Panics
/// When the lengths differ.
pub(in crate::simd) fn round(source: &[f32], factor: f32, target: &mut [u8]) -> i32 {
    assert_eq!(source.len(), target.len());
    let (sources, source_rest) = source.as_chunks();
    let (targets, target_rest) = target.as_chunks_mut();
    let mut sum = chosen::round_bytes(sources, factor, targets);
    for (&source, target) in source_rest.iter().zip(target_rest) {
        let number = whole(source, factor);
        sum += number;
        *target = number as u8;
    }
    sum
}
