//! Crops by what reads photographs in the Worker, the crate `input`, without a browser and without
//! a server: its own decoder, finder and recipe.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use facenet::Face;
use facenet::layers::INPUT_SIDE;
use image::{ImageFormat, RgbImage};
use indicatif::ProgressBar;
use input::message::{self, Answer, Question};
use input::seen::{Purpose, Reading};

use super::Crop;
use crate::parallel;

/// Names the file with the weights of the finder.
const FINDER: &str = "CFACE_FINDER";

/// What the Worker asks its sandbox for where a photograph has to show one person.
const QUESTION: Question =
    Question::Picture(Reading { detect: true, purpose: Purpose::Main, image: 0 });

pub(super) fn cut_out(files: &[&Path], bar: &ProgressBar) -> anyhow::Result<Vec<Crop>> {
    let weights = std::env::var_os(FINDER).map(PathBuf::from);
    let weights =
        weights.with_context(|| format!("{FINDER} is not set: run `cargo xtask eval`"))?;
    let weights = fs::read(&weights).with_context(|| format!("reading {}", weights.display()))?;
    parallel::map(
        files.len(),
        parallel::cores(),
        bar,
        || Ok(()),
        |(), index| {
            let file = files.get(index).context("there is no such photograph")?;
            cut(&weights, &fs::read(file).context("it cannot be read")?)
        },
    )
}

fn cut(finder: &[u8], photograph: &[u8]) -> Crop {
    let begin = QUESTION.begin(finder.len())?;
    let answer = message::answer([&begin, finder, photograph].concat());
    match Answer::read(&answer) {
        Some(Answer::Picture(pictured)) => {
            let (face, _) = pictured.first().context("no crop was cut out")?;
            png(&face)
        }
        Some(Answer::Problem(problem)) if problem.reasons.iter().any(|it| it == "no_face") => {
            bail!("no face was found")
        }
        Some(Answer::Problem(problem)) => bail!("{}", problem.detail),
        _ => bail!("this is no answer to the question"),
    }
}

fn png(face: &Face) -> Crop {
    let side = INPUT_SIDE as u32;
    let crop = RgbImage::from_raw(side, side, face.rgb().to_vec()).context("a crop is square")?;
    let mut png = Cursor::new(Vec::new());
    crop.write_to(&mut png, ImageFormat::Png)?;
    Ok(png.into_inner())
}
