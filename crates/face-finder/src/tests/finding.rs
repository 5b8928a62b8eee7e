//! What is found in the photographs, in pictures made of them, and in pictures of nobody.

use image::RgbImage;
use image::imageops::{self, FilterType};

use super::photographs::{NAMES, finder, photograph, view};
use crate::find::SIZES;
use crate::{Rectangle, crop};

/// A photograph of this height.
fn of_height(name: &str, height: u32) -> RgbImage {
    let whole = photograph(name);
    let width = whole.width() * height / whole.height();
    imageops::resize(&whole, width, height, FilterType::Triangle)
}

#[test]
fn each_photograph_has_one_face_at_every_size() {
    let finder = finder();
    for name in NAMES {
        let image = photograph(name);
        let faces = finder.find(&view(&image));
        assert_eq!(faces.len(), 1, "{name}: {faces:?}");
        assert!(faces[0].quality.is_usable(), "{name}: {:?}", faces[0].quality);
        for size in SIZES {
            let alone = finder.find_at(&view(&image), &[size]);
            assert!(alone.len() <= 1, "{name} at {size}: {alone:?}");
            for face in alone {
                assert!(face.score <= faces[0].score, "the best one counts");
                // The smallest size sees boxes coarsely.
                assert!(face.bounds.overlap(faces[0].bounds) > 0.5);
            }
        }
    }
}

#[test]
fn two_people_are_two_faces() {
    let (left, right) = (of_height("obama-1", 800), of_height("biden-2", 800));
    let mut both = RgbImage::new(left.width() + right.width(), 800);
    imageops::replace(&mut both, &left, 0, 0);
    imageops::replace(&mut both, &right, left.width().into(), 0);
    let faces = finder().find(&view(&both));
    assert_eq!(faces.len(), 2, "{faces:?}");
    assert!(faces[0].bounds.area() >= faces[1].bounds.area(), "the largest comes first");
    let is_left = |face: &crate::Face| face.bounds.centre().x < f64::from(left.width());
    assert_ne!(is_left(&faces[0]), is_left(&faces[1]));
}

/// The second look for the crop is at a larger copy than the one in which faces are found.
#[test]
fn a_face_is_in_the_same_place_in_a_copy() {
    let finder = finder();
    let (large, small) = (of_height("obama-2", 1600), of_height("obama-2", 800));
    let size = |image: &RgbImage| (image.width() as usize, image.height() as usize);
    let [found] = &finder.find(&view(&small))[..] else { panic!("a face") };
    let there = found.in_copy(size(&small), size(&large));
    let [expected] = &finder.find(&view(&large))[..] else { panic!("a face") };
    assert!(there.bounds.overlap(expected.bounds) > 0.9);
    assert!(there.crop.overlap(expected.crop) > 0.9);
    let width = found.quality.crop_width;
    assert!((there.quality.crop_width - 2.0 * width).abs() < 0.02 * width);
}

#[test]
fn crops_of_one_face_are_alike_from_every_copy() {
    let finder = finder();
    let crops = [600, 900, 1137].map(|height| {
        let image = of_height("obama-1", height);
        let picture = view(&image);
        let faces = finder.find(&picture);
        let face = crop::choose(&faces, picture.width(), picture.height()).unwrap();
        crop::cut(&picture, face.crop)
    });
    for other in &crops[1..] {
        let pairs = crops[0].rgb().iter().zip(other.rgb());
        let sum: u32 = pairs.map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
        let mean = f64::from(sum) / crops[0].rgb().len() as f64;
        assert!(mean < 14.0, "{mean}");
    }
}

