//! Whether a crop holds a face at all. The detector tells. A face can only be in one place here, so
//! a lower score is enough than in a photograph.

use facenet::layers::INPUT_SIDE;

use crate::detector::Detector;
use crate::picture::Picture;
use crate::scale::Square;

/// Input sizes of the detector, the fastest first. Each misses good crops that another one sees.
const LOOK_SIZES: [usize; 3] = [128, 160, 224];

/// Height of the crop as a share of the input, and its width as a share of that height. The recipe
/// has stretched the crop to a square. Drawn like this, a face has its own shape again, the size
/// that the detector sees best, and room around it.
const HEIGHT: f64 = 0.6;
const WIDTH: f64 = 0.74;

/// The score that a crop of a caller must have. Nearly all good crops score 0.5 or more at one of
/// the sizes, and most other pictures score nothing.
pub(crate) const CROP_SCORE_MIN: f64 = 0.25;

/// The score that a crop of the finder's own must have, where it was not sure of the face.
pub(crate) const FOUND_SCORE_MIN: f64 = 0.5;

/// How far from the crop's centre a face may be, and how high it must be, as shares of the crop's
/// width and height. Other faces are in the background.
const AWAY_MAX: f64 = 0.3;
const FACE_HEIGHT_MIN: f64 = 0.4;

/// Whether the face of a crop scores more than `score_min`.
pub(crate) fn holds_face(detector: &Detector, crop: &facenet::Face, score_min: f64) -> bool {
    let Some(picture) = Picture::from_rgb(INPUT_SIDE, INPUT_SIDE, crop.rgb()) else { return false };
    LOOK_SIZES.iter().any(|&side| {
        let height = HEIGHT * side as f64;
        let width = WIDTH * height;
        let found = detector.detect(&Square::around(&picture, [width, height], side), score_min);
        found.iter().any(|detection| {
            let centre = detection.rectangle.centre();
            let away = |at: f64, length: f64| (at - side as f64 / 2.0).abs() / length;
            away(centre.x, width) < AWAY_MAX
                && away(centre.y, height) < AWAY_MAX
                && detection.rectangle.height > FACE_HEIGHT_MIN * height
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{AWAY_MAX, FACE_HEIGHT_MIN, FOUND_SCORE_MIN, HEIGHT, LOOK_SIZES, WIDTH};
    use crate::crop::tests::constant;
    use crate::find::tests::PAGE;

    #[test]
    #[expect(clippy::float_cmp, reason = "the same numbers, not computed ones")]
    fn the_page_looks_a_second_time_as_well() {
        assert!(PAGE.contains(&format!("LOOK_SIZES = {LOOK_SIZES:?};")));
        assert_eq!(constant(PAGE, "LOOK_SCORE_MIN"), FOUND_SCORE_MIN);
        assert_eq!(constant(PAGE, "LOOK_HEIGHT"), HEIGHT);
        assert_eq!(constant(PAGE, "LOOK_WIDTH"), WIDTH);
        assert_eq!(constant(PAGE, "AWAY_MAX"), AWAY_MAX);
        assert_eq!(constant(PAGE, "FACE_HEIGHT_MIN"), FACE_HEIGHT_MIN);
    }
}
