//! Files with secrets, which only the user can read.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, bail};

/// Writes a file. Readers see either the new text or the old one, even if the machine stops
/// meanwhile.
pub(crate) fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    let Some(folder) = file.parent() else { bail!("{} is in no folder", file.display()) };
    let write = || -> anyhow::Result<()> {
        fs::create_dir_all(folder)?;
        // Such files begin with the mode 0600.
        let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
        temporary.write_all(text.as_bytes())?;
        temporary.as_file().sync_all()?;
        temporary.persist(file)?;
        Ok(())
    };
    write().with_context(|| format!("writing {}", file.display()))
}
