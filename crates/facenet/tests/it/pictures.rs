//! Pictures in every form that is read, compared with what Pillow decodes. The script
//! `onnx-to-burn/pytorch/pictures.py` draws them and writes the file beside them; it says what is
//! expected of each and how much a value may differ.

use facenet::Face;
use facenet::image::Limits;
use facenet::layers::INPUT_SIDE;

use crate::golden::folder;

/// The file has the pixels of so many columns and rows of a picture: the first one, and then every
/// so many.
const GRID: usize = 15;
const FIRST: usize = 5;
const STEP: usize = 11;

/// The largest mean difference, of values from 0 to 255.
const MEAN_MAX: f64 = 0.6;

const LIMITS: Limits =
    Limits { side_min: 32, side_max: 512, pixels_max: 200 * 200, decoded_bytes_max: 1 << 20 };

/// How the values of the grid differ from Pillow's.
struct Difference {
    largest: u8,
    mean: f64,
}

fn compare(face: &Face, expected: &str) -> Difference {
    let row = |y: usize| (0..GRID).map(move |x| (y * STEP + FIRST) * INPUT_SIDE + x * STEP + FIRST);
    let pixels = (0..GRID).flat_map(row).flat_map(|at| &face.rgb()[3 * at..3 * at + 3]);
    let bytes = expected.as_bytes().as_chunks::<2>().0.iter();
    let expected = bytes.map(|hex| u8::from_str_radix(str::from_utf8(hex).unwrap(), 16).unwrap());
    let differences: Vec<u8> = pixels.zip(expected).map(|(a, b)| a.abs_diff(b)).collect();
    assert_eq!(differences.len(), 3 * GRID * GRID);
    let sum: f64 = differences.iter().copied().map(f64::from).sum();
    Difference {
        largest: differences.iter().copied().max().unwrap(),
        mean: sum / differences.len() as f64,
    }
}

#[test]
fn pictures_are_as_pillow_has_them() {
    let table = std::fs::read_to_string(folder().join("pictures.txt")).unwrap();
    let mut wrong = Vec::new();
    for line in table.lines() {
        let [file, tolerance, expected] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let bytes = std::fs::read(folder().join("pictures").join(file)).unwrap();
        match Face::decode(&bytes, &LIMITS) {
            Err(error) => wrong.push(format!("{file}: {error}: {error:?}")),
            Ok(face) => {
                let Difference { largest, mean } = compare(&face, expected);
                println!("{file:24} largest {largest:3}, mean {mean:.3}");
                if largest > tolerance.parse().unwrap() || mean > MEAN_MAX {
                    wrong.push(format!("{file}: {largest}, on average {mean}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // Every file is in the table.
    let files = std::fs::read_dir(folder().join("pictures")).unwrap().count();
    assert_eq!(files, table.lines().count());
}
