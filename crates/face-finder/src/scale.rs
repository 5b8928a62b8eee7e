//! Pictures as the networks take them: scaled into a black square. face-api.js draws with
//! Chromium's `drawImage` at its default quality, so this does what that does: each pixel is mixed
//! from the four nearest ones of the picture, however much smaller it gets. The pixels are the same
//! to the last bit where Chromium draws without a GPU. Else some faces would be found only by the
//! page or only here, and nobody could explain why.

use crate::picture::{Picture, Region};

/// Side of a cell of the detector, in pixels of its input: it has five poolings of stride 2.
pub(crate) const CELL: usize = 32;

/// A picture in a square, RGB.
pub(crate) struct Square {
    side: usize,
    pixels: Vec<[u8; 3]>,
    /// Pixels of the picture per cell of the detector, across and down.
    picture_per_cell: [f64; 2],
}

impl Square {
    /// The picture, its longer side as long as the square's, in the left upper corner.
    pub(crate) fn of(picture: &Picture<'_>, side: usize) -> Self {
        let region = picture.region();
        let [width, height] = fitted(region, side);
        let target = Target { x: 0.0, y: 0.0, width, height };
        // face-api.js computes boxes from the rounded size, though it draws in the exact one.
        let per_cell = |picture: usize, drawn: f64| {
            CELL as f64 * picture as f64 / (drawn + 0.5).floor().max(1.0)
        };
        let picture_per_cell = [per_cell(region.width, width), per_cell(region.height, height)];
        Self { side, pixels: draw(picture, region, target, side), picture_per_cell }
    }

    /// The picture in the middle, stretched to a width and height in pixels of the square. Faces
    /// that are found in it are in pixels of the square.
    pub(crate) fn around(picture: &Picture<'_>, [width, height]: [f64; 2], side: usize) -> Self {
        let [x, y] = [width, height].map(|length| (side as f64 - length) / 2.0);
        let target = Target { x, y, width, height };
        let picture_per_cell = [CELL as f64; 2];
        Self { side, pixels: draw(picture, picture.region(), target, side), picture_per_cell }
    }

    /// Width and height in pixels.
    pub(crate) const fn side(&self) -> usize {
        self.side
    }

    /// Its rows from above.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &[[u8; 3]]> {
        self.pixels.chunks_exact(self.side)
    }

    /// Pixels of the picture per cell of the detector, across and down.
    pub(crate) const fn picture_per_cell(&self) -> [f64; 2] {
        self.picture_per_cell
    }
}

/// A part of a picture, its longer side as long as the square's, in the middle of a square.
pub(crate) fn centred(picture: &Picture<'_>, region: Region, side: usize) -> Vec<[u8; 3]> {
    let [width, height] = fitted(region, side);
    let [x, y] = [width, height].map(|length| (side as f64 - length) / 2.0);
    draw(picture, region, Target { x, y, width, height }, side)
}

/// Width and height of a region whose longer side becomes `side`.
pub(crate) fn fitted(region: Region, side: usize) -> [f64; 2] {
    let scale = side as f64 / region.width.max(region.height) as f64;
    [scale * region.width as f64, scale * region.height as f64]
}

