//! Crops by the finder of this project, the crate `face-finder`, without a browser.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use face_finder::{Finder, Picture, crop};
use facenet::layers::INPUT_SIDE;
use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, RgbImage};
use indicatif::ProgressBar;

use super::Crop;
use crate::parallel;

/// Names the file with the weights of the finder.
const FINDER: &str = "CFACE_FINDER";

pub(super) fn cut_out(files: &[&Path], bar: &ProgressBar) -> anyhow::Result<Vec<Crop>> {
    let weights = std::env::var_os(FINDER).map(PathBuf::from);
    let weights =
        weights.with_context(|| format!("{FINDER} is not set: run `cargo xtask eval`"))?;
    let weights = fs::read(&weights).with_context(|| format!("reading {}", weights.display()))?;
    let open = || Ok(Finder::load(&weights)?);
    parallel::map(files.len(), parallel::cores(), bar, open, |finder, index| {
        let file = files.get(index).context("there is no such photograph")?;
        cut(finder, &upright(file)?)
    })
}

/// The pixels of a photograph, turned upright by its EXIF orientation as the page does it.
fn upright(file: &Path) -> anyhow::Result<RgbImage> {
    let reader = ImageReader::open(file).context("it cannot be read")?.with_guessed_format()?;
    let mut decoder = reader.into_decoder().context("it cannot be decoded")?;
    let orientation = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder).context("it cannot be decoded")?;
    picture.apply_orientation(orientation);
    Ok(picture.into_rgb8())
}

fn cut(finder: &Finder, pixels: &RgbImage) -> Crop {
    let (width, height) = (pixels.width() as usize, pixels.height() as usize);
    let picture = Picture::from_rgb(width, height, pixels).context("it is too large")?;
    let faces = finder.find(&picture);
    let face = crop::choose(&faces, width, height).context("no face was found")?;
    let cut = crop::cut(&picture, face.crop);
    let side = INPUT_SIDE as u32;
    let cut = RgbImage::from_raw(side, side, cut.rgb().to_vec()).context("a crop is square")?;
    let mut png = Cursor::new(Vec::new());
    cut.write_to(&mut png, ImageFormat::Png)?;
    Ok(png.into_inner())
}
