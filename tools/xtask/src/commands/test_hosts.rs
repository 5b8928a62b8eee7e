//! The part of `cargo xtask test` that compares hosts: the same pictures, extreme and random ones,
//! natively, in Node and through `/embed` of the Worker in workerd.
//!
//! Layers in integers give the same bits everywhere (`facenet::simd::int8`), but those before them
//! are in floats. Node and workerd run the same instructions, so they have to give the same bits.
//! Natively they are the same where the processor has FMA. Elsewhere multiply-adds are fused on one
//! host only, and the embedding has to be the same but for that.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use testbed::bucket::Pace;
use testbed::golden::COSINE_MIN;
use testbed::workerd::Workerd;

use super::scene::Scene;
use super::{build, weights};
use crate::project;
use crate::run::Run;
use crate::setup::checkpoint::Checkpoint;
use crate::setup::engines::Engine;
use crate::setup::wasm::{self, Simd};
use crate::setup::{npm, programs};
use crate::v8::V8;

/// What a filter of tests calls this.
pub(crate) const NAME: &str = "hosts";

/// The program that makes pictures.
const PROGRAM: &str = "random-pictures";

/// Pictures that are on the disk at a time.
const AT_A_TIME: u32 = 50;

const ENGINE: Engine =
    Engine { name: "hosts", features: "facenet/simd", as_in_worker: false, simd: Simd::Relaxed };

/// The place of the Worker's default in `facenet::simd::Simd::ALL`, which is not compiled in here.
const VARIANT: u32 = 1;

/// Compares the hosts on so many pictures.
pub(crate) fn run(pictures: u32) -> anyhow::Result<()> {
    let module = {
        let _lock = project::lock()?;
        npm::ensure()?;
        weights::ensure(Checkpoint::GOLDEN)?;
        programs::build(&[PROGRAM])?;
        build::ensure(&build::Options::default())?;
        ENGINE.ensure(&wasm::ensure()?)?
    };
    let mut v8 = V8::start()?;
    v8.open(ENGINE.name, &module)?;
    v8.load(ENGINE.name, &project::shards(Checkpoint::GOLDEN.model()), VARIANT)?;
    let scene = Scene::new()?;
    let workerd = scene.start(scene.bucket(Pace::UNBOUNDED)?, &[])?;
    let folder = tempfile::tempdir()?;
    let (mut equal, mut furthest) = (0, 0.0_f64);
    for first in (0..pictures).step_by(AT_A_TIME as usize) {
        let count = AT_A_TIME.min(pictures - first);
        for (number, native) in (first..).zip(native(folder.path(), first, count)?) {
            let file = folder.path().join(number.to_string());
            let node = v8.embed(ENGINE.name, &file.with_extension("f32"), 1)?.embedding;
            let served = served(&workerd, &file.with_extension("png"))?;
            let node: Vec<f32> = node.into_iter().map(|number| number as f32).collect();
            ensure!(node == served, "picture {number}: Node and workerd give other bits");
            if node == native {
                equal += 1;
                continue;
            }
            let difference = 1.0 - cosine(&native, &node);
            ensure!(difference <= 1.0 - COSINE_MIN, "picture {number}: 1 - cosine = {difference}");
            furthest = furthest.max(difference);
        }
    }
    println!(
        "\n{pictures} pictures ... ok: the same bits in Node and workerd, natively of {equal}; \
         1 - cosine is {furthest:.1e} at most"
    );
    Ok(())
}

/// Makes pictures, and gives their embeddings on this machine.
fn native(folder: &Path, first: u32, count: u32) -> anyhow::Result<Vec<Vec<f32>>> {
    for entry in fs::read_dir(folder)? {
        fs::remove_file(entry?.path())?;
    }
    Run::new("making random pictures", programs::path(PROGRAM)?)
        .args([folder, &project::weights(Checkpoint::GOLDEN.model())])
        .args([first.to_string(), count.to_string()])
        .quietly()?;
    let text = fs::read_to_string(folder.join("embeddings.json")).context("no embeddings")?;
    let embeddings: Vec<Vec<f32>> = serde_json::from_str(&text)?;
    ensure!(embeddings.len() == count as usize, "{} embeddings", embeddings.len());
    Ok(embeddings)
}

/// The embedding that the Worker gives of a picture.
fn served(workerd: &Workerd, file: &PathBuf) -> anyhow::Result<Vec<f32>> {
    let picture = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    let mut answer = ureq::post(workerd.url(0, "/embed")).send(picture)?;
    Ok(serde_json::from_str(&answer.body_mut().read_to_string()?)?)
}

/// Of embeddings, whose length is one.
fn cosine(one: &[f32], other: &[f32]) -> f64 {
    one.iter().zip(other).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}
