//! The limits against the page's, and one face for each reason.

use super::{
    BRIGHT, CROP_WIDTH_MIN, DARK, INPUT_SIDE, OUTSIDE_MAX, Quality, ROLL_MAX, Reason,
    SHARPNESS_MIN, YAW_MAX, sharpness,
};
use crate::crop;
use crate::crop::tests::constant;
use crate::geometry::{Point, Rectangle};
use crate::landmarks::COUNT;

/// How the page judges.
const PAGE: &str = include_str!("../../../../site/js/finder/quality.js");
const PAGE_ON_CROPS: &str = include_str!("../../../../site/js/finder/find-face.js");

#[test]
#[expect(clippy::float_cmp, reason = "the same numbers, not computed ones")]
fn the_page_has_the_same_limits() {
    assert_eq!(constant(PAGE, "CROP_WIDTH_MIN"), CROP_WIDTH_MIN);
    assert_eq!(constant(PAGE, "OUTSIDE_MAX"), OUTSIDE_MAX);
    assert_eq!(constant(PAGE, "YAW_MAX"), YAW_MAX);
    assert_eq!(constant(PAGE, "ROLL_MAX"), ROLL_MAX);
    assert_eq!(constant(PAGE, "DARK"), DARK);
    assert_eq!(constant(PAGE, "BRIGHT"), BRIGHT);
    assert_eq!(constant(PAGE_ON_CROPS, "SHARPNESS_MIN"), SHARPNESS_MIN);
}

/// A face of this width that looks straight ahead, with the nose moved by a share of the distance
/// of the eyes.
fn points(left: f64, top: f64, width: f64, nose: f64) -> [Point; COUNT] {
    let mut points = [Point { x: left, y: top }; COUNT];
    points[16] = Point { x: left + width, y: top + width };
    for (index, point) in points.iter_mut().enumerate() {
        let place = match index {
            36..42 => 0.25,
            42..48 => 0.75,
            30 => 0.5 + 0.5 * nose,
            _ => continue,
        };
        *point = Point { x: left + place * width, y: top + 0.3 * width };
    }
    points
}

fn reasons(points: &[Point; COUNT], brightness: f64) -> Vec<Reason> {
    let crop = crop::rectangle(points);
    Quality::new(points, crop, (400, 300), brightness).reasons()
}

#[test]
fn each_fault_has_its_reason() {
    assert_eq!(reasons(&points(150.0, 100.0, 110.0, 0.0), 120.0), []);
    assert_eq!(reasons(&points(150.0, 100.0, 96.0, 0.0), 120.0), [Reason::TooSmall]);
    assert_eq!(reasons(&points(-10.0, 100.0, 110.0, 0.0), 120.0), [Reason::CutOff]);
    assert_eq!(reasons(&points(150.0, 200.0, 110.0, 0.0), 120.0), [Reason::CutOff]);
    assert_eq!(reasons(&points(150.0, 100.0, 110.0, 0.4), 120.0), [Reason::Turned]);
    assert_eq!(reasons(&points(150.0, 100.0, 110.0, -0.4), 120.0), [Reason::Turned]);
    assert_eq!(reasons(&points(150.0, 100.0, 110.0, 0.0), 40.0), [Reason::Dark]);
    assert_eq!(reasons(&points(150.0, 100.0, 110.0, 0.0), 230.0), [Reason::Bright]);
    let both = [Reason::TooSmall, Reason::Dark];
    assert_eq!(reasons(&points(150.0, 100.0, 50.0, 0.0), 10.0), both);
}

#[test]
fn a_tilted_head_is_turned() {
    let turned = |slope: f64| {
        let mut points = points(150.0, 100.0, 110.0, 0.0);
        for point in &mut points[42..48] {
            point.y += slope * 55.0;
        }
        points[30].y += slope * 27.5;
        reasons(&points, 120.0)
    };
    assert_eq!(turned(0.3), []);
    assert_eq!(turned(0.4), [Reason::Turned]);
    assert_eq!(turned(-0.4), [Reason::Turned]);
}

#[test]
fn what_is_no_face_is_turned() {
    let points = [Point { x: 50.0, y: 50.0 }; COUNT];
    let crop = Rectangle { x: 0.0, y: 0.0, width: 200.0, height: 200.0 };
    let quality = Quality::new(&points, crop, (400, 300), 120.0);
    assert_eq!(quality.reasons(), [Reason::Turned]);
    assert!(!quality.is_usable());
}

/// Stripes of a width, as a crop.
fn stripes(width: usize, low: u8, high: u8) -> facenet::Face {
    let value =
        |pixel: usize| if (pixel % INPUT_SIDE / width).is_multiple_of(2) { low } else { high };
    let pixels = (0..INPUT_SIDE * INPUT_SIDE).flat_map(|pixel| [value(pixel); 3]).collect();
    facenet::Face::from_rgb(pixels).unwrap()
}

#[test]
fn sharpness_is_of_edges_and_not_of_contrast() {
    let (strong, weak) = (sharpness(&stripes(10, 0, 250)), sharpness(&stripes(10, 100, 125)));
    assert!((strong - weak).abs() < 1e-9 && strong > 0.6, "{strong}, {weak}");
    assert!(sharpness(&stripes(40, 0, 250)) < strong);
    assert!(sharpness(&stripes(10, 99, 99)).abs() < 1e-9);
}

#[test]
fn blur_is_judged_only_where_there_are_pixels() {
    let reasons = |width: f64| {
        let points = points(150.0, 100.0, width, 0.0);
        let quality = Quality::new(&points, crop::rectangle(&points), (400, 300), 120.0);
        assert_eq!(quality.sharpness, None);
        quality.with_crop(&stripes(200, 0, 99)).reasons()
    };
    assert_eq!(reasons(110.0), [Reason::Blurred]);
    assert_eq!(reasons(90.0), [Reason::TooSmall]);
}
