//! The whole network as an ONNX file, for runtimes that ours is compared with.

use std::path::PathBuf;

use super::checkpoint::{self, Checkpoint};
use super::engines;
use crate::fingerprint::{Fingerprint, Stamp};
use crate::progress;
use crate::project;

/// Writes the file when what it is made from has changed.
pub(crate) fn ensure() -> anyhow::Result<PathBuf> {
    let file = engines::folder()?.join("facenet.onnx");
    let stamp = Stamp::at(file.with_extension("made-from"));
    let converter = project::root().join("onnx-to-burn/src");
    let inputs =
        Fingerprint::default().text(Checkpoint::CasiaWebface.sha256()).tree(&converter)?.finish();
    if stamp.is(&inputs) && file.is_file() {
        return Ok(file);
    }
    let graph = checkpoint::ensure(Checkpoint::CasiaWebface, false)?;
    let step = progress::Step::begin("writing the network as ONNX");
    stamp.clear()?;
    onnx_to_burn::whole::convert(&graph, &file)?;
    step.done();
    stamp.write(&inputs)?;
    Ok(file)
}
