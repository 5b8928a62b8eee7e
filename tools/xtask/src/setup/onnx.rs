//! The whole network as an ONNX file, for runtimes that our engine is compared with.

use std::path::PathBuf;

use super::checkpoint::{self, Checkpoint};
use super::{converter, engines};
use crate::fingerprint::{Fingerprint, Stamp};
use crate::project;

/// Writes the file when what it is made from has changed.
pub(crate) fn ensure() -> anyhow::Result<PathBuf> {
    let file = engines::folder()?.join("facenet.onnx");
    let stamp = Stamp::at(file.with_extension("made-from"));
    let converter = project::root().join("onnx-to-burn/src");
    let inputs =
        Fingerprint::default().text(Checkpoint::GOLDEN.sha256()).tree(&converter)?.finish();
    if stamp.is(&inputs) && file.is_file() {
        return Ok(file);
    }
    let graph = checkpoint::ensure(Checkpoint::GOLDEN, false)?;
    stamp.clear()?;
    converter::write_onnx("writing the network as ONNX", &graph, &file)?;
    stamp.write(&inputs)?;
    Ok(file)
}
