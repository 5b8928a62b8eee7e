//! Both networks against face-api.js, which gets the same pixels.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use image::RgbImage;
use serde_json::{Value, json};

use super::node;
use super::photographs::{NAMES, photograph, view, weights};
use crate::detector::{Detection, Detector};
use crate::find::SCORE_MIN;
use crate::landmarks::{Landmarks, SIDE};
use crate::picture::Region;
use crate::scale::{self, Square};
use crate::weights::Reader;
use crate::{Picture, Rectangle};

/// Boxes and landmarks are the same to this many pixels of the network's input.
const PIXELS_MAX: f64 = 0.05;

/// All photographs in one picture, with four faces.
fn all_in_one() -> RgbImage {
    let (width, height) = (400, 500);
    let mut whole = RgbImage::new(2 * width, 2 * height);
    for (index, name) in (0..).zip(NAMES) {
        let filter = image::imageops::FilterType::Triangle;
        let one = image::imageops::resize(&photograph(name), width, height, filter);
        let (x, y) = (index % 2 * width, index / 2 * height);
        image::imageops::replace(&mut whole, &one, x.into(), y.into());
    }
    whole
}

fn base64(pixels: &[[u8; 3]]) -> String {
    BASE64_STANDARD.encode(pixels.as_flattened())
}

#[track_caller]
fn assert_near(actual: f64, expected: &Value, tolerance: f64) {
    let expected = expected.as_f64().unwrap();
    assert!((actual - expected).abs() < tolerance, "{actual}, not {expected}");
}

#[test]
fn the_networks_give_what_face_api_gives() {
    let file = weights();
    let mut reader = Reader::new(&file).unwrap();
    let detector = Detector::read(&mut reader);
    let landmarks = Landmarks::read(&mut reader);

    let photographs = NAMES.map(photograph);
    let together = all_in_one();
    let mut pictures: Vec<(&RgbImage, usize)> =
        photographs.iter().map(|photograph| (photograph, 416)).collect();
    pictures.extend([(&together, 416), (&together, 608), (&photographs[0], 160)]);

    let mut squares = Vec::new();
    let mut faces = Vec::new();
    for (image, side) in pictures {
        let own = Square::of(&view(image), side);
        // The same pixels as a picture of their own, so that boxes are in pixels of the square.
        let bytes: Vec<u8> = own.rows().flatten().flatten().copied().collect();
        let picture = Picture::from_rgb(side, side, &bytes).unwrap();
        let square = Square::of(&picture, side);
        let found = detector.detect(&square, SCORE_MIN);
        for detection in &found {
            let region = Region::inside(detection.rectangle, &picture).unwrap();
            faces.push(scale::centred(&picture, region, SIDE));
        }
        squares.push((base64(bytes.as_chunks().0), found));
    }
    let answer = node::ask(
        "face-api.mjs",
        &json!({
            "scoreThreshold": SCORE_MIN,
            "pictures": squares.iter().map(|(pixels, _)| pixels).collect::<Vec<_>>(),
            "faces": faces.iter().map(|pixels| base64(pixels)).collect::<Vec<_>>(),
        }),
    );
    assert!(faces.len() > squares.len(), "there are faces to compare: {}", faces.len());
    for ((_, found), theirs) in squares.iter().zip(answer["boxes"].as_array().unwrap()) {
        assert_eq!(found.len(), theirs.as_array().unwrap().len());
        for (Detection { rectangle, score }, theirs) in found.iter().zip(theirs.as_array().unwrap())
        {
            let Rectangle { x, y, width, height } = *rectangle;
            for (index, number) in [x, y, width, height].into_iter().enumerate() {
                assert_near(number, &theirs[index], PIXELS_MAX);
            }
            assert_near(*score, &theirs[4], 1e-4);
        }
    }
    for (pixels, theirs) in faces.iter().zip(answer["landmarks"].as_array().unwrap()) {
        let points = landmarks.forward(pixels);
        for (index, [x, y]) in points.iter().enumerate() {
            assert_near(f64::from(*x) * SIDE as f64, &theirs[index][0], PIXELS_MAX);
            assert_near(f64::from(*y) * SIDE as f64, &theirs[index][1], PIXELS_MAX);
        }
    }
}
