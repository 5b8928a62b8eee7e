//! The recipe's numbers against the page's, and the cutting against plain pictures.

use super::{BACKGROUND, INPUT_SIDE, SCALE_X, SCALE_Y, SHIFT_UP, choose, cut};
use crate::find::{Face, SCORE_MIN};
use crate::geometry::{Point, Rectangle};
use crate::landmarks::COUNT;
use crate::picture::Picture;
use crate::quality::Quality;

/// The page's recipe.
const PAGE: &str = include_str!("../../../../site/js/finder/crop.js");

/// What a script says a constant is.
#[track_caller]
pub(crate) fn constant(script: &str, name: &str) -> f64 {
    let begin = format!("const {name} = ");
    let line =
        script.lines().find_map(|line| line.trim_start_matches("export ").strip_prefix(&begin));
    line.expect(name).trim_end_matches(';').parse().expect(name)
}

#[test]
#[expect(clippy::float_cmp, reason = "the same numbers, not computed ones")]
fn the_page_has_the_same_recipe() {
    assert_eq!(constant(PAGE, "CROP_SIZE"), INPUT_SIDE as f64);
    assert_eq!(constant(PAGE, "SCORE_MIN"), SCORE_MIN);
    assert_eq!(constant(PAGE, "SHIFT_UP"), SHIFT_UP);
    assert_eq!(constant(PAGE, "SCALE_X"), SCALE_X);
    assert_eq!(constant(PAGE, "SCALE_Y"), SCALE_Y);
    let background = format!("rgb({BACKGROUND} {BACKGROUND} {BACKGROUND})");
    assert!(PAGE.contains(&background), "{background}");
}

fn face(x: f64, y: f64, side: f64) -> Face {
    let bounds = Rectangle { x, y, width: side, height: side };
    let landmarks = [Point::default(); COUNT];
    let quality = Quality::new(&landmarks, bounds, (100, 100), 0.0);
    Face { bounds, score: 1.0, landmarks, crop: bounds, quality }
}

#[test]
fn the_largest_face_near_the_centre_is_chosen() {
    let chosen = |faces: &[Face]| choose(faces, 100, 100).map(|face| face.bounds.x);
    assert_eq!(chosen(&[]), None);
    assert_eq!(chosen(&[face(40.0, 40.0, 20.0), face(30.0, 30.0, 40.0)]), Some(30.0));
    // Larger, but in the corner.
    assert_eq!(chosen(&[face(40.0, 40.0, 20.0), face(0.0, 0.0, 21.0)]), Some(40.0));
    // The first of equal ones.
    assert_eq!(chosen(&[face(10.0, 40.0, 20.0), face(70.0, 40.0, 20.0)]), Some(10.0));
}

/// A picture of one colour per column and row.
fn picture(width: usize, height: usize, colour: impl Fn(usize, usize) -> u8) -> Vec<u8> {
    (0..width * height).flat_map(|pixel| [colour(pixel % width, pixel / width); 3]).collect()
}

/// The brightness of a crop's pixel.
fn at(crop: &facenet::Face, x: usize, y: usize) -> u8 {
    crop.rgb()[(y * INPUT_SIDE + x) * 3]
}

#[test]
fn a_rectangle_of_the_crop_s_size_keeps_its_pixels() {
    let bytes = picture(300, 200, |x, y| (7 * x + 13 * y) as u8);
    let view = Picture::from_rgb(300, 200, &bytes).unwrap();
    let side = INPUT_SIDE as f64;
    let crop = cut(&view, Rectangle { x: 50.0, y: 30.0, width: side, height: side });
    for (x, y) in [(0, 0), (159, 159), (17, 93)] {
        assert_eq!(at(&crop, x, y), (7 * (x + 50) + 13 * (y + 30)) as u8);
    }
}

