//! Smaller copies of a picture, each half as large as the one before, as Skia makes them
//! (`SkMipmap`). Only the part that is looked at is made.

use std::borrow::Cow;
use std::ops::Range;

use crate::picture::Picture;

/// A part of a copy.
pub(super) struct Copy<'a> {
    /// Width and height of the whole copy.
    pub(super) size: [usize; 2],
    /// Width and height of the picture.
    full: [usize; 2],
    /// The columns and rows of the copy that `pixels` has.
    part: [Range<usize>; 2],
    pixels: Cow<'a, [[u8; 3]]>,
}

impl<'a> Copy<'a> {
    /// The picture itself.
    pub(super) fn of(picture: &Picture<'a>) -> Self {
        let size = [picture.width(), picture.height()];
        let part = size.map(|side| 0..side);
        Self { size, full: size, part, pixels: Cow::Borrowed(picture.pixels()) }
    }

    /// A pixel, which must be in the part.
    pub(super) fn pixel(&self, x: usize, y: usize) -> [u8; 3] {
        let [columns, rows] = &self.part;
        self.pixels[(y - rows.start) * columns.len() + x - columns.start]
    }

    /// The copy after halving so many `times`: the part that a region needs, which is given for
    /// each axis by its first and last place in pixels of the picture. There is enough beside it
    /// to halve the copy `again` so many times.
    pub(super) fn halved(&self, times: u32, again: u32, region: [[f64; 2]; 2]) -> Copy<'_> {
        let this = Copy {
            size: self.size,
            full: self.full,
            part: self.part.clone(),
            pixels: Cow::Borrowed(&*self.pixels),
        };
        (0..times).rev().fold(this, |copy, left| copy.half(left + again, region))
    }

    fn half(&self, again: u32, region: [[f64; 2]; 2]) -> Copy<'static> {
        let size = self.size.map(|side| (side / 2).max(1));
        // From the last copy two pixels are mixed, and each pixel is made from three of the copy
        // before. Where a side is odd, places move by up to a pixel. So the margin is 3 for the
        // last copy, and for each copy before it twice as many and 4.
        let margin = f64::from((7_u32 << again) - 4);
        let part: [Range<usize>; 2] = std::array::from_fn(|axis| {
            let scale = size[axis] as f64 / self.full[axis] as f64;
            let [first, last] = region[axis].map(|place| place * scale);
            let first = (first - margin).max(0.0) as usize;
            first..((last + margin) as usize + 1).min(size[axis])
        });
        let [columns, rows] = self.size.map(Taps::new);
        let mut pixels = Vec::with_capacity(part[0].len() * part[1].len());
        for y in part[1].clone() {
            for x in part[0].clone() {
                let mut sum = [0_u32; 3];
                for (y, by_row) in rows.of(y) {
                    for (x, by_column) in columns.of(x) {
                        for (sum, value) in sum.iter_mut().zip(self.pixel(x, y)) {
                            *sum += by_row * by_column * u32::from(value);
                        }
                    }
                }
                // Rounded down, as in Skia.
                pixels.push(sum.map(|sum| (sum / (rows.sum() * columns.sum())) as u8));
            }
        }
        Copy { size, full: self.full, part, pixels: Cow::Owned(pixels) }
    }
}

/// From which pixels of a line a pixel of the next copy is made, as their shares.
#[derive(Clone, Copy)]
struct Taps(&'static [u32]);

impl Taps {
    /// Two pixels of an even line. Three of an odd one, the middle one twice.
    const fn new(side: usize) -> Self {
        match side {
            1 => Self(&[1]),
            side if side.is_multiple_of(2) => Self(&[1, 1]),
            _ => Self(&[1, 2, 1]),
        }
    }

    fn of(self, pixel: usize) -> impl Iterator<Item = (usize, u32)> {
        self.0.iter().enumerate().map(move |(index, &share)| (2 * pixel + index, share))
    }

    fn sum(self) -> u32 {
        self.0.iter().sum()
    }
}
