//! `cargo xtask search`: says who is on a photograph.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use clap::Args;
use serde::Deserialize;

use crate::curl::Body;
use crate::instance::{Instance, Question, Target};
use crate::run::Run;
use crate::setup::programs;

/// The program that draws.
const FRAMES: &str = "frames";

/// How long one try may take, in seconds. A cold start takes some of them.
const REQUEST_S_MAX: u32 = 120;

/// Says who is on a photograph.
#[derive(Args)]
pub(crate) struct Options {
    /// The photograph.
    photo: PathBuf,
    #[command(flatten)]
    instance: Target,
    /// Writes the photograph with a frame around each face, numbered as the lines are, to a JPEG,
    /// PNG or WebP file.
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

/// What the instance answers.
#[derive(Deserialize)]
struct Found {
    image: Size,
    faces: Vec<Face>,
    truncated: bool,
}

/// Of the upright picture, in pixels.
#[derive(Deserialize)]
struct Size {
    width: u32,
    height: u32,
}

#[derive(Deserialize)]
struct Face {
    /// Left, top, width and height in pixels of the upright picture.
    #[serde(rename = "box")]
    frame: [f64; 4],
    verdict: String,
    quality: Quality,
    matches: Vec<Match>,
}

#[derive(Deserialize)]
struct Quality {
    usable: bool,
    reasons: Vec<String>,
}

#[derive(Deserialize)]
struct Match {
    name: String,
    distance: f64,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let context = || format!("opening {}", options.photo.display());
    let photo = options.photo.canonicalize().with_context(context)?;
    ensure!(photo.is_file(), "{} is no file", options.photo.display());
    let out = options.write.as_ref().map(std::path::absolute).transpose()?;
    let is_same = out.as_ref().is_some_and(|out| out.canonicalize().is_ok_and(|it| it == photo));
    ensure!(!is_same, "--write would overwrite the photograph");
    let instance = Instance::of(&options.instance)?;
    let answer = instance.succeed(&Question {
        method: "POST",
        path: "/match?detect=true",
        headers: Vec::new(),
        body: Body::File(photo.clone()),
        seconds_max: REQUEST_S_MAX,
    })?;
    let found: Found = serde_json::from_str(&answer)
        .context("the answer is not as expected: is the instance of another version?")?;
    for (index, face) in found.faces.iter().enumerate() {
        println!("{}", line(index + 1, face));
    }
    if found.faces.is_empty() {
        eprintln!("No face is found.");
    }
    if found.truncated {
        eprintln!("There are more faces; these are the largest.");
    }
    out.map_or(Ok(()), |out| draw(&photo, &out, &found))
}

/// Number, verdict, distance, box, name, and what is wrong with the face.
fn line(number: usize, face: &Face) -> String {
    let Face { frame: [x, y, width, height], verdict, quality, matches } = face;
    let nearest = matches.first();
    let distance = nearest.map_or("-".into(), |it| format!("{:.2}", it.distance));
    let name = nearest.map_or("-", |it| &it.name);
    let wrong = if quality.usable { String::new() } else { quality.reasons.join(", ") };
    let end = if wrong.is_empty() { wrong } else { format!("\t{wrong}") };
    format!("{number}\t{verdict}\t{distance}\t{x:.0},{y:.0} {width:.0}x{height:.0}\t{name}{end}")
}

/// Has the photograph written with its frames.
fn draw(photo: &Path, out: &Path, found: &Found) -> anyhow::Result<()> {
    programs::build(&[FRAMES])?;
    let Size { width, height } = found.image;
    let frames = found.faces.iter().map(|face| {
        let [x, y, width, height] = face.frame;
        format!("{}:{x},{y},{width},{height}", face.verdict)
    });
    Run::new("drawing the frames", programs::path(FRAMES)?)
        .args([photo, out])
        .args([format!("{width}x{height}")])
        .args(frames)
        .hint("The message above says why")
        .shown()
}
