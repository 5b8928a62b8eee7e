//! The command line of the evaluation. `cargo xtask`, which sets up what a command needs and then
//! runs it, includes this file: the options stand in one place.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Which pictures are measured, and how.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// The photographs: a folder for each person. With --lfw, LFW's folder.
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// How a photograph becomes a crop. Several, with commas between them, are compared on the
    /// photographs that all of them can use.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "as-is")]
    pub crops: Vec<CropMethod>,
    /// Adds the embedding of the mirrored crop to each embedding.
    #[arg(long)]
    pub flip: bool,
    /// The checkpoint.
    #[arg(long, default_value = "casia-webface")]
    pub model: String,
    /// The precision of the weights. f32 runs on the Burn engine, which takes minutes to build.
    #[arg(long, value_enum, default_value = "f16")]
    pub weights: Precision,
    /// Asks a running server, for example <http://127.0.0.1:8787>, instead of computing here.
    #[arg(long, value_name = "URL", conflicts_with_all = ["flip", "weights"])]
    pub server: Option<String>,
    /// Where the report, the plot and the table go.
    #[arg(long, value_name = "DIR", default_value = ".cface/eval")]
    pub out: PathBuf,
    /// Keeps the crops that were cut out, to be looked at.
    #[arg(long, value_name = "DIR")]
    pub keep_crops: Option<PathBuf>,
}

impl Options {
    /// The same as arguments, to be passed on.
    #[must_use]
    pub fn to_arguments(&self) -> Vec<OsString> {
        let Self { dir, crops, flip, model, weights, server, out, keep_crops } = self;
        let crops: Vec<&str> = crops.iter().map(|crops| crops.name()).collect();
        let mut arguments: Vec<OsString> =
            vec!["--crops".into(), crops.join(",").into(), "--model".into(), model.into()];
        if *flip {
            arguments.push("--flip".into());
        }
        match server {
            Some(url) => arguments.extend(["--server".into(), url.into()]),
            None => arguments.extend(["--weights".into(), weights.name().into()]),
        }
        arguments.extend(["--out".into(), out.into()]);
        if let Some(keep) = keep_crops {
            arguments.extend(["--keep-crops".into(), keep.into()]);
        }
        // A folder may be called like an option.
        arguments.extend(["--".into(), dir.into()]);
        arguments
    }
}

/// How a photograph becomes a crop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CropMethod {
    /// The pictures are crops already; what is not 160x160 is stretched to it.
    AsIs,
    /// By the page's own detector and recipe, in a browser.
    Detect,
    /// For comparison: facenet-pytorch's MTCNN with a margin of 14 pixels. Fetches PyTorch.
    Mtcnn,
}

impl CropMethod {
    /// As on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AsIs => "as-is",
            Self::Detect => "detect",
            Self::Mtcnn => "mtcnn",
        }
    }
}

/// The precision of the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Precision {
    /// As the Worker has them.
    F16,
    /// As the checkpoint has them.
    F32,
}

impl Precision {
    /// As on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::F16 => "f16",
            Self::F32 => "f32",
        }
    }
}
