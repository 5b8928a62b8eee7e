//! Photographs that are made here, so that the tests know where each pixel belongs.

use std::io::Cursor;
use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ExtendedColorType, ImageFormat, Rgb, RgbImage};

use super::*;
use crate::picture::tests::png;

/// Smooth colours, so that files without loss and with it have nearly the same.
fn colour(x: f64, y: f64) -> [f64; 3] {
    let wave = |value: f64, length: f64| 128.0 + 100.0 * (value / length).sin();
    [wave(x, 90.0), wave(y, 120.0), wave(x + y, 150.0)]
}

fn picture(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        Rgb(colour(f64::from(x), f64::from(y)).map(|value| value as u8))
    })
}

/// The page finds faces in a copy of the same size.
#[test]
fn the_page_makes_the_same_copy() {
    const PAGE: &str = include_str!("../../../../site/js/finder/search.js");
    assert!(PAGE.contains(&format!("const COPY_SIDE_MAX = {COPY_SIDE_MAX};")));
    assert_eq!(Scale::ALL.map(Scale::divisor), [1, 2, 4, 8], "twice as many at each step");
}

/// A segment of JPEG that holds an orientation.
fn exif(orientation: u8) -> Vec<u8> {
    let head = b"\xff\xe1\0\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0";
    [&head[..], &[orientation, 0, 0, 0, 0, 0, 0]].concat()
}

/// A file of sequential JPEG. `orientation` is that of EXIF.
fn jpeg(picture: &RgbImage, orientation: Option<u8>) -> Vec<u8> {
    let mut file = Vec::new();
    let (width, height) = picture.dimensions();
    let mut encoder = JpegEncoder::new_with_quality(&mut file, 95);
    encoder.encode(picture, width, height, ExtendedColorType::Rgb8).unwrap();
    if let Some(orientation) = orientation {
        file.splice(2..2, exif(orientation));
    }
    file
}

fn written(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    picture.into().write_to(&mut file, format).unwrap();
    file.into_inner()
}

/// Whether a view shows what the upright picture has there. `colour` is of pixels of that.
#[track_caller]
fn shows(view: &View, size: [usize; 2], colour: impl Fn(f64, f64) -> [f64; 3]) {
    assert_eq!(view.rgb.len(), view.width * view.height * 3);
    let (scale, mut largest) = (view.scale as f64, 0.0_f64);
    for (place, pixel) in view.rgb.as_chunks::<3>().0.iter().enumerate() {
        let middle = |at: usize, origin: isize| (at as f64 + 0.5) * scale + origin as f64 - 0.5;
        let x = middle(place % view.width, view.x);
        let y = middle(place / view.width, view.y);
        let edge = scale / 2.0;
        let inside = |at: f64, side: usize| (edge..=side as f64 - edge).contains(&(at + 0.5));
        if inside(x, size[0]) && inside(y, size[1]) {
            for (value, expected) in pixel.iter().zip(colour(x, y)) {
                largest = largest.max((f64::from(*value) - expected).abs());
            }
        }
    }
    assert!(largest < 6.0, "{largest}");
}

#[track_caller]
fn refused(file: Vec<u8>, kind: Kind, text: &str) {
    let problem = Photograph::open(file).map(|_| ()).unwrap_err();
    assert_eq!(problem.kind, kind, "{}", problem.detail);
    assert!(problem.detail.contains(text), "{}", problem.detail);
}

#[test]
fn every_format_is_seen_small_and_in_part() {
    let (width, height) = (1_801, 403);
    let source = picture(width, height);
    let files = [
        jpeg(&source, None),
        written(source.clone(), ImageFormat::Png),
        written(DynamicImage::from(source.clone()).into_rgba8(), ImageFormat::Png),
        written(DynamicImage::from(source.clone()).into_rgb16(), ImageFormat::Png),
    ];
    let size = [1_801, 403];
    for file in files {
        let photograph = Photograph::open(file).unwrap();
        assert_eq!([photograph.width(), photograph.height()], size);
        let copy = photograph.copy();
        assert_eq!((copy.width, copy.height, copy.scale, copy.x, copy.y), (901, 202, 2, 0, 0));
        shows(copy, size, colour);
        for (side, scale) in [(100.0, 1), (319.0, 1), (320.0, 2), (640.0, 4), (1_200.0, 4)] {
            let rectangle = Rectangle { x: 500.0, y: 2.0, width: side, height: side };
            let view = photograph.region(rectangle, 160).unwrap().unwrap();
            assert_eq!(view.scale, scale, "{side}");
            assert!(view.width as f64 >= side / scale as f64 && view.x <= 500 && view.y == 0);
            assert!((view.width as f64) < side / scale as f64 + 6.0);
            shows(&view, size, colour);
        }
    }
}

