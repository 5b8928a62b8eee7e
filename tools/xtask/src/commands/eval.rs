//! `cargo xtask eval`, `calibrate` and `collect`: how right the answers are, on photographs of
//! known people. The program `evaluation` does it and knows the options. This asks it what it needs
//! for them, sets that up, and runs it.

use std::ffi::OsString;
use std::path::Path;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum as _};

use super::weights;
use crate::project;
use crate::run::Run;
use crate::setup::checkpoint::Checkpoint;
use crate::setup::{browser, finder, npm, python, site};

/// What is passed on to the evaluation.
#[derive(Args)]
pub(crate) struct Options {
    /// Options of the evaluation; `--help` lists them.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "OPTIONS")]
    arguments: Vec<OsString>,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    evaluate("eval", &options.arguments)
}

pub(crate) fn calibrate(options: &Options) -> anyhow::Result<()> {
    evaluate("calibrate", &options.arguments)
}

pub(crate) fn collect(options: &Options) -> anyhow::Result<()> {
    evaluate("collect", &options.arguments)
}

fn evaluate(command: &str, arguments: &[OsString]) -> anyhow::Result<()> {
    let user = std::env::current_dir().context("finding the current folder")?;
    evaluation("building the evaluation", "build", &user).quietly()?;
    let asked = evaluation("asking the evaluation what it needs", "run", &user)
        .args(["--quiet", "--", "needs", command])
        .args(arguments)
        .output()?;
    let needs: Vec<Need> = asked.lines().map(Need::read).collect::<anyhow::Result<_>>()?;
    let run = evaluation("the evaluation", "run", &user)
        .args(needs.iter().any(Need::is_f32).then_some("--features=f32"))
        .args(["--quiet", "--", command])
        .args(arguments)
        .hint("The output above says why");
    let run = {
        let _lock = project::lock()?;
        needs.iter().try_fold(run, |run, need| need.set_up(run))?
    };
    run.shown()
}

/// It compares every picture with every other, which its tests, of few pictures, do unoptimised:
/// optimising it for them took ten times as long as running them.
const OPTIMISED: &str = "profile.dev.package.evaluation.opt-level = 3";

/// Cargo on the evaluation, in the user's folder. The profile is that of the tests but for that.
fn evaluation(what: &str, subcommand: &str, user: &Path) -> Run {
    Run::cargo(what)
        .args([subcommand, "--locked", "--package", "evaluation", "--config", OPTIMISED])
        .arg_path("--manifest-path", &project::root().join("Cargo.toml"))
        .dir(user)
}

/// What the evaluation needs, as it prints it: one thing a line.
#[derive(Debug, PartialEq, Eq)]
enum Need {
    Weights(Checkpoint),
    WeightsF32(Checkpoint),
    Page,
    Browser,
    Finder,
    Pytorch,
}

impl Need {
    fn read(line: &str) -> anyhow::Result<Self> {
        let checkpoint = |model: &str| {
            Checkpoint::from_str(model, false)
                .map_err(|error| anyhow::anyhow!("--model {model}: {error}"))
        };
        Ok(match line.split_once(' ').unwrap_or((line, "")) {
            ("weights", model) => Self::Weights(checkpoint(model)?),
            ("weights-f32", model) => Self::WeightsF32(checkpoint(model)?),
            ("page", "") => Self::Page,
            ("browser", "") => Self::Browser,
            ("finder", "") => Self::Finder,
            ("pytorch", "") => Self::Pytorch,
            _ => bail!("the evaluation needs `{line}`, which is not known here"),
        })
    }

    fn is_f32(&self) -> bool {
        matches!(self, Self::WeightsF32(_))
    }

    /// Sets it up, and tells the program where it is.
    fn set_up(&self, run: Run) -> anyhow::Result<Run> {
        Ok(match self {
            Self::Weights(checkpoint) => {
                weights::ensure(*checkpoint)?;
                run.env("CFACE_WEIGHTS", project::weights(checkpoint.model()))
            }
            Self::WeightsF32(checkpoint) => {
                run.env("CFACE_WEIGHTS", weights::ensure_f32(*checkpoint)?)
            }
            Self::Page => {
                npm::ensure()?;
                site::ensure()?;
                run
            }
            Self::Browser => {
                let browser = browser::ensure()?;
                run.env("CFACE_CHROMIUM", browser.chromium)
                    .env("CFACE_CHROMEDRIVER", browser.chromedriver)
            }
            Self::Finder => {
                npm::ensure()?;
                run.env("CFACE_FINDER", finder::ensure()?)
            }
            Self::Pytorch => run.env("CFACE_PYTHON", python::ensure_pytorch()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needs_are_understood() {
        let read = |line| Need::read(line).unwrap();
        assert_eq!(read("weights vggface2"), Need::Weights(Checkpoint::Vggface2));
        assert_eq!(read("weights-f32 casia-webface"), Need::WeightsF32(Checkpoint::CasiaWebface));
        assert_eq!(read("browser"), Need::Browser);
        assert_eq!(read("finder"), Need::Finder);
        let error = |line| Need::read(line).unwrap_err().to_string();
        assert!(
            error("weights other").starts_with("--model other: "),
            "{}",
            error("weights other")
        );
        assert!(error("a camera").contains("`a camera`"));
    }
}