#[test]
fn nobody_is_nobody() {
    let finder = finder();
    let blue = |x, y| image::Rgb([90, 140, (255 - y / 4 - x / 16) as u8]);
    let sky = RgbImage::from_fn(640, 480, blue);
    let wall = RgbImage::from_fn(480, 640, |x, y| {
        let joint = x % 60 < 4 || y % 30 < 4;
        image::Rgb(if joint { [200, 195, 190] } else { [150, 60, 50] })
    });
    // A face that is nowhere near upright is none for this detector.
    let lying = imageops::rotate180(&photograph("biden-1"));
    for (name, image) in [("sky", sky), ("wall", wall), ("lying", lying)] {
        assert!(finder.find(&view(&image)).is_empty(), "{name}");
    }
    let dot = RgbImage::new(1, 1);
    assert!(finder.find(&view(&dot)).is_empty());
}

#[test]
fn a_face_at_the_edge_is_cut_off() {
    let whole = photograph("biden-2");
    let faces = finder().find(&view(&whole));
    let Rectangle { x, width, .. } = faces[0].crop;
    let from = (x + 0.2 * width) as u32;
    let part = imageops::crop_imm(&whole, from, 0, whole.width() - from, whole.height()).to_image();
    let faces = finder().find(&view(&part));
    assert_eq!(faces.len(), 1, "{faces:?}");
    let reasons = faces[0].quality.reasons();
    assert!(reasons.contains(&crate::Reason::CutOff), "{:?}", faces[0].quality);
}

#[test]
fn a_crop_of_a_face_holds_a_face() {
    let finder = finder();
    for name in NAMES {
        let image = photograph(name);
        let picture = view(&image);
        let faces = finder.find(&picture);
        let Rectangle { x, y, width, height } = faces[0].crop;
        let crop = |rectangle| crop::cut(&picture, rectangle);
        assert!(finder.holds_face(&crop(faces[0].crop)), "{name}");
        // As people cut by hand: wider, and nearer.
        let wider = Rectangle { x: x - 0.2 * width, width: 1.4 * width, y, height };
        assert!(finder.holds_face(&crop(wider)), "{name}, wider");
        let nearer = Rectangle { x, y: y + 0.1 * height, width, height: 0.9 * height };
        assert!(finder.holds_face(&crop(nearer)), "{name}, nearer");
        // The chest of the same person.
        let chest = Rectangle { x, y: y + 1.3 * height, width, height };
        assert!(!finder.holds_face(&crop(chest)), "{name}, the chest");
    }
}

#[test]
fn what_shows_nobody_holds_no_face() {
    let finder = finder();
    let patterns: [fn(usize, usize) -> [u8; 3]; 5] = [
        |_, _| [128; 3],
        |_, _| [0; 3],
        // A sky over a meadow, bricks, and a dark ball before a bright wall.
        |x, y| if y < 90 { [120, 170, 255 - y as u8] } else { [40, 120 + (x % 7) as u8, 30] },
        |x, y| if y % 20 < 2 || (x + y / 20 * 20) % 40 < 2 { [200; 3] } else { [150, 70, 50] },
        |x, y| {
            if x.abs_diff(80).pow(2) + y.abs_diff(80).pow(2) < 2500 { [60; 3] } else { [220; 3] }
        },
    ];
    for (index, pattern) in patterns.iter().enumerate() {
        let side = facenet::layers::INPUT_SIDE;
        let pixels =
            (0..side * side).flat_map(|pixel| pattern(pixel % side, pixel / side)).collect();
        let crop = facenet::Face::from_rgb(pixels).unwrap();
        assert!(!finder.holds_face(&crop), "{index}");
    }
}

#[test]
fn a_blurred_face_is_no_good() {
    let finder = finder();
    for name in NAMES {
        let whole = photograph(name);
        let width = finder.find(&view(&whole))[0].quality.crop_width;
        let reasons = |pixels: f64| {
            let sigma = pixels * width / 160.0;
            let blurred = imageops::fast_blur(&whole, sigma as f32);
            finder.find(&view(&blurred)).first().map(|face| face.quality.reasons())
        };
        assert_eq!(reasons(0.5), Some(vec![]), "{name}");
        // Or it is no longer found.
        assert!([None, Some(vec![crate::Reason::Blurred])].contains(&reasons(4.0)), "{name}");
    }
}
