//! SHA-256 over the inputs of a step, and stamp files that keep it beside the step's result. So a
//! step is repeated when its result would differ, and only then.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use sha2::{Digest as _, Sha256};

/// Collects the inputs of a step.
#[derive(Default)]
pub(crate) struct Fingerprint(Sha256);

impl Fingerprint {
    /// Adds a text.
    pub(crate) fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    /// Adds bytes, and their length before them: `a`, `bc` must not equal `ab`, `c`.
    pub(crate) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    /// Adds the content of a file, or of every file of a folder with their names.
    pub(crate) fn tree(self, path: &Path) -> anyhow::Result<Self> {
        let context = || format!("reading {}", path.display());
        if !path.is_dir() {
            return Ok(self.bytes(&fs::read(path).with_context(context)?));
        }
        let mut entries: Vec<PathBuf> = fs::read_dir(path)
            .with_context(context)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()
            .with_context(context)?;
        entries.sort();
        entries.iter().try_fold(self, |fingerprint, entry| {
            let name = entry.file_name().unwrap_or_default().to_string_lossy();
            fingerprint.text(&name).tree(entry)
        })
    }

    /// The fingerprint, 64 hexadecimal digits.
    pub(crate) fn finish(self) -> String {
        hex(&self.0.finalize())
    }
}

/// The SHA-256 of bytes, 64 hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// An error unless the bytes have this SHA-256.
pub(crate) fn check_sha256(what: &str, bytes: &[u8], expected: &str) -> anyhow::Result<()> {
    let found = sha256(bytes);
    ensure!(
        found == expected,
        "{what} has the SHA-256 {found} and not {expected}: it is damaged or another version"
    );
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A file that says what a result was made from.
pub(crate) struct Stamp(PathBuf);

impl Stamp {
    /// The stamp at this path.
    pub(crate) fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// Whether the result was made from just this.
    pub(crate) fn is(&self, fingerprint: &str) -> bool {
        self.read().is_some_and(|found| found == fingerprint)
    }

    /// What the result was made from, if it is there.
    pub(crate) fn read(&self) -> Option<String> {
        fs::read_to_string(&self.0).ok().map(|text| text.trim().to_owned())
    }

    /// Records what the result was made from, once it is complete.
    pub(crate) fn write(&self, fingerprint: &str) -> anyhow::Result<()> {
        let context = || format!("writing {}", self.0.display());
        if let Some(dir) = self.0.parent() {
            fs::create_dir_all(dir).with_context(context)?;
        }
        fs::write(&self.0, format!("{fingerprint}\n")).with_context(context)
    }

    /// Removes the stamp before the result is made anew, so that an interrupted step is repeated.
    pub(crate) fn clear(&self) -> anyhow::Result<()> {
        match fs::remove_file(&self.0) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("removing {}", self.0.display()))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sha256_of_abc() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(b"abc"), expected);
        check_sha256("abc", b"abc", expected).unwrap();
        let error = check_sha256("the wheel", b"abd", expected).unwrap_err().to_string();
        assert!(error.starts_with("the wheel has the SHA-256 a52d159f"), "{error}");
    }

    #[test]
    fn a_tree_is_its_names_and_contents() {
        let dir = tempfile::tempdir().unwrap();
        let fingerprint = || Fingerprint::default().tree(dir.path()).unwrap().finish();
        fs::write(dir.path().join("a"), "1").unwrap();
        let first = fingerprint();
        fs::rename(dir.path().join("a"), dir.path().join("b")).unwrap();
        let renamed = fingerprint();
        fs::write(dir.path().join("b"), "2").unwrap();
        assert_ne!(first, renamed);
        assert_ne!(renamed, fingerprint());
    }

    #[test]
    fn a_cleared_stamp_matches_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let stamp = Stamp::at(dir.path().join("deep/stamp"));
        assert!(!stamp.is("x"));
        stamp.write("x").unwrap();
        assert!(stamp.is("x"));
        stamp.clear().unwrap();
        stamp.clear().unwrap();
        assert!(!stamp.is("x"));
    }
}
