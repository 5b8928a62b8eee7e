//! Writes pictures, no two of them alike, as files and as input tensors, and their embeddings by
//! the default engine on this machine: `N.png`, `N.f32` and, of all, `embeddings.json`.
//!
//! ```text
//! random-pictures FOLDER WEIGHTS FIRST COUNT
//! ```

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use facenet::image::{FACE_BYTES, Face};
use facenet::layers::INPUT_SIDE;
use facenet::simd::Simd;
use facenet::{Model, Shard};
use image::{ExtendedColorType, ImageFormat};

const MODEL: &str = "casia-webface";

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, weights, first, count] = arguments.as_slice() else {
        anyhow::bail!("random-pictures FOLDER WEIGHTS FIRST COUNT");
    };
    let (folder, weights) = (PathBuf::from(folder), PathBuf::from(weights));
    let (first, count): (u64, u64) = (first.parse()?, count.parse()?);
    ensure!(count > 0, "no pictures");
    let record = |shard: Shard| fs::read(weights.join(shard.file())).context("no weights");
    let [one, two] = Shard::ALL.map(record);
    let model = Model::load(&Simd::default(), MODEL, [&one?, &two?])?;
    let mut embeddings = Vec::new();
    for number in first..first + count {
        let pixels = picture(number);
        let name = folder.join(number.to_string());
        let side = u32::try_from(INPUT_SIDE)?;
        let (png, rgb) = (ImageFormat::Png, ExtendedColorType::Rgb8);
        image::save_buffer_with_format(name.with_extension("png"), &pixels, side, side, rgb, png)?;
        let face = Face::from_rgb(pixels).context("a picture of the wrong size")?;
        let tensor: Vec<u8> = face.input().iter().flat_map(|number| number.to_le_bytes()).collect();
        fs::write(name.with_extension("f32"), tensor)?;
        embeddings.push(model.embed(&face)?.into_vec());
    }
    fs::write(folder.join("embeddings.json"), serde_json::to_string(&embeddings)?)?;
    Ok(())
}

/// Numbers that look random and are the same everywhere: splitmix64.
struct Numbers(u64);

impl Numbers {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> usize {
        (self.bits() % end) as usize
    }
}

/// The pictures that hold most or least, and after them random ones.
fn picture(number: u64) -> Vec<u8> {
    let mut numbers = Numbers(number);
    let each = |pixel: &mut dyn FnMut(usize) -> u8| (0..FACE_BYTES).map(pixel).collect();
    match number {
        0 => each(&mut |_| 0),
        1 => each(&mut |_| 255),
        2 => each(&mut |_| 128),
        3 => each(&mut |at| if at % 3 == 0 { 255 } else { 0 }),
        4 => each(&mut |_| numbers.below(256) as u8),
        5 => each(&mut |_| 255 * numbers.below(2) as u8),
        6 => each(&mut |at| if at / 3 % 2 == 0 { 0 } else { 255 }),
        7 => each(&mut |at| (at / (3 * INPUT_SIDE)) as u8),
        _ => random(&mut numbers),
    }
}

/// Smooth colours between the corners of a grid, from one that is constant to one as fine as a
/// tenth of the picture, and noise over them, from none to more than there are values.
fn random(numbers: &mut Numbers) -> Vec<u8> {
    let cells = numbers.below(17);
    let noise = [0, 1, 8, 64, 512][numbers.below(5)];
    let corners = cells + 2;
    let grid: Vec<[usize; 3]> =
        (0..corners * corners).map(|_| [0; 3].map(|_| numbers.below(256))).collect();
    let mut pixels = Vec::with_capacity(FACE_BYTES);
    // A grid of no cells is one colour.
    let place = |at: usize| (at * cells / INPUT_SIDE, at * cells % INPUT_SIDE);
    for (y, x) in (0..INPUT_SIDE * INPUT_SIDE).map(|at| (at / INPUT_SIDE, at % INPUT_SIDE)) {
        let ((row, down), (column, right)) = (place(y), place(x));
        pixels.extend([0, 1, 2].map(|channel: usize| {
            let at = |row: usize, column: usize| grid[row * corners + column][channel];
            let across =
                |row: usize| at(row, column) * (INPUT_SIDE - right) + at(row, column + 1) * right;
            let smooth = across(row) * (INPUT_SIDE - down) + across(row + 1) * down;
            let smooth = smooth / (INPUT_SIDE * INPUT_SIDE);
            let value = (smooth + numbers.below(noise as u64 + 1)).saturating_sub(noise / 2);
            value.min(255) as u8
        }));
    }
    pixels
}
