//! The converter as a program. `cargo xtask` runs it, so that nothing else has to compile the code
//! that reads checkpoints.

use std::path::PathBuf;

use clap::Parser;
use onnx_to_burn::shard::Precision;
use onnx_to_burn::{checkpoint, whole};

/// Converts published checkpoints of FaceNet to the code and the records of `facenet`.
#[derive(Parser)]
enum Command {
    /// Writes shard1.bin and shard2.bin of a checkpoint.
    Checkpoint {
        /// The checkpoint: a frozen TensorFlow graph or a state dict of PyTorch.
        #[arg(long)]
        file: PathBuf,
        /// The model that the records are of.
        #[arg(long)]
        model: String,
        /// Where the records go.
        #[arg(long)]
        out: PathBuf,
        /// Keeps the weights in float32, which only the Burn engine reads.
        #[arg(long)]
        f32: bool,
    },
    /// Writes the whole network of a checkpoint as one ONNX file.
    Whole {
        /// The checkpoint.
        #[arg(long)]
        file: PathBuf,
        /// The ONNX file.
        #[arg(long)]
        out: PathBuf,
    },
    /// Writes shard1.rs and shard2.rs.
    #[cfg(feature = "onnx")]
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
    /// Writes shard1.bin and shard2.bin of ONNX files.
    #[cfg(feature = "onnx")]
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
        Command::Checkpoint { file, model, out, f32 } => {
            let precision = if f32 { Precision::F32 } else { Precision::F16 };
            checkpoint::convert_as(precision, &file, &model, &out).map(drop)
        }
        Command::Whole { file, out } => whole::convert(&file, &out),
        #[cfg(feature = "onnx")]
        Command::Generate { onnx, out, check } => from_onnx::generate(&onnx, &out, check),
        #[cfg(feature = "onnx")]
        Command::Records { onnx, out, model } => {
            onnx_to_burn::onnx::write_records(&onnx, &model, &out).map(drop)
        }
    }
}

#[cfg(feature = "onnx")]
mod from_onnx {
    //! The command that writes code.

    use std::path::Path;

    use anyhow::{Context as _, ensure};
    use facenet::Shard;
    use onnx_to_burn::onnx;

    pub(super) fn generate(onnx_dir: &Path, out: &Path, check: bool) -> anyhow::Result<()> {
        for shard in Shard::ALL {
            let file = out.join(format!("{}.rs", shard.name()));
            let context = || format!("reading or writing {}", file.display());
            let code = onnx::convert(shard, onnx_dir)?.code;
            if check {
                let committed = std::fs::read_to_string(&file).with_context(context)?;
                let current = committed == code;
                ensure!(current, "{} is not current; run `cargo xtask generate`", file.display());
            } else {
                std::fs::write(&file, code).with_context(context)?;
            }
        }
        Ok(())
    }
}
