//! The browser that the tests of the page drive.

use std::path::PathBuf;

use anyhow::Context as _;

use super::apt;
use crate::run::find_on_path;

/// A browser and the program that drives it.
pub(crate) struct Browser {
    pub(crate) chromium: PathBuf,
    pub(crate) chromedriver: PathBuf,
}

/// Finds Chromium and its driver, or installs Debian's.
pub(crate) fn ensure() -> anyhow::Result<Browser> {
    if let Some(browser) = find() {
        return Ok(browser);
    }
    let hint = "The tests of the page need `chromium` and `chromedriver` on the PATH";
    apt::install(&["chromium", "chromium-driver"]).context(hint)?;
    find().context(hint)
}

fn find() -> Option<Browser> {
    Some(Browser {
        chromium: find_on_path("chromium")?,
        chromedriver: find_on_path("chromedriver")?,
    })
}
