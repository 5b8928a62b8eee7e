//! Against other decoders, on what cameras and programs write.

use std::path::Path;

use image::RgbImage;

use super::whole;
use crate::{Jpeg, JpegError, Scale};

/// The project's photographs.
const FACES: &str = "tests/faces";

/// Its pictures of every form.
const PICTURES: &str = "crates/facenet/tests/it/golden/pictures";

/// Checksums (CRC-32) of the RGB pixels at each scale as libjpeg-turbo 3.1 decodes them, by
/// Pillow's `Image.draft` and `Image.convert`.
const SUMS: [(&str, &str, [u32; 4]); 10] = [
    (FACES, "biden-1.jpg", [0x622f_919e, 0x8c99_0d88, 0xa985_a432, 0xbb37_4d54]),
    (FACES, "biden-2.jpg", [0x8c07_b255, 0x595f_a12b, 0x84ca_6010, 0xc30f_a40b]),
    (FACES, "obama-1.jpg", [0x0246_1cb7, 0x29d2_b0e2, 0xea0a_c5fd, 0x195f_a87c]),
    (FACES, "obama-2.jpg", [0x3dd1_f3c4, 0xc9a1_4ce6, 0x70c1_5bfd, 0x1b53_10d2]),
    (PICTURES, "cmyk.jpg", [0x8ea0_e510, 0x0872_61c5, 0x4c6a_9356, 0x2380_2591]),
    (PICTURES, "grey.jpg", [0xc8f4_b274, 0x89be_0300, 0x27a2_e912, 0xe6b5_2c81]),
    (PICTURES, "halved.jpg", [0xe0c3_7d76, 0x231e_bec0, 0xf892_7cea, 0xc22f_0575]),
    (PICTURES, "odd.jpg", [0xe2ea_c7c0, 0x7e64_955d, 0x0242_eb43, 0xdfde_b0ff]),
    (PICTURES, "quartered.jpg", [0x8320_f8bb, 0x4365_703f, 0xbd04_d702, 0x04a5_ee0c]),
    (PICTURES, "rgb.jpg", [0x98ee_9714, 0x936c_eaca, 0x10af_0717, 0x917a_30f9]),
];

fn read(folder: &str, name: &str) -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::read(root.join(folder).join(name)).unwrap()
}

#[test]
fn every_bit_is_that_of_libjpeg_turbo() {
    for (folder, name, sums) in SUMS {
        let file = read(folder, name);
        for (scale, sum) in Scale::ALL.into_iter().zip(sums) {
            let pixels = whole(&file, scale).unwrap();
            assert_eq!(crc32fast::hash(pixels.as_flattened()), sum, "{name}, {scale:?}");
        }
    }
}

/// The largest difference of two pictures, and the mean one.
fn difference(ours: &[[u8; 3]], theirs: &[u8]) -> (u8, f64) {
    let pairs = ours.as_flattened().iter().zip(theirs);
    let differences: Vec<u8> = pairs.map(|(a, b)| a.abs_diff(*b)).collect();
    assert_eq!(differences.len(), theirs.len());
    let sum: f64 = differences.iter().copied().map(f64::from).sum();
    (differences.iter().copied().max().unwrap(), sum / differences.len() as f64)
}

/// Means of squares of pixels, and of what is left of them at the edges.
fn means(picture: &RgbImage, side: u32) -> Vec<u8> {
    let (width, height) = picture.dimensions();
    let mut means = Vec::new();
    for (y, x) in
        (0..height.div_ceil(side)).flat_map(|y| (0..width.div_ceil(side)).map(move |x| (y, x)))
    {
        let rows = y * side..((y + 1) * side).min(height);
        let columns = x * side..((x + 1) * side).min(width);
        let pixels = rows.flat_map(|y| columns.clone().map(move |x| picture[(x, y)].0));
        let pixels: Vec<_> = pixels.collect();
        for channel in 0..3 {
            let sum: usize = pixels.iter().map(|pixel| usize::from(pixel[channel])).sum();
            means.push(((sum + pixels.len() / 2) / pixels.len()) as u8);
        }
    }
    means
}

#[test]
fn photographs_are_as_another_decoder_has_them() {
    for (folder, name, _) in SUMS {
        if folder != FACES {
            continue;
        }
        let file = read(folder, name);
        let jpeg = Jpeg::new(&file).unwrap();
        let theirs = image::load_from_memory(&file).unwrap().into_rgb8();
        assert_eq!(
            [jpeg.width(), jpeg.height()],
            [theirs.width(), theirs.height()].map(|s| s as usize)
        );
        for scale in Scale::ALL {
            let ours = whole(&file, scale).unwrap();
            let (largest, mean) = difference(&ours, &means(&theirs, scale.divisor() as u32));
            println!("{name}, {scale:?}: largest {largest}, mean {mean:.3}");
            match scale {
                // Its transform and its colours round otherwise.
                Scale::Whole => assert!(largest <= 4 && mean < 0.1),
                // Colours that leave the range are cut off before, and colours of half the
                // resolution are not smoothed. At the edges are pixels that nobody sees.
                _ => assert!(mean < 0.5),
            }
        }
    }
}

#[test]
fn progressive_files_are_left_to_others() {
    let file = read(PICTURES, "progressive.jpg");
    let error = Jpeg::new(&file).map(|_| ()).unwrap_err();
    assert_eq!(error, JpegError::Unsupported("is progressive"));
}

#[test]
fn orientation_is_in_the_metadata() {
    for orientation in 1..=8 {
        let file = read(PICTURES, &format!("orientation-{orientation}.jpg"));
        let exif = Jpeg::new(&file).unwrap().exif().unwrap();
        let found = image::metadata::Orientation::from_exif_chunk(exif).unwrap();
        assert_eq!(found.to_exif(), orientation);
    }
}
