//! Points and rectangles of a picture, in its pixels, from its left upper corner.

/// A point.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// To the right.
    pub x: f64,
    /// Down.
    pub y: f64,
}

/// An upright rectangle. It may reach over the picture's edges.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rectangle {
    /// Its left edge.
    pub x: f64,
    /// Its upper edge.
    pub y: f64,
    /// From left to right.
    pub width: f64,
    /// From top to bottom.
    pub height: f64,
}

impl Rectangle {
    /// The smallest rectangle that holds all points. Without points, it is empty.
    #[must_use]
    pub fn around(points: &[Point]) -> Self {
        let Some(first) = points.first() else { return Self::default() };
        let [mut left, mut top, mut right, mut bottom] = [first.x, first.y, first.x, first.y];
        for point in points {
            left = left.min(point.x);
            top = top.min(point.y);
            right = right.max(point.x);
            bottom = bottom.max(point.y);
        }
        Self { x: left, y: top, width: right - left, height: bottom - top }
    }

    /// The rectangle of this size around a centre.
    #[must_use]
    pub fn centred(centre: Point, width: f64, height: f64) -> Self {
        Self { x: centre.x - width / 2.0, y: centre.y - height / 2.0, width, height }
    }

    /// Its right edge.
    #[must_use]
    pub fn right(self) -> f64 {
        self.x + self.width
    }

    /// Its lower edge.
    #[must_use]
    pub fn bottom(self) -> f64 {
        self.y + self.height
    }

    /// Its centre.
    #[must_use]
    pub fn centre(self) -> Point {
        Point { x: self.x + self.width / 2.0, y: self.y + self.height / 2.0 }
    }

    /// Width times height.
    #[must_use]
    pub fn area(self) -> f64 {
        self.width * self.height
    }

    /// The area of what two rectangles share.
    #[must_use]
    pub fn shared_area(self, other: Self) -> f64 {
        let width = self.right().min(other.right()) - self.x.max(other.x);
        let height = self.bottom().min(other.bottom()) - self.y.max(other.y);
        width.max(0.0) * height.max(0.0)
    }

    /// Intersection over union, 0 to 1: how far two rectangles are the same.
    #[must_use]
    pub fn overlap(self, other: Self) -> f64 {
        let shared = self.shared_area(other);
        shared / (self.area() + other.area() - shared)
    }

    /// The same rectangle in a picture that is scaled by a factor per axis.
    #[must_use]
    pub fn scaled(self, [by_x, by_y]: [f64; 2]) -> Self {
        Self {
            x: self.x * by_x,
            y: self.y * by_y,
            width: self.width * by_x,
            height: self.height * by_y,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rectangle(x: f64, y: f64, width: f64, height: f64) -> Rectangle {
        Rectangle { x, y, width, height }
    }

    #[test]
    fn overlap_is_intersection_over_union() {
        let one = rectangle(0.0, 0.0, 4.0, 2.0);
        let check = |other, expected: f64| {
            assert!((one.overlap(other) - expected).abs() < 1e-12, "{other:?}");
            assert!((other.overlap(one) - expected).abs() < 1e-12, "{other:?}");
        };
        check(one, 1.0);
        check(rectangle(2.0, 0.0, 4.0, 2.0), 1.0 / 3.0);
        check(rectangle(1.0, 0.5, 2.0, 1.0), 0.25);
        check(rectangle(4.0, 0.0, 1.0, 1.0), 0.0);
        check(rectangle(-9.0, -9.0, 1.0, 1.0), 0.0);
    }

    #[test]
    fn a_rectangle_around_points_touches_the_outermost() {
        let points = [(3.0, 1.0), (-2.0, 5.0), (0.0, 0.0)].map(|(x, y)| Point { x, y });
        assert_eq!(Rectangle::around(&points), rectangle(-2.0, 0.0, 5.0, 5.0));
        assert_eq!(Rectangle::around(&points[..1]), rectangle(3.0, 1.0, 0.0, 0.0));
        assert_eq!(Rectangle::around(&[]), Rectangle::default());
    }
}
