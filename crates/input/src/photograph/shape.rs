//! The size of a photograph and how it lies in its file.

use jpeg::{Region, Scale};
use wire::Problem;

use super::turn::Turn;
use super::{COPY_SIDE_MAX, MARGIN, Rectangle, View};

/// How a photograph lies in its file.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub(super) turn: Turn,
    /// Width and height as the file has them.
    pub(super) size: [usize; 2],
}

impl Shape {
    /// Width and height in pixels, upright.
    pub(super) const fn upright(self) -> [usize; 2] {
        self.turn.pair(self.size)
    }

    /// All of the file, at the scale of the copy.
    pub(super) fn copy(self) -> (Scale, Region) {
        let scaled = |scale: Scale| self.size.map(|side| side.div_ceil(scale.divisor()));
        let fits = |scale: &Scale| scaled(*scale).iter().all(|side| *side <= COPY_SIDE_MAX);
        let scale = Scale::ALL.into_iter().find(fits).unwrap_or(Scale::Eighth);
        let [width, height] = scaled(scale);
        (scale, Region { x: 0, y: 0, width, height })
    }

    /// A rectangle of the upright photograph in scaled pixels of the file, with [`MARGIN`].
    pub(super) fn part(self, rectangle: Rectangle, divisor: usize) -> Option<Region> {
        let upright = self.upright();
        let Rectangle { x, y, width, height } = rectangle;
        // Unlike `clamp`, `max` and `min` turn NaN into a number.
        let inside = |value: f64, side: usize| value.max(0.0).min(side as f64);
        let [across, down] = upright;
        let edges = [
            [inside(x, across), inside(x + width, across)],
            [inside(y, down), inside(y + height, down)],
        ];
        if edges.iter().any(|[first, last]| first >= last) {
            return None;
        }
        let edges = self.turn.to_file(edges, upright);
        let [across, down] = [0, 1].map(|axis| {
            let [first, last] = edges[axis].map(|edge| edge / divisor as f64);
            let end = (last.ceil() as usize + MARGIN).min(self.size[axis].div_ceil(divisor));
            let first = (first as usize).saturating_sub(MARGIN);
            [first, end - first]
        });
        let ([x, width], [y, height]) = (across, down);
        Some(Region { x, y, width, height })
    }

    /// A region of the scaled file, turned upright. `decode` gives out its rows.
    pub(super) fn draw<T>(
        self,
        scale: Scale,
        region: Region,
        decode: impl FnOnce(&mut dyn FnMut(usize, &[[u8; 3]])) -> Result<T, Problem>,
    ) -> Result<(View, T), Problem> {
        let [width, height] = self.turn.pair([region.width, region.height]);
        let mut pixels = vec![[0; 3]; width * height];
        let decoded = decode(&mut |y, row| {
            self.turn.write(&mut pixels, width, y.saturating_sub(region.y), row);
        })?;
        let divisor = scale.divisor();
        let edges = [
            [region.x * divisor, (region.x + region.width) * divisor],
            [region.y * divisor, (region.y + region.height) * divisor],
        ];
        let [x, y] = self.turn.place(edges, self.upright());
        let rgb = pixels.into_flattened();
        Ok((View { width, height, rgb, scale: divisor, x, y }, decoded))
    }
}
