//! The pictures in the README: the page as it is, with photographs that are in the public domain.
//!
//! `cargo xtask test pictures_of_the_readme` makes them anew, in `target/tmp/screenshots`. It fails
//! when those in `docs/pictures` show something else: then copy the new ones there.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use image::DynamicImage;
use image::imageops::FilterType;
use tests::camera::Scene;

use super::{DESKTOP, PHONE, Page};

const NAME: &str = "Barack Obama";

/// Side of the small copies that are compared, in pixels.
const COARSE: u32 = 48;

/// How much the grey of two small copies may differ on average, of 255. Fonts differ from machine
/// to machine; another state of the page differs by more than ten, and another look of a part of
/// the panel by more than four.
const DIFFERENCE_MAX: f64 = 3.0;

#[tokio::test]
async fn pictures_of_the_readme_are_as_the_page_is() -> anyhow::Result<()> {
    let page = Page::open(Scene::Face("obama-1.jpg")).await?;
    page.show_face(Scene::Face("obama-1.jpg")).await?;
    page.enrol(NAME).await?;
    page.until_text("[data-enrolled-found]", "Searches find it now").await?;
    page.show_face(Scene::Face("obama-2.jpg")).await?;
    ensure!(page.find("match").await? == [NAME]);
    page.browser.resize(DESKTOP.0, DESKTOP.1).await?;
    // Those that are hidden are not loaded.
    let are_there = "return [...document.images].every((it) => it.complete || !it.offsetParent)";
    page.until(are_there).await?;
    let matched = picture(&page, "match").await?;

    page.browser.resize(PHONE.0, PHONE.1).await?;
    page.show_face(Scene::Face("obama-2.jpg")).await?;
    let phone = picture(&page, "phone").await?;
    page.close().await?;
    for file in [matched, phone] {
        compare(&file)?;
    }
    Ok(())
}

/// Takes a picture of what is seen, and gives the file.
async fn picture(page: &Page, name: &str) -> anyhow::Result<PathBuf> {
    let file = page.screenshots.join(name).with_extension("jpg");
    page.browser.screenshot(&file).await?;
    Ok(file)
}

fn compare(made: &Path) -> anyhow::Result<()> {
    let name = made.file_name().context("no name")?;
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/pictures").join(name);
    let advice = || format!("copy {} to {}", made.display(), kept.display());
    let coarse = |picture: DynamicImage| {
        picture.resize_exact(COARSE, COARSE, FilterType::Triangle).into_luma8()
    };
    let (new, old) = (image::open(made)?, image::open(&kept).with_context(advice)?);
    let (new, old) = (coarse(new), coarse(old));
    let differences = new.iter().zip(old.iter()).map(|(a, b)| f64::from(a.abs_diff(*b)));
    let difference = differences.sum::<f64>() / f64::from(COARSE * COARSE);
    println!("{}: differs by {difference:.1} of 255", name.display());
    ensure!(difference <= DIFFERENCE_MAX, "{difference:.1} of 255: {}", advice());
    Ok(())
}
