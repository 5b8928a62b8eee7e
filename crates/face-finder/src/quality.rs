//! How good a face in a photograph is. The page judges a face in the viewfinder in the same way
//! (`site/js/finder/quality.js`); a test compares the numbers. Advice to people before a camera is
//! only there: too near for the lens, hold still, one person only. Of blur the page speaks once it
//! has a crop (`site/js/finder/find-face.js`).

use facenet::layers::INPUT_SIDE;

use crate::geometry::{Point, Rectangle};
use crate::landmarks;

/// A narrower crop, in pixels of the picture, is blurred when it is enlarged to 160 pixels.
const CROP_WIDTH_MIN: f64 = 110.0;

/// How much of a crop may lie outside the picture, as a share of its width or height.
const OUTSIDE_MAX: f64 = 0.12;

/// How far the nose may be from the middle between the eyes, as a share of the eyes' distance. It
/// grows with the tangent of the angle by which the head is turned. Of 40 people who had turned by
/// 30 degrees, half had less than 0.30 (the IMM face database), so this is about 34 degrees.
const YAW_MAX: f64 = 0.35;

/// The slope of the line through the eyes in radians, about 20 degrees.
const ROLL_MAX: f64 = 0.36;

/// The mean brightness of a face, 0 to 255, below and above which it is too dark or too bright.
const DARK: f64 = 45.0;
const BRIGHT: f64 = 225.0;

/// A face below this [`sharpness`] is blurred. Of 1,017 crops of photographs, one is. Of 113 crops
/// that were blurred on purpose, 98 % are where the blur is a Gaussian curve with a standard
/// deviation of 2.5 pixels, and 1 % where it is 1 pixel. From 3 pixels on, some faces do not match
/// their own sharp picture any more.
const SHARPNESS_MIN: f64 = 0.24;

/// The landmarks of the eyes, and the tip of the nose.
const LEFT_EYE: std::ops::Range<usize> = 36..42;
const RIGHT_EYE: std::ops::Range<usize> = 42..48;
const NOSE: usize = 30;

/// What makes a face less usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It has too few pixels.
    TooSmall,
    /// Too much of it is outside the picture.
    CutOff,
    /// The head is turned or tilted.
    Turned,
    /// It has too little light.
    Dark,
    /// It has too much light.
    Bright,
    /// It is out of focus, or has moved.
    Blurred,
}

impl Reason {
    /// The word for it in answers.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::TooSmall => "too_small",
            Self::CutOff => "cut_off",
            Self::Turned => "turned",
            Self::Dark => "dark",
            Self::Bright => "bright",
            Self::Blurred => "blurred",
        }
    }
}

/// What is known of a face's quality.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality {
    /// The width of the crop in pixels of the picture.
    pub crop_width: f64,
    /// How much of the crop is outside the picture, on the side where most is, as a share of the
    /// crop's width or height. Less than 0 when all of it is inside.
    pub outside: f64,
    /// How far the nose is from the middle between the eyes, as a share of their distance; to the
    /// right in the picture when it is positive. Not finite when the eyes are in one place.
    pub yaw: f64,
    /// The slope of the line through the eyes in radians, clockwise when it is positive.
    pub roll: f64,
    /// The mean brightness in the face's box, 0 to 255.
    pub brightness: f64,
    /// How sharp the crop is, mostly about 0.65: see [`sharpness`]. Nothing where the face has too
    /// few pixels, because enlarging blurs.
    pub sharpness: Option<f64>,
}

impl Quality {
    /// Measures a face with this crop in a picture of this size. The sharpness is left out: it
    /// needs the crop's pixels, which [`Quality::with_crop`] takes.
    #[must_use]
    pub fn new(
        points: &[Point; landmarks::COUNT],
        crop: Rectangle,
        (width, height): (usize, usize),
        brightness: f64,
    ) -> Self {
        let beyond = |from: f64, length: f64, side: usize| {
            (-from / length).max((from + length - side as f64) / length)
        };
        let outside = beyond(crop.x, crop.width, width).max(beyond(crop.y, crop.height, height));
        let (left, right) = (mean(&points[LEFT_EYE]), mean(&points[RIGHT_EYE]));
        let (across, down) = (right.x - left.x, right.y - left.y);
        let middle = mean(&[left, right]);
        let nose = points[NOSE];
        // Along the line through the eyes.
        let away = (nose.x - middle.x) * across + (nose.y - middle.y) * down;
        Self {
            crop_width: crop.width,
            outside,
            yaw: away / (across * across + down * down),
            roll: down.atan2(across),
            brightness,
            sharpness: None,
        }
    }

