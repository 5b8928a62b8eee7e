//! The browser that the tests of the page and the evaluation drive.

use std::path::PathBuf;

use anyhow::Context as _;

use super::apt;
use crate::run::find_on_path;

/// A browser and the program that drives it.
pub(crate) struct Browser {
    pub(crate) chromium: PathBuf,
    pub(crate) chromedriver: PathBuf,
}

/// Finds Chromium and its driver, or says how to install them.
pub(crate) fn ensure() -> anyhow::Result<Browser> {
    if let Some(browser) = find() {
        return Ok(browser);
    }
    let missing = "`chromium` and `chromedriver` are not on the PATH";
    apt::install(&["chromium", "chromium-driver"]).context(missing)?;
    find().context(missing)
}

fn find() -> Option<Browser> {
    Some(Browser {
        chromium: find_on_path("chromium")?,
        chromedriver: find_on_path("chromedriver")?,
    })
}
