//! Converts a published checkpoint to the records of both shards. Checkpoints of FaceNet come in
//! two formats, and both are read.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use facenet::Shard;

use crate::shard::{self, Precision, Tensors};
use crate::state_dict::StateDict;
use crate::{frozen_graph, tensorflow};

/// How files of PyTorch begin: ZIP archives, or the pickles of versions before 1.6.
const PYTORCH: [&[u8]; 2] = [b"PK\x03\x04", b"\x80\x02"];

/// Writes `shard1.bin` and `shard2.bin` of a checkpoint into `out_dir`, as the records of `model`.
/// The file is a frozen TensorFlow graph or a state dict of PyTorch, which its first bytes show.
///
/// # Errors
/// When the file cannot be read, lacks a tensor or has one of another shape (the error names it),
/// and when a record cannot be written.
pub fn convert(file: &Path, model: &str, out_dir: &Path) -> anyhow::Result<[PathBuf; 2]> {
    convert_as(Precision::F16, file, model, out_dir)
}

/// As [`convert`], with the numbers of the records in this precision.
///
/// # Errors
/// As [`convert`].
pub fn convert_as(
    precision: Precision,
    file: &Path,
    model: &str,
    out_dir: &Path,
) -> anyhow::Result<[PathBuf; 2]> {
    shard::write(precision, model, read(file)?, out_dir)
}

/// The tensors of both shards in a checkpoint.
pub(crate) fn read(file: &Path) -> anyhow::Result<[Tensors; 2]> {
    let context = || format!("reading {}", file.display());
    if is_of_pytorch(file).with_context(context)? {
        let state = StateDict::open(file).with_context(context)?;
        state.check_names()?;
        return Ok([state.tensors(Shard::Shard1)?, state.tensors(Shard::Shard2)?]);
    }
    let graph = std::fs::read(file).with_context(context)?;
    let constants = frozen_graph::read_constants(&graph).with_context(context)?;
    let tensors = |shard| tensorflow::tensors(shard, &constants);
    Ok([tensors(Shard::Shard1)?, tensors(Shard::Shard2)?])
}

fn is_of_pytorch(file: &Path) -> std::io::Result<bool> {
    let mut head = Vec::new();
    File::open(file)?.take(4).read_to_end(&mut head)?;
    Ok(PYTORCH.iter().any(|magic| head.starts_with(magic)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_checkpoint_is_refused_with_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("checkpoint");
        let refused = |bytes: &[u8]| {
            std::fs::write(&file, bytes).unwrap();
            format!("{:#}", convert(&file, "vggface2", dir.path()).unwrap_err())
        };
        let name = file.display().to_string();
        for bytes in [&b"PK\x03\x04 and no archive"[..], b"\x80\x02 and no pickle", b"<html>"] {
            let text = refused(bytes);
            assert!(text.starts_with(&format!("reading {name}: ")), "{text}");
        }
        // An empty file is a graph without constants.
        assert!(refused(b"").contains("the graph has no constant `InceptionResnetV1/Conv2d_1a"));
        let missing = convert(&dir.path().join("none"), "vggface2", dir.path()).unwrap_err();
        assert!(format!("{missing:#}").contains("none"), "{missing:#}");
    }
}
