//! `cargo xtask ci`: everything that CI checks, in CI's order.

use super::{bench, lint, test};

pub(crate) fn run() -> anyhow::Result<()> {
    lint::run()?;
    test::everyday(None)?;
    bench::run(&bench::Options { quick: true })?;
    test::pytorch(None)
}
