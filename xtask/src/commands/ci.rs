//! `cargo xtask ci`: everything that CI checks, in CI's order.

use super::{bench, deny, fuzz, lint, test};

/// How long CI runs each fuzz target.
const FUZZ_SECONDS: u32 = 30;

pub(crate) fn run() -> anyhow::Result<()> {
    lint::run()?;
    deny::run()?;
    test::everyday(None)?;
    fuzz::run(&fuzz::Options::all(FUZZ_SECONDS))?;
    bench::run(&bench::Options { quick: true, json: None })?;
    test::pytorch(None)
}
