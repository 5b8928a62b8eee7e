//! Stretches a part of a picture to the crop's pixels as Chromium's canvas does with `drawImage` at
//! its best quality, because the page cuts so: the same rectangle gives the same crop here, where
//! Chromium draws without a GPU. The method and its terms are those of Skia, by which it draws.
//!
//! A part that gets larger along both axes is mixed from sixteen pixels, by Mitchell's cubic. Any
//! other part is mixed from the four nearest pixels. Where it gets much smaller, these are taken
//! from two smaller copies of the picture (mipmaps), and the two results are mixed again.

use facenet::layers::INPUT_SIDE;

use crate::geometry::Rectangle;
use crate::picture::Picture;

mod copies;

use copies::Copy;

/// By how many halvings the copies are larger than the crop, which keeps it sharp
/// (`SkMipmapAccessor`).
const SHARPER: f64 = 0.5;

/// Draws the part of the picture that is in a rectangle. Pixels of the crop whose centres are
/// outside the picture stay as they are.
pub(super) fn draw(picture: &Picture<'_>, rectangle: Rectangle, crop: &mut [[u8; 3]]) {
    let Rectangle { x, y, width, height } = rectangle;
    let across = Line::new(x, width, picture.width());
    let down = Line::new(y, height, picture.height());
    if across.places.is_empty() || down.places.is_empty() {
        return;
    }
    let [by_x, by_y] = [width, height].map(|length| length / INPUT_SIDE as f64);
    let level = (by_x * by_y).sqrt().log2() - SHARPER;
    let mut sums = vec![[0.0; 3]; across.places.len() * down.places.len()];
    let whole = Copy::of(picture);
    if by_x < 1.0 && by_y < 1.0 {
        add(&whole, [&across, &down], mitchell, 1.0, &mut sums);
    } else if level <= 0.0 {
        add(&whole, [&across, &down], linear, 1.0, &mut sums);
    } else {
        // The last copy is a single line of pixels.
        let last = picture.width().max(picture.height()).ilog2();
        let upper = (level.floor() as u32).min(last);
        let share = (level - level.floor()) as f32;
        let region = [&across, &down].map(Line::range);
        let more = u32::from(upper < last);
        let larger = whole.halved(upper, more, region);
        add(&larger, [&across, &down], linear, 1.0 - share, &mut sums);
        let smaller = larger.halved(more, 0, region);
        add(&smaller, [&across, &down], linear, share, &mut sums);
    }
    let rows =
        crop.chunks_exact_mut(INPUT_SIDE).skip(down.first).zip(sums.chunks(across.places.len()));
    for (row, sums) in rows {
        for (pixel, sum) in row[across.first..].iter_mut().zip(sums) {
            // The cubic can give less than 0 or more than 255. The cast limits that.
            *pixel = sum.map(|value| (value + 0.5) as u8);
        }
    }
}

/// The pixels of a line of the crop that are drawn.
struct Line {
    first: usize,
    /// Where their centres are in the picture, in its pixels.
    places: Vec<f64>,
    /// Length of the picture's line.
    side: usize,
}

impl Line {
    /// For a range of the picture's line. An empty one, or one of NaN, gives no pixels.
    fn new(from: f64, length: f64, side: usize) -> Self {
        let scale = length / INPUT_SIDE as f64;
        let place = |pixel: usize| from + (pixel as f64 + 0.5) * scale;
        let inside = |&pixel: &usize| length > 0.0 && (0.0..side as f64).contains(&place(pixel));
        let drawn: Vec<usize> = (0..INPUT_SIDE).filter(inside).collect();
        let places = drawn.iter().map(|&pixel| place(pixel)).collect();
        Self { first: drawn.first().map_or(0, |&first| first), places, side }
    }

    /// The first and the last place in the picture.
    fn range(&self) -> [f64; 2] {
        [self.places[0], self.places[self.places.len() - 1]]
    }
}

/// Four neighbours that a pixel is mixed from: the index of the first, which may be negative, and
/// the share of each.
type Taps = (isize, [f32; 4]);

/// The two nearest pixels. The other two have no share.
fn linear(at: f64) -> Taps {
    let first = (at - 0.5).floor();
    let share = (at - 0.5 - first) as f32;
    (first as isize, [1.0 - share, share, 0.0, 0.0])
}

/// The cubic of Mitchell and Netravali with B and C of a third, as they recommend
/// (`SkCubicResampler::Mitchell`).
fn mitchell(at: f64) -> Taps {
    let first = (at - 0.5).floor();
    let near = |distance: f64| (7.0 * distance - 12.0) * distance * distance + 16.0 / 3.0;
    let far =
        |distance: f64| ((-7.0 / 3.0 * distance + 12.0) * distance - 20.0) * distance + 32.0 / 3.0;
    let share = at - 0.5 - first;
    let shares = [far(1.0 + share), near(share), near(1.0 - share), far(2.0 - share)];
    (first as isize - 1, shares.map(|value| (value / 6.0) as f32))
}

/// Mixes each pixel of the crop from a copy's pixels, and adds a share of it to `sums`.
fn add(
    copy: &Copy<'_>,
    lines: [&Line; 2],
    taps: fn(f64) -> Taps,
    share: f32,
    sums: &mut [[f32; 3]],
) {
    let [across, down] = [0, 1].map(|axis| {
        let (line, side) = (lines[axis], copy.size[axis]);
        let scale = side as f64 / line.side as f64;
        line.places.iter().map(move |&place| {
            let (first, shares) = taps(place * scale);
            // Beyond the edges, the last pixel is repeated.
            let pixel = |index: isize| (first + index).clamp(0, side as isize - 1) as usize;
            ([0, 1, 2, 3].map(pixel), shares)
        })
    });
    let across: Vec<([usize; 4], [f32; 4])> = across.collect();
    let mut rows: Vec<(usize, Vec<[f32; 3]>)> = Vec::new();
    for ((pixels, shares), sums) in down.zip(sums.chunks_exact_mut(across.len())) {
        // Neighbouring rows of the crop are mixed from nearly the same rows.
        rows.retain(|(y, _)| pixels.contains(y));
        for (y, row_share) in pixels.into_iter().zip(shares) {
            if row_share == 0.0 {
                continue;
            }
            if !rows.iter().any(|(row, _)| *row == y) {
                rows.push((y, mixed(copy, y, &across)));
            }
            let Some((_, row)) = rows.iter().find(|(row, _)| *row == y) else { continue };
            for (sum, values) in sums.iter_mut().zip(row) {
                for (sum, value) in sum.iter_mut().zip(values) {
                    *sum += share * row_share * value;
                }
            }
        }
    }
}

/// A row of a copy, mixed across.
fn mixed(copy: &Copy<'_>, y: usize, across: &[([usize; 4], [f32; 4])]) -> Vec<[f32; 3]> {
    let pixel = |(pixels, shares): &([usize; 4], [f32; 4])| {
        let mut sum = [0.0; 3];
        for (&x, &share) in pixels.iter().zip(shares).filter(|(_, share)| **share != 0.0) {
            for (sum, value) in sum.iter_mut().zip(copy.pixel(x, y)) {
                *sum += share * f32::from(value);
            }
        }
        sum
    };
    across.iter().map(pixel).collect()
}
