//! The converter's commands that need ONNX files; set-up calls the library instead.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use clap::Parser;
use facenet::Shard;
use onnx_to_burn::onnx;

/// ONNX to Burn: the code and the records of the two shards.
#[derive(Parser)]
enum Command {
    /// Writes shard1.rs and shard2.rs.
    Generate {
        /// The folder with shard1.onnx and shard2.onnx.
        #[arg(long)]
        onnx: PathBuf,
        /// Where the code goes.
        #[arg(long)]
        out: PathBuf,
        /// Writes nothing and fails if what is there is not current.
        #[arg(long)]
        check: bool,
    },
    /// Writes shard1.bin and shard2.bin.
    Records {
        /// The folder with shard1.onnx and shard2.onnx.
        #[arg(long)]
        onnx: PathBuf,
        /// Where the records go.
        #[arg(long)]
        out: PathBuf,
        /// The model that the ONNX files are of.
        #[arg(long)]
        model: String,
    },
}

fn main() -> anyhow::Result<()> {
    match Command::parse() {
        Command::Generate { onnx, out, check } => {
            Shard::ALL.iter().try_for_each(|&part| generate(part, &onnx, &out, check))
        }
        Command::Records { onnx, out, model } => Shard::ALL.iter().try_for_each(|&part| {
            let converted = onnx::convert(part, &onnx)?;
            onnx::write_record(part, &model, converted.tensors, &out)
        }),
    }
}

fn generate(part: Shard, onnx_dir: &Path, out: &Path, check: bool) -> anyhow::Result<()> {
    let file = out.join(format!("{}.rs", part.name()));
    let code = onnx::convert(part, onnx_dir)?.code;
    if check {
        let committed = std::fs::read_to_string(&file)
            .with_context(|| format!("reading {}", file.display()))?;
        ensure!(committed == code, "{} is not current; run `cargo xtask generate`", file.display());
        return Ok(());
    }
    std::fs::write(&file, code).with_context(|| format!("writing {}", file.display()))
}