#[test]
fn what_is_made_smaller_is_averaged() {
    // Stripes of one pixel. Without averaging they would flicker.
    let bytes = picture(1600, 1600, |x, _| if x % 2 == 0 { 0 } else { 200 });
    let view = Picture::from_rgb(1600, 1600, &bytes).unwrap();
    let crop = cut(&view, Rectangle { x: 3.3, y: 0.0, width: 1590.0, height: 1600.0 });
    assert!(crop.rgb().iter().all(|value| value.abs_diff(100) <= 2));
}

/// The ways to stretch and all copies, on pictures of even and odd sides.
#[test]
fn a_slope_stays_a_slope_at_every_scale() {
    for (width, height) in [(1023, 517), (512, 768), (333, 111)] {
        let bytes = picture(width, height, |x, y| (x * 200 / width + y * 50 / height) as u8);
        let view = Picture::from_rgb(width, height, &bytes).unwrap();
        for scale in [1.0, 0.7, 0.31, 0.1, 0.04] {
            let [w, h] = [width, height].map(|side| scale * side as f64);
            let rectangle = Rectangle { x: 0.4 * (width as f64 - w), y: 3.7, width: w, height: h };
            let crop = cut(&view, rectangle);
            for (x, y) in [(20, 20), (130, 40), (70, 110)] {
                let place = |pixel: usize, from: f64, length: f64| {
                    from + (pixel as f64 + 0.5) / 160.0 * length
                };
                let across = place(x, rectangle.x, w) * 200.0 / width as f64;
                let expected = across + place(y, 3.7, h) * 50.0 / height as f64;
                let actual = f64::from(at(&crop, x, y));
                assert!((actual - expected).abs() < 3.0, "{actual}, not {expected}: {scale}");
            }
        }
    }
}

#[test]
fn no_rectangle_reaches_for_what_is_not_there() {
    for (width, height) in [(1, 1), (1, 2000), (2000, 1), (7, 5), (160, 160), (641, 1279)] {
        let bytes = picture(width, height, |_, _| 50);
        let view = Picture::from_rgb(width, height, &bytes).unwrap();
        for step in 0..400 {
            let part = |times: usize, side: usize| {
                let share = (step * times % 97) as f64 / 97.0;
                (share * share * 3.0 + 0.001) * side as f64
            };
            let [w, h] = [part(13, width), part(29, height)];
            let [x, y] = [part(41, width) - 0.8 * w, part(53, height) - 0.8 * h];
            let crop = cut(&view, Rectangle { x, y, width: w, height: h });
            assert!(crop.rgb().iter().all(|value| [50, 128].contains(value)));
        }
    }
}

#[test]
fn beyond_the_picture_it_is_grey() {
    let bytes = picture(100, 100, |_, _| 255);
    let view = Picture::from_rgb(100, 100, &bytes).unwrap();
    let crop = cut(&view, Rectangle { x: -40.0, y: 60.0, width: 80.0, height: 80.0 });
    for y in 0..INPUT_SIDE {
        for x in 0..INPUT_SIDE {
            let inside = x >= 80 && y < 80;
            assert_eq!(at(&crop, x, y), if inside { 255 } else { 128 }, "{x}, {y}");
        }
    }
    let beside = cut(&view, Rectangle { x: 500.0, y: 0.0, width: 80.0, height: 80.0 });
    assert!(beside.rgb().iter().all(|&value| value == 128));
}

#[test]
fn no_rectangle_is_too_odd() {
    let bytes = picture(3, 2, |_, _| 9);
    let view = Picture::from_rgb(3, 2, &bytes).unwrap();
    let odd = [0.0, -1.0, 1e-300, 1e300, f64::NAN, f64::INFINITY];
    for x in odd {
        for width in odd {
            let crop = cut(&view, Rectangle { x, y: 0.0, width, height: 2.0 });
            assert!(crop.rgb().iter().all(|value| (9..=128).contains(value)), "{x}, {width}");
        }
    }
}
