//! The types of the page's scripts. They are comments in JavaScript, which TypeScript checks.

use crate::project;
use crate::run::Run;
use crate::setup::{npm, site};

/// The folder with `tsconfig.json`, which names the scripts.
const PROJECT: &str = "site";

pub(super) fn check() -> anyhow::Result<()> {
    {
        let _lock = project::lock()?;
        npm::ensure()?;
        // The scripts import a module that this writes.
        site::ensure()?;
    }
    Run::new("checking the types of the page's scripts", testbed::npm::program("tsc"))
        .args(["--project", PROJECT])
        .shown()
}
