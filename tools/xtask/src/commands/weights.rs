//! `cargo xtask weights`: a published checkpoint as the records that the Workers load.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use clap::Args;
use facenet::Shard;
use facenet::record::{Weights, head};

use crate::fingerprint::Stamp;
use crate::project;
use crate::setup::checkpoint::{self, Checkpoint};
use crate::setup::converter::{self, Precision};

/// Fetches a checkpoint and writes the weights.
#[derive(Args)]
pub(crate) struct Options {
    /// The checkpoint; the one that wrangler.toml names unless given.
    #[arg(long, value_enum)]
    model: Option<Checkpoint>,
    /// Takes the checkpoint from this file: a frozen graph, or a state dict of facenet-pytorch.
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,
    /// Takes the file although it is not the published one, if this is its SHA-256.
    #[arg(long, requires = "file", value_name = "HEX")]
    sha256: Option<String>,
    /// The folder for the weights; `.cface/weights/MODEL` unless given.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Downloads and converts even if the weights are there.
    #[arg(long, conflicts_with = "file")]
    force: bool,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let _lock = project::lock()?;
    let checkpoint = options.model.map_or_else(Checkpoint::configured, Ok)?;
    let dir = options.out.clone().unwrap_or_else(|| project::weights(checkpoint.model()));
    match &options.file {
        Some(file) => {
            let sha256 = checkpoint::adopt(checkpoint, file, options.sha256.as_deref())?;
            convert(checkpoint, file, &sha256, &dir)?;
        }
        None => ensure_in(checkpoint, &dir, options.force)?,
    }
    println!("The weights of {} are in {}", checkpoint.model(), dir.display());
    Ok(())
}

/// Makes sure that a model's weights are there and made by the current converter.
pub(crate) fn ensure(checkpoint: Checkpoint) -> anyhow::Result<()> {
    ensure_in(checkpoint, &project::weights(checkpoint.model()), false)
}

/// The folder with a model's weights as float32, which only the evaluation compares with. They are
/// written anew each time, which takes a second and needs no stamp.
pub(crate) fn ensure_f32(checkpoint: Checkpoint) -> anyhow::Result<PathBuf> {
    let dir = project::weights(&format!("{}-f32", checkpoint.model()));
    let file = checkpoint::ensure(checkpoint, false)?;
    let what = "writing the weights as float32";
    converter::convert(what, &file, checkpoint.model(), Precision::F32, &dir)?;
    Ok(dir)
}

fn ensure_in(checkpoint: Checkpoint, dir: &Path, anew: bool) -> anyhow::Result<()> {
    let current = converter::version()?;
    let complete = Shard::ALL.iter().all(|shard| dir.join(shard.file()).is_file());
    let found = if complete && !anew { stamp(dir).read() } else { None };
    let found = found.as_deref().and_then(|found| found.split_once(CONVERTER));
    match found {
        Some((sha256, version)) if sha256 != checkpoint.sha256() => {
            keep_own(checkpoint, dir, sha256, version == current)
        }
        Some((_, version)) if version == current => Ok(()),
        _ => {
            let file = checkpoint::ensure(checkpoint, anew)?;
            convert(checkpoint, &file, checkpoint.sha256(), dir)
        }
    }
}

/// Keeps weights that were made from a file of the user's own: only the user can replace them.
fn keep_own(checkpoint: Checkpoint, dir: &Path, sha256: &str, current: bool) -> anyhow::Result<()> {
    let (dir, model) = (dir.display(), checkpoint.model());
    let own = format!("the weights in {dir} are of a file of your own, with the SHA-256 {sha256}");
    ensure!(
        current,
        "{own}, and made by another version of the converter: make them anew by `cargo xtask \
         weights --model {model} --file PATH --sha256 {sha256}`, or by `--force` those of the \
         published checkpoint"
    );
    eprintln!("Note: {own}");
    Ok(())
}

fn convert(checkpoint: Checkpoint, file: &Path, sha256: &str, dir: &Path) -> anyhow::Result<()> {
    stamp(dir).clear()?;
    let (what, model) =
        (format!("writing the weights of {}", checkpoint.model()), checkpoint.model());
    converter::convert(&what, file, model, Precision::F16, dir)?;
    stamp(dir).write(&format!("{sha256}{CONVERTER}{}", converter::version()?))
}

/// The name of a model's weights in a folder. As a text it is what the variable `WEIGHTS` of the
/// public Worker says, and what the keys of the records begin with in the bucket.
pub(crate) fn name(model: &str, dir: &Path) -> anyhow::Result<Weights> {
    let head = |shard: Shard| {
        let file = dir.join(shard.file());
        let mut bytes = Vec::new();
        File::open(&file)
            .and_then(|record| record.take(head::BYTES_MAX as u64).read_to_end(&mut bytes))
            .with_context(|| format!("reading {}", file.display()))?;
        anyhow::Ok(bytes)
    };
    let [first, second] = Shard::ALL.map(head);
    head::weights(model, [&first?, &second?]).with_context(|| {
        format!("{} has no weights of {model}; `cargo xtask weights` makes them", dir.display())
    })
}

/// Says what the weights in a folder were made from: the checkpoint's SHA-256, this, and the
/// converter's version.
const CONVERTER: &str = " by converter ";

fn stamp(dir: &Path) -> Stamp {
    Stamp::at(dir.join("made-from"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn own_weights_are_kept_while_the_converter_is_the_same() {
        let dir = tempfile::tempdir().unwrap();
        for shard in Shard::ALL {
            fs::write(dir.path().join(shard.file()), "").unwrap();
        }
        let ensure = |made_from: &str| {
            stamp(dir.path()).write(made_from).unwrap();
            ensure_in(Checkpoint::Vggface2, dir.path(), false)
        };
        let version = converter::version().unwrap();
        ensure(&format!("{}{CONVERTER}{version}", Checkpoint::Vggface2.sha256())).unwrap();
        ensure(&format!("abc{CONVERTER}{version}")).unwrap();
        let error = ensure(&format!("abc{CONVERTER}0")).unwrap_err().to_string();
        assert!(error.contains("--model vggface2 --file PATH --sha256 abc"), "{error}");
    }
}