#[test]
fn every_orientation_is_turned_upright() {
    let (width, height) = (331_usize, 203_usize);
    let upright = |orientation: u8, x: f64, y: f64| {
        // Where a pixel of the upright picture is in the file.
        let (w, h) = (width as f64 - 1.0, height as f64 - 1.0);
        match orientation {
            1 => (x, y),
            2 => (w - x, y),
            3 => (w - x, h - y),
            4 => (x, h - y),
            5 => (y, x),
            6 => (y, h - x),
            7 => (w - y, h - x),
            _ => (w - y, x),
        }
    };
    let source = picture(331, 203);
    for orientation in 1..=8 {
        let photograph = Photograph::open(jpeg(&source, Some(orientation))).unwrap();
        let size = if orientation > 4 { [height, width] } else { [width, height] };
        assert_eq!([photograph.width(), photograph.height()], size, "{orientation}");
        let expected = |x: f64, y: f64| {
            let (x, y) = upright(orientation, x, y);
            colour(x, y)
        };
        shows(photograph.copy(), size, expected);
        for wanted in [20, 50, 100] {
            let rectangle = Rectangle { x: 61.0, y: 33.0, width: 120.0, height: 100.0 };
            let view = photograph.region(rectangle, wanted).unwrap().unwrap();
            assert_eq!(
                view.scale,
                [4, 2, 1][[20, 50, 100].iter().position(|w| *w == wanted).unwrap()]
            );
            assert!(view.x <= 61 && view.y <= 33, "{orientation}");
            assert!(view.x + (view.width * view.scale).cast_signed() >= 181, "{orientation}");
            assert!(view.y + (view.height * view.scale).cast_signed() >= 133, "{orientation}");
            shows(&view, size, expected);
        }
    }
}

#[test]
fn orientations_are_those_of_the_decoder_for_crops() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../facenet/tests/it/golden/pictures");
    for orientation in 1..=8 {
        let file = std::fs::read(folder.join(format!("orientation-{orientation}.jpg"))).unwrap();
        let crop = picture_of(&file);
        let photograph = Photograph::open(file).unwrap();
        assert_eq!(
            [photograph.width(), photograph.height()],
            [crop.width(), crop.height()].map(|s| s as usize)
        );
        let pairs = photograph.copy().rgb.iter().zip(crop.as_raw());
        let sum: u64 = pairs.map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        assert!(sum < crop.len() as u64, "{orientation}");
    }
}

/// What another decoder makes of a file, upright.
fn picture_of(file: &[u8]) -> RgbImage {
    use image::{ImageDecoder as _, ImageReader};
    let reader = ImageReader::with_format(Cursor::new(file), ImageFormat::Jpeg);
    let mut decoder = reader.into_decoder().unwrap();
    let orientation = decoder.orientation().unwrap();
    let mut picture = DynamicImage::from_decoder(decoder).unwrap();
    picture.apply_orientation(orientation);
    picture.into_rgb8()
}

#[test]
fn what_is_transparent_is_grey() {
    let picture = image::RgbaImage::from_fn(64, 64, |x, _| {
        image::Rgba(if x < 32 { [10, 20, 30, 255] } else { [0, 0, 0, 0] })
    });
    let photograph = Photograph::open(written(picture, ImageFormat::Png)).unwrap();
    let pixels = photograph.copy().rgb.as_chunks::<3>().0;
    assert_eq!((pixels[31], pixels[32]), ([10, 20, 30], [128; 3]));
}

