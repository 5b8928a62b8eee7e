//! `cargo xtask bench`: how fast the engines are, against each other in one run.

use clap::Args;

use super::{test, weights};
use crate::project;
use crate::run::Run;

/// Measures the engines against each other.
#[derive(Args)]
pub(crate) struct Options {
    /// Only shows that the benchmarks work.
    #[arg(long)]
    pub(crate) quick: bool,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    {
        let _lock = project::lock()?;
        weights::ensure(test::MODEL)?;
    }
    let quick: &[&str] = if options.quick { &["--", "--quick"] } else { &[] };
    // In the profile of the tests, which optimises the model and all it stands on, and with the
    // same packages and features: building Burn a second time would take longer than the rest.
    Run::cargo("the benchmarks")
        .args(["bench", "--locked", "--profile", "dev", "--bench", "engines"])
        .args(test::UNIT_TESTS)
        .args(quick)
        .env("CFACE_WEIGHTS", project::weights(test::MODEL.model()))
        .shown()
}