    /// The same with the sharpness of the crop, when it has enough pixels of the picture.
    #[must_use]
    pub fn with_crop(self, crop: &facenet::Face) -> Self {
        let sharpness = (self.crop_width >= CROP_WIDTH_MIN).then(|| sharpness(crop));
        Self { sharpness, ..self }
    }

    /// All that is wrong, the worst first: nothing helps a face that is too small.
    #[must_use]
    pub fn reasons(&self) -> Vec<Reason> {
        // NaN compares as false, so it is not straight.
        let is_straight = self.yaw.abs() <= YAW_MAX && self.roll.abs() <= ROLL_MAX;
        let wrong = [
            (self.crop_width < CROP_WIDTH_MIN, Reason::TooSmall),
            (self.outside > OUTSIDE_MAX, Reason::CutOff),
            (!is_straight, Reason::Turned),
            (self.brightness < DARK, Reason::Dark),
            (self.brightness > BRIGHT, Reason::Bright),
            (self.sharpness.is_some_and(|sharp| sharp < SHARPNESS_MIN), Reason::Blurred),
        ];
        wrong.into_iter().filter(|(is_wrong, _)| *is_wrong).map(|(_, reason)| reason).collect()
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.reasons().is_empty()
    }
}

/// How sharp a crop is: the root mean square of its Laplacian, in units of the standard deviation
/// of its brightness, so that neither light nor contrast count. It is computed at half the crop's
/// size, where the noise of cameras hardly shows, and without the outer eighths, which show the
/// background. A crop without contrast has sharpness 0.
#[must_use]
pub fn sharpness(crop: &facenet::Face) -> f64 {
    const SIDE: usize = INPUT_SIDE / 2;
    const INNER: std::ops::Range<usize> = SIDE / 8..SIDE - SIDE / 8;
    let (pixels, _) = crop.rgb().as_chunks::<3>();
    let grey = |x: usize, y: usize| {
        let [red, green, blue] = pixels[y * INPUT_SIDE + x].map(f64::from);
        0.299 * red + 0.587 * green + 0.114 * blue
    };
    let half = |x: usize, y: usize| {
        let corners = [(0, 0), (1, 0), (0, 1), (1, 1)];
        corners.iter().map(|(right, down)| grey(2 * x + right, 2 * y + down)).sum::<f64>() / 4.0
    };
    let halves: Vec<f64> = (0..SIDE * SIDE).map(|pixel| half(pixel % SIDE, pixel / SIDE)).collect();
    let at = |x: usize, y: usize| halves[y * SIDE + x];
    let (mut sum, mut squares, mut edges) = (0.0, 0.0, 0.0);
    for y in INNER {
        for x in INNER {
            let value = at(x, y);
            let around = at(x - 1, y) + at(x + 1, y) + at(x, y - 1) + at(x, y + 1);
            sum += value;
            squares += value * value;
            edges += (around - 4.0 * value).powi(2);
        }
    }
    let count = (INNER.len() * INNER.len()) as f64;
    let variance = squares / count - (sum / count).powi(2);
    // Less than a step of brightness is no contrast.
    if variance < 1.0 { 0.0 } else { (edges / count / variance).sqrt() }
}

fn mean(points: &[Point]) -> Point {
    let count = points.len() as f64;
    let sum = |axis: fn(&Point) -> f64| points.iter().map(axis).sum::<f64>() / count;
    Point { x: sum(|point| point.x), y: sum(|point| point.y) }
}

#[cfg(test)]
mod tests;
