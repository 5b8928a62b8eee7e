//! From photographs to crops: as they are, by the page's code in a browser, by the finder
//! without one, or by MTCNN. A server takes whole photographs.

mod browser;
mod mtcnn;
mod native;
mod server;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use indicatif::ProgressBar;

use crate::options::CropMethod;
use crate::photos::Photo;

/// A crop as the bytes of a picture file, or why there is none.
pub type Crop = anyhow::Result<Vec<u8>>;

/// Crops photographs by one method. The crops are in the order of the photographs. `bar` makes a
/// progress bar with a title.
///
/// # Errors
/// When the browser or PyTorch cannot be used at all.
pub fn cut_out(
    method: CropMethod,
    photos: &[Photo],
    bar: impl Fn(&str) -> ProgressBar,
) -> anyhow::Result<Vec<Crop>> {
    let files: Vec<&Path> = photos.iter().map(|photo| photo.file.as_path()).collect();
    match method {
        CropMethod::AsIs | CropMethod::Served => Ok(files.iter().map(|file| read(file)).collect()),
        CropMethod::Detect => browser::cut_out(&files, &bar("cropping in the browser")),
        CropMethod::Native => native::cut_out(&files, &bar("cropping")),
        CropMethod::Mtcnn => mtcnn::cut_out(&files, &bar("cropping by MTCNN")),
    }
}

/// Writes crops to `dir/PERSON/PHOTOGRAPH.png`, to be looked at.
///
/// # Errors
/// When a file cannot be written.
pub fn keep(dir: &Path, people: &[String], photos: &[Photo], crops: &[Crop]) -> anyhow::Result<()> {
    for (photo, crop) in photos.iter().zip(crops) {
        let Ok(crop) = crop else { continue };
        let person = people.get(photo.person).map_or("", String::as_str);
        let name = photo.file.file_stem().unwrap_or_default();
        let file: PathBuf = dir.join(person).join(name).with_added_extension("png");
        let parent = file.parent().unwrap_or(dir);
        std::fs::create_dir_all(parent)
            .and_then(|()| std::fs::write(&file, crop))
            .with_context(|| format!("writing {}", file.display()))?;
    }
    Ok(())
}

fn read(file: &Path) -> Crop {
    std::fs::read(file).context("it cannot be read")
}
