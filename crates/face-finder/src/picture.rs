//! A decoded picture, which borrows its pixels.

use crate::geometry::Rectangle;

/// The largest width and height in pixels. So coordinates and their products fit every type that
/// they are computed in.
pub const SIDE_MAX: usize = 1 << 15;

/// An upright picture, RGB, eight bits a channel, row by row.
#[derive(Clone, Copy)]
pub struct Picture<'a> {
    width: usize,
    height: usize,
    pixels: &'a [[u8; 3]],
}

impl<'a> Picture<'a> {
    /// A picture of raw pixels, or nothing when there are not `width * height * 3` bytes, or when a
    /// side is 0 or longer than [`SIDE_MAX`].
    #[must_use]
    pub fn from_rgb(width: usize, height: usize, rgb: &'a [u8]) -> Option<Self> {
        let sides = 1..=SIDE_MAX;
        let (pixels, rest) = rgb.as_chunks::<3>();
        let fits = sides.contains(&width) && sides.contains(&height);
        (fits && rest.is_empty() && pixels.len() == width * height).then_some(Self {
            width,
            height,
            pixels,
        })
    }

    /// In pixels.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width
    }

    /// In pixels.
    #[must_use]
    pub const fn height(&self) -> usize {
        self.height
    }

    /// A row, of as many pixels as the picture is wide.
    ///
    /// # Panics
    /// When the picture has no such row.
    #[must_use]
    pub(crate) fn row(&self, y: usize) -> &'a [[u8; 3]] {
        &self.pixels[y * self.width..][..self.width]
    }

    /// All pixels, row by row.
    pub(crate) const fn pixels(&self) -> &'a [[u8; 3]] {
        self.pixels
    }

    /// All of the picture.
    pub(crate) const fn region(&self) -> Region {
        Region { x: 0, y: 0, width: self.width, height: self.height }
    }

    /// The mean brightness, 0 to 255, of the pixels that a rectangle touches, but of at least one.
    #[must_use]
    pub fn brightness(&self, part: Rectangle) -> f64 {
        let (x, width) = touched(part.x, part.right(), self.width);
        let (y, height) = touched(part.y, part.bottom(), self.height);
        let mut sums = [0_u64; 3];
        for row in y..y + height {
            for pixel in &self.row(row)[x..x + width] {
                for (sum, &value) in sums.iter_mut().zip(pixel) {
                    *sum += u64::from(value);
                }
            }
        }
        // The weights of ITU-R BT.601, as the page has them.
        let [red, green, blue] = sums.map(|sum| sum as f64);
        (0.299 * red + 0.587 * green + 0.114 * blue) / (width * height) as f64
    }
}

/// The first of a line's `side` pixels that a range touches, and how many it touches: at least one.
fn touched(from: f64, to: f64, side: usize) -> (usize, usize) {
    let side = side as f64;
    // Unlike `clamp`, `max` and `min` turn NaN into a number.
    let first = from.floor().max(0.0).min(side - 1.0);
    let end = to.ceil().max(first + 1.0).min(side);
    (first as usize, (end - first) as usize)
}

/// A part of a picture, in whole pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Region {
    pub(crate) x: usize,
    pub(crate) y: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
}

impl Region {
    /// The part of a picture inside a rectangle, or nothing when that is less than a pixel. Edges
    /// and sizes are rounded down before they are cut off, as in face-api.js.
    pub(crate) fn inside(part: Rectangle, picture: &Picture<'_>) -> Option<Self> {
        let cut = |from: f64, length: f64, side: usize| {
            let (from, length, side) = (from.floor(), length.floor(), side as f64);
            let first = from.max(0.0);
            // An endless box is no face.
            let end = (from + length).is_finite().then_some(from + length)?;
            let length = (end - first).min(side - first);
            (length >= 1.0).then_some((first as usize, length as usize))
        };
        let (x, width) = cut(part.x, part.width, picture.width)?;
        let (y, height) = cut(part.y, part.height, picture.height)?;
        Some(Self { x, y, width, height })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_all_its_pixels() {
        let is_picture = |width, height, bytes| {
            let bytes = vec![0; bytes];
            Picture::from_rgb(width, height, &bytes).is_some()
        };
        assert!(is_picture(4, 3, 36));
        assert!(!is_picture(4, 3, 35));
        assert!(!is_picture(4, 3, 37));
        assert!(!is_picture(4, 3, 39));
        assert!(!is_picture(0, 3, 0));
        assert!(!is_picture(usize::MAX, usize::MAX, 3));
        assert!(is_picture(SIDE_MAX, 1, 3 * SIDE_MAX));
        assert!(!is_picture(SIDE_MAX + 1, 1, 3 * (SIDE_MAX + 1)));
    }

    #[test]
    fn brightness_is_that_of_the_pixels_touched() {
        let mut bytes = [0; 4 * 3 * 3];
        bytes[15..18].copy_from_slice(&[255, 255, 255]);
        let picture = Picture::from_rgb(4, 3, &bytes).unwrap();
        let check = |x, y, width, height, expected: f64| {
            let brightness = picture.brightness(Rectangle { x, y, width, height });
            assert!((brightness - expected).abs() < 1e-9, "{brightness}, not {expected}");
        };
        check(1.0, 1.0, 1.0, 1.0, 255.0);
        check(1.5, 1.5, 0.2, 0.2, 255.0);
        check(0.5, 1.0, 1.0, 1.0, 127.5);
        check(-9.0, -9.0, 99.0, 99.0, 255.0 / 12.0);
        // Beside the picture, its nearest pixel counts.
        check(-9.0, 9.0, 1.0, 1.0, 0.0);
        check(f64::NAN, f64::NAN, f64::NAN, f64::NAN, 0.0);
    }

    #[test]
    fn a_region_is_inside_the_picture() {
        let bytes = [0; 10 * 8 * 3];
        let picture = Picture::from_rgb(10, 8, &bytes).unwrap();
        let region = |x, y, width, height| {
            Region::inside(Rectangle { x, y, width, height }, &picture)
                .map(|region| [region.x, region.y, region.width, region.height])
        };
        assert_eq!(region(1.9, 2.1, 3.9, 4.9), Some([1, 2, 3, 4]));
        assert_eq!(region(-1.5, -2.5, 5.0, 6.0), Some([0, 0, 3, 3]));
        assert_eq!(region(8.0, 6.0, 9.0, 9.0), Some([8, 6, 2, 2]));
        assert_eq!(region(-5.0, 0.0, 4.0, 4.0), None);
        assert_eq!(region(10.0, 0.0, 4.0, 4.0), None);
        assert_eq!(region(0.0, 0.0, 0.9, 4.0), None);
        assert_eq!(region(f64::NAN, 0.0, f64::NAN, 4.0), None);
        assert_eq!(region(0.0, 0.0, f64::INFINITY, f64::INFINITY), None);
    }
}