/// Where a region is drawn, in pixels of the square.
#[derive(Clone, Copy)]
struct Target {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

/// Shares are counted in sixteenths and rounded down, and so are the mixed pixels, as in Skia, by
/// which Chromium draws (`SkBitmapProcState`).
const ONE: u32 = 16;

/// From which two pixels of a line a pixel is mixed.
#[derive(Clone, Copy)]
struct Mix {
    first: usize,
    second: usize,
    /// The share of the second one, 0 to [`ONE`].
    share: u32,
}

/// How many pixels of a row Skia draws at once.
const SPAN: usize = 127;

/// How each pixel of a line of the square is mixed, and which is the first that is drawn at all. A
/// line is drawn in spans of `span` pixels.
///
/// Places are computed in float32, as in Skia: the first of a span by a multiplication, the others
/// by adding to it. Where a place is a whole number of sixteenths, its last bit matters.
fn line(
    (from, length): (usize, usize),
    (at, drawn): (f64, f64),
    (side, span): (usize, usize),
) -> (usize, Vec<Mix>) {
    // A pixel belongs to the picture when its centre does.
    let first = (at - 0.5).ceil().max(0.0) as usize;
    let end = ((at + drawn - 0.5).ceil().max(0.0) as usize).min(side);
    let scale = 1.0 / (drawn as f32 / length as f32);
    let offset = -(at as f32) * scale;
    let mix = |pixel: usize| {
        let begin = first + (pixel - first) / span * span;
        let begins = f64::from((begin as f32 + 0.5) * scale + offset);
        let place = begins + (pixel - begin) as f64 * f64::from(scale) - 0.5;
        // Left of the first pixel both are the first, and right of the last both are the last.
        let place = (place * f64::from(ONE)).floor().max(0.0) as usize;
        let [first, share] = [place / ONE as usize, place % ONE as usize];
        let [first, second] = [first, first + 1].map(|pixel| from + pixel.min(length - 1));
        Mix { first, second, share: share as u32 }
    };
    (first, (first..end).map(mix).collect())
}

/// Draws a region of a picture into a black square.
fn draw(picture: &Picture<'_>, region: Region, target: Target, side: usize) -> Vec<[u8; 3]> {
    let across = ((region.x, region.width), (target.x, target.width));
    let down = ((region.y, region.height), (target.y, target.height));
    let (left, columns) = line(across.0, across.1, (side, SPAN));
    let (top, rows) = line(down.0, down.1, (side, 1));
    let mut pixels = vec![[0; 3]; side * side];
    for (y, mix) in rows.iter().enumerate() {
        let (upper, lower) = (picture.row(mix.first), picture.row(mix.second));
        let output = &mut pixels[(top + y) * side + left..];
        for (pixel, column) in output.iter_mut().zip(&columns) {
            let corners = [
                (upper[column.first], (ONE - column.share) * (ONE - mix.share)),
                (upper[column.second], column.share * (ONE - mix.share)),
                (lower[column.first], (ONE - column.share) * mix.share),
                (lower[column.second], column.share * mix.share),
            ];
            *pixel = std::array::from_fn(|colour| {
                let sum: u32 =
                    corners.iter().map(|(of, share)| u32::from(of[colour]) * share).sum();
                (sum / (ONE * ONE)) as u8
            });
        }
    }
    pixels
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture that gets brighter to the right and redder downwards.
    fn ramp(width: usize, height: usize) -> Vec<u8> {
        (0..width * height)
            .flat_map(|pixel| [(pixel / width) as u8, (pixel % width) as u8, 7])
            .collect()
    }

    #[test]
    fn a_picture_of_the_square_s_size_stays_as_it_is() {
        let bytes = ramp(64, 64);
        let square = Square::of(&Picture::from_rgb(64, 64, &bytes).unwrap(), 64);
        assert_eq!(square.pixels.as_flattened(), bytes);
        assert_eq!(square.picture_per_cell().map(f64::to_bits), [32.0; 2].map(f64::to_bits));
    }

    #[test]
    fn the_longer_side_fills_the_square_and_the_rest_is_black() {
        let bytes = ramp(200, 100);
        let square = Square::of(&Picture::from_rgb(200, 100, &bytes).unwrap(), 100);
        for (y, row) in square.rows().enumerate() {
            for (x, pixel) in row.iter().enumerate() {
                // Each is the mean of two by two, half a step above the first, rounded down.
                let expected = [2 * y as u8, 2 * x as u8, 7];
                assert_eq!(*pixel, if y < 50 { expected } else { [0; 3] }, "{x}, {y}");
            }
        }
        assert_eq!(square.picture_per_cell().map(f64::to_bits), [64.0; 2].map(f64::to_bits));
    }

    #[test]
    fn enlarging_interpolates_and_repeats_the_edge() {
        let bytes = ramp(4, 2);
        let square = Square::of(&Picture::from_rgb(4, 2, &bytes).unwrap(), 16);
        let greens: Vec<u8> = square.rows().next().unwrap().iter().map(|pixel| pixel[1]).collect();
        // The third lies an eighth behind the centre of the first pixel, and each other one a
        // quarter further. Parts of a step are rounded down.
        assert_eq!(greens, [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3]);
        assert_eq!(square.rows().filter(|row| row[0][2] == 7).count(), 8);
    }

    #[test]
    fn a_region_is_drawn_in_the_middle_and_nothing_around_it() {
        let bytes = ramp(60, 50);
        let picture = Picture::from_rgb(60, 50, &bytes).unwrap();
        let region = Region { x: 20, y: 10, width: 10, height: 20 };
        let pixels = centred(&picture, region, 20);
        for (place, pixel) in pixels.iter().enumerate() {
            let (x, y) = (place % 20, place / 20);
            let inside = (5..15).contains(&x);
            let expected = if inside { [(10 + y) as u8, (15 + x) as u8, 7] } else { [0; 3] };
            assert_eq!(*pixel, expected, "{x}, {y}");
        }
    }

    #[test]
    fn the_thinnest_pictures_are_drawn() {
        for (width, height) in [(1, 1), (1, 5000), (5000, 1), (3, 2)] {
            let bytes = vec![9; width * height * 3];
            let square = Square::of(&Picture::from_rgb(width, height, &bytes).unwrap(), 64);
            assert!(square.picture_per_cell().iter().all(|scale| scale.is_finite()));
            assert!(square.rows().flatten().all(|pixel| *pixel == [0; 3] || *pixel == [9; 3]));
        }
    }
}
