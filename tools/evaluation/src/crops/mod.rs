//! From photographs to crops, by the page's code in a browser or, to compare with, by others.

mod browser;

mod mtcnn;

mod server;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use indicatif::ProgressBar;

use crate::options::Crops;
use crate::photos::Photo;

/// A crop, or why there is none.
pub type Crop = anyhow::Result<Vec<u8>>;

/// Cuts the faces out of photographs in several ways. For each way, the crops are in the order of
/// the photographs.
///
/// # Errors
/// When the browser, or PyTorch, cannot be used at all.
pub fn cut_out(
    ways: &[Crops],
    photos: &[Photo],
    bar: impl Fn(&str) -> ProgressBar,
) -> anyhow::Result<Vec<Vec<Crop>>> {
    let files: Vec<&Path> = photos.iter().map(|photo| photo.file.as_path()).collect();
    // One look at a photograph serves all recipes of the browser.
    let recipes: Vec<&str> =
        ways.iter().filter(|way| way.in_browser()).map(|way| way.name()).collect();
    let mut in_browser = if recipes.is_empty() {
        Vec::new()
    } else {
        browser::cut_out(&recipes, &files, &bar("cropping in the browser"))?
    }
    .into_iter();
    ways.iter()
        .map(|way| match way {
            Crops::AsIs => Ok(files.iter().map(|file| read(file)).collect()),
            Crops::Mtcnn => mtcnn::cut_out(&files, &bar("cropping by MTCNN")),
            _ => in_browser.next().context("a recipe was left out"),
        })
        .collect()
}

/// Writes crops under their people's names, to be looked at.
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
