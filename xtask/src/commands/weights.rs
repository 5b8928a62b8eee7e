//! `cargo xtask weights`: the published checkpoint as the records that the Workers load.

use clap::Args;

use crate::fingerprint::{Fingerprint, Stamp};
use crate::progress::Step;
use crate::setup::checkpoint;
use crate::{project, wrangler};

/// Fetches the checkpoint and writes the weights.
#[derive(Args)]
pub(crate) struct Options {
    /// Downloads and converts even if the weights are there.
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let _lock = project::lock()?;
    ensure(options.force)?;
    println!("The weights are in {}", project::weights().display());
    Ok(())
}

/// Makes sure that the weights are there and made by the current converter.
pub(crate) fn ensure(anew: bool) -> anyhow::Result<()> {
    let dir = project::weights();
    let stamp = Stamp::at(dir.join("made-from"));
    let source = Fingerprint::default()
        .text(checkpoint::GRAPH_SHA256)
        .text(&onnx_to_burn::VERSION.to_string())
        .finish();
    let complete = wrangler::SHARDS.iter().all(|shard| dir.join(shard).is_file());
    if complete && stamp.is(&source) && !anew {
        return Ok(());
    }
    let graph = checkpoint::ensure(anew)?;
    stamp.clear()?;
    let step = Step::begin("writing the weights of both shards");
    onnx_to_burn::checkpoint::convert(&graph.bytes, &dir)?;
    step.done();
    stamp.write(&source)
}
