//! From pixels as a file has them to an upright picture, by its EXIF orientation.

use image::metadata::Orientation;

/// What is done to a picture: rows may become columns, and after that it may be mirrored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    /// Rows become columns.
    swap: bool,
    /// Which axes of the upright picture run the other way: across, down.
    mirror: [bool; 2],
}

impl Turn {
    pub(super) const fn new(orientation: Orientation) -> Self {
        let (swap, mirror) = match orientation {
            Orientation::NoTransforms => (false, [false, false]),
            Orientation::FlipHorizontal => (false, [true, false]),
            Orientation::Rotate180 => (false, [true, true]),
            Orientation::FlipVertical => (false, [false, true]),
            Orientation::Rotate90FlipH => (true, [false, false]),
            Orientation::Rotate90 => (true, [true, false]),
            Orientation::Rotate270FlipH => (true, [true, true]),
            Orientation::Rotate270 => (true, [false, true]),
        };
        Self { swap, mirror }
    }

    /// A pair with a value for each axis of the file, as a pair for the axes of the upright
    /// picture; or the other way.
    pub(super) const fn pair<T: Copy>(self, [across, down]: [T; 2]) -> [T; 2] {
        if self.swap { [down, across] } else { [across, down] }
    }

    /// Two edges of the upright picture, whose sides are `size`, across and down, as edges in the
    /// file.
    pub(super) fn to_file(self, edges: [[f64; 2]; 2], size: [usize; 2]) -> [[f64; 2]; 2] {
        self.pair([0, 1].map(|axis| {
            let ([first, last], length) = (edges[axis], size[axis] as f64);
            if self.mirror[axis] { [length - last, length - first] } else { [first, last] }
        }))
    }

    /// Where a region of the file begins in the upright picture, whose sides are `size`. The region
    /// is given by its edges, across and down.
    pub(super) fn place(self, edges: [[usize; 2]; 2], size: [usize; 2]) -> [isize; 2] {
        let edges = self.pair(edges);
        [0, 1].map(|axis| {
            let [first, last] = edges[axis].map(usize::cast_signed);
            if self.mirror[axis] { size[axis].cast_signed() - last } else { first }
        })
    }

    /// Writes row `y` of the file into an upright picture of this width. `picture` is all of it.
    pub(super) fn write(self, picture: &mut [[u8; 3]], width: usize, y: usize, row: &[[u8; 3]]) {
        let [mirror_x, mirror_y] = self.mirror;
        if self.swap {
            let column = if mirror_x { width.saturating_sub(y + 1) } else { y };
            let lines = picture.chunks_exact_mut(width.max(1));
            let set = |(line, pixel): (&mut [[u8; 3]], &[u8; 3])| {
                if let Some(place) = line.get_mut(column) {
                    *place = *pixel;
                }
            };
            if mirror_y {
                lines.rev().zip(row).for_each(set);
            } else {
                lines.zip(row).for_each(set);
            }
            return;
        }
        let mut lines = picture.chunks_exact_mut(width.max(1));
        let line = if mirror_y { lines.nth_back(y) } else { lines.nth(y) };
        let Some(line) = line else { return };
        for (place, pixel) in line.iter_mut().zip(row) {
            *place = *pixel;
        }
        if mirror_x {
            line.reverse();
        }
    }
}
