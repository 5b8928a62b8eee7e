//! The landmark network against its layers as plain loops.

use super::{COUNT, Landmarks, SIDE};
use crate::detector::{Detector, tests::noise};
use crate::geometry::Rectangle;
use crate::picture::Picture;
use crate::twin::{Map, assert_close};
use crate::weights::Reader;
use crate::weights::tests::random;

fn load(file: &[u8]) -> Landmarks {
    let mut reader = Reader::new(file).unwrap();
    Detector::read(&mut reader);
    Landmarks::read(&mut reader)
}

fn twin(file: &[u8], square: &[u8]) -> Map {
    let mut reader = Reader::new(file).unwrap();
    Detector::read(&mut reader);
    let relu = |value: f64| value.max(0.0);
    let mut map = Map::new(SIDE, SIDE, 3);
    for (values, pixel) in map.data.chunks_mut(3).zip(square.chunks(3)) {
        for ((value, &byte), mean) in values.iter_mut().zip(pixel).zip([122.782, 117.001, 104.298])
        {
            *value = (f64::from(byte) - mean) / 255.0;
        }
    }
    let (filter, bias) = (reader.next("dense0/conv0/filters"), reader.next("dense0/conv0/bias"));
    let mut first = map.convolve((&filter, &bias), (2, 0), [SIDE / 2; 2]).map(relu);
    for block in 0..3 {
        if block > 0 {
            first = map.separable(&mut reader, &format!("dense{block}/conv0"), (2, 0)).map(relu);
        }
        let second = first.separable(&mut reader, &format!("dense{block}/conv1"), (1, 1));
        let sum = second.clone().plus(&first).map(relu);
        let third = sum.separable(&mut reader, &format!("dense{block}/conv2"), (1, 1));
        map = third.plus(&second).plus(&first).map(relu);
    }
    let pixels = map.height * map.width;
    let mut mean = Map::new(1, 1, map.channels);
    for pixel in map.data.chunks(map.channels) {
        for (sum, value) in mean.data.iter_mut().zip(pixel) {
            *sum += value / pixels as f64;
        }
    }
    mean.pointwise(&reader.next("fc/weights"), &reader.next("fc/bias"))
}

#[test]
fn the_network_gives_what_plain_loops_give() {
    let file = random();
    let square = noise(SIDE, SIDE);
    let points = load(&file).forward(square.as_chunks().0);
    let expected = twin(&file, &square);
    assert_eq!(expected.channels, 2 * COUNT);
    assert_close(points.into_iter().flatten(), &expected.data);
}

#[test]
fn landmarks_are_shares_of_the_box() {
    let landmarks = load(&random());
    let bytes = noise(300, 200);
    let picture = Picture::from_rgb(300, 200, &bytes).unwrap();
    // A box of the square's own size is taken as it is.
    let (side, at) = (SIDE as f64, 20.25);
    let face = Rectangle { x: at, y: at, width: side, height: side };
    let square: Vec<[u8; 3]> =
        (20..20 + SIDE).flat_map(|y| picture.row(y)[20..][..SIDE].to_vec()).collect();
    let shares = landmarks.forward(&square);
    for (point, [x, y]) in landmarks.find(&picture, face).unwrap().iter().zip(shares) {
        assert!((point.x - at - f64::from(x) * side).abs() < 1e-3);
        assert!((point.y - at - f64::from(y) * side).abs() < 1e-3);
    }
}

#[test]
fn boxes_beside_the_picture_have_no_landmarks() {
    let landmarks = load(&random());
    let bytes = noise(40, 30);
    let picture = Picture::from_rgb(40, 30, &bytes).unwrap();
    let find = |x, width| landmarks.find(&picture, Rectangle { x, y: 3.0, width, height: 20.0 });
    assert!(find(-20.0, 19.0).is_none());
    assert!(find(40.0, 20.0).is_none());
    assert!(find(39.0, f64::INFINITY).is_none());
    assert!(find(f64::NAN, 20.0).is_none());
    assert!(find(39.0, 20.0).is_some());
}
