//! `cargo xtask ci`: everything that CI checks, in CI's order.

use super::{lint, test};

pub(crate) fn run() -> anyhow::Result<()> {
    lint::run()?;
    test::everyday(None)?;
    test::pytorch(None)
}