#[test]
fn no_rectangle_is_too_odd() {
    let photograph = Photograph::open(jpeg(&picture(200, 100), Some(6))).unwrap();
    let odd = [0.0, -1.0, 99.5, 1e-300, 1e300, -1e300, f64::NAN, f64::INFINITY, -f64::INFINITY];
    for (x, width) in odd.iter().flat_map(|x| odd.map(|width| (*x, width))) {
        for wanted in [0, 160, usize::MAX] {
            let rectangle = Rectangle { x, y: 0.0, width, height: 50.0 };
            if let Some(view) = photograph.region(rectangle, wanted).unwrap() {
                assert_eq!(view.rgb.len(), view.width * view.height * 3);
                assert!(view.width > 0 && view.width <= 100 && view.height <= 52 + 16);
            }
        }
    }
    let beside = Rectangle { x: 100.0, y: 0.0, width: 9.0, height: 9.0 };
    assert_eq!(photograph.region(beside, 160), Ok(None));
}

/// A grey file of sequential JPEG in which each block is as the one before it, and takes two bits.
fn flat(width: u16, height: u16) -> Vec<u8> {
    let segment = |marker: u8, content: &[u8]| {
        let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
        [&[0xff, marker], &length[..], content].concat()
    };
    let sides = [height, width].map(u16::to_be_bytes);
    let frame = [&[8][..], sides.as_flattened(), &[1, 1, 0x11, 0]].concat();
    let codes = |class: u8| [&[class, 1][..], &[0; 15], &[0]].concat();
    let blocks = usize::from(width).div_ceil(8) * usize::from(height).div_ceil(8);
    [
        vec![0xff, 0xd8],
        segment(0xdb, &[&[0][..], &[1; 64]].concat()),
        segment(0xc0, &frame),
        segment(0xc4, &codes(0)),
        segment(0xc4, &codes(0x10)),
        segment(0xda, &[1, 1, 0, 0, 63, 0]),
        vec![0; blocks.div_ceil(4)],
        vec![0xff, 0xd9],
    ]
    .concat()
}

#[test]
fn large_files_of_sequential_jpeg_are_taken_and_no_others() {
    let mut file = flat(6_048, 4_032);
    file.splice(2..2, exif(6));
    let photograph = Photograph::open(file.clone()).unwrap();
    assert_eq!([photograph.width(), photograph.height()], [4_032, 6_048]);
    assert_eq!((photograph.copy().width, photograph.copy().height), (1_008, 1_512));
    assert!(photograph.copy().rgb.iter().all(|value| *value == 128));
    // All of it is asked for, and more than may be held.
    let all = Rectangle { x: 0.0, y: 0.0, width: 4_032.0, height: 6_048.0 };
    let view = photograph.region(all, 4_032).unwrap().unwrap();
    assert_eq!((view.scale, view.width, view.height), (4, 1_008, 1_512));
    assert_eq!(Photograph::open(flat(12_000, 32)).unwrap().copy().width, 1_500);
    refused(flat(5_001, 5_000), Kind::TooLarge, "5001x5000");
    refused(flat(12_001, 100), Kind::TooLarge, "12001x100");
    refused(flat(12_000, 31), Kind::Unusable, "at least 32");
    file.truncate(file.len() / 2);
    refused(file, Kind::Unusable, "damaged");
    // What is decoded whole must be smaller.
    refused(png(6_048, 4_032), Kind::TooLarge, "6048x4032");
    refused(png(2_000, 1_501), Kind::TooLarge, "24000000 bytes");
}

#[test]
fn other_files_are_told_apart() {
    refused(Vec::new(), Kind::Malformed, "no picture");
    refused(b"hello".to_vec(), Kind::UnsupportedType, "no picture that can be read");
    refused(b"\xff\xd8\xff\xe0".to_vec(), Kind::Unusable, "damaged");
    refused(png(160, 160), Kind::Unusable, "damaged");
}

#[test]
fn progressive_files_are_decoded_whole() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../facenet/tests/it/golden/pictures");
    let file = std::fs::read(folder.join("progressive.jpg")).unwrap();
    let picture = picture_of(&file);
    let photograph = Photograph::open(file).unwrap();
    assert!(photograph.copy().rgb == *picture.as_raw());
}
