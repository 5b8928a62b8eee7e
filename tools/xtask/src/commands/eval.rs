//! `cargo xtask eval` and `cargo xtask calibrate`: how right the answers are, on photographs of
//! known people. This sets up what the program in `evaluation` needs, and runs it.

use std::ffi::OsStr;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, ValueEnum as _};

use super::weights;
use crate::project;
use crate::run::Run;
use crate::setup::checkpoint::Checkpoint;
use crate::setup::{browser, npm, python, site};

#[path = "../../../evaluation/src/options.rs"]
#[expect(unreachable_pub, reason = "public in the crate that it belongs to")]
mod options;

use options::{Crops, Options, Precision};

/// Measures how well people are told apart.
#[derive(Args)]
pub(crate) struct EvalOptions {
    #[command(flatten)]
    options: Options,
    /// Follows LFW's protocol with this pairs file.
    #[arg(long, value_name = "PAIRS")]
    lfw: Option<PathBuf>,
}

/// Computes the thresholds of the verdict, and says how far they can be trusted.
#[derive(Args)]
pub(crate) struct CalibrateOptions {
    #[command(flatten)]
    options: Options,
}

pub(crate) fn run(options: &EvalOptions) -> anyhow::Result<()> {
    let lfw = options.lfw.iter().flat_map(|file| ["--lfw".as_ref(), file.as_os_str()]);
    start("eval", &options.options, lfw)?.shown()
}

pub(crate) fn calibrate(options: &CalibrateOptions) -> anyhow::Result<()> {
    start("calibrate", &options.options, [])?.shown()
}

/// The program with its arguments, ready to run where the user is.
fn start<'a>(
    command: &str,
    options: &Options,
    more: impl IntoIterator<Item = &'a OsStr>,
) -> anyhow::Result<Run> {
    let f32 = options.weights == Precision::F32;
    // In the profile of the tests, which optimises all that takes time here.
    let mut run = Run::cargo("the evaluation")
        .args(["run", "--locked", "--quiet", "--package", "evaluation"])
        .arg_path("--manifest-path", &project::root().join("Cargo.toml"))
        .args(f32.then_some("--features=f32"))
        .args(["--", command])
        .args(more)
        .args(options.to_arguments())
        .dir(&std::env::current_dir().context("finding the current folder")?)
        .hint("The output above says why");
    let _lock = project::lock()?;
    if options.server.is_none() {
        let checkpoint = Checkpoint::from_str(&options.model, false)
            .map_err(|error| anyhow::anyhow!("--model {}: {error}", options.model))?;
        let weights = if f32 {
            weights::ensure_f32(checkpoint)?
        } else {
            weights::ensure(checkpoint)?;
            project::weights(checkpoint.model())
        };
        run = run.env("CFACE_WEIGHTS", weights);
    }
    if options.crops.iter().any(|crops| crops.in_browser()) {
        npm::ensure()?;
        site::ensure()?;
        let browser = browser::ensure()?;
        run = run
            .env("CFACE_CHROMIUM", browser.chromium)
            .env("CFACE_CHROMEDRIVER", browser.chromedriver);
    }
    if options.crops.contains(&Crops::Mtcnn) {
        run = run.env("CFACE_PYTHON", python::ensure_pytorch()?);
    }
    Ok(run)
}
