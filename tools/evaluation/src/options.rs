//! The command line. `cargo xtask eval`, `calibrate` and `collect` pass their arguments on, so the
//! help names those commands.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, ValueEnum};

/// How right the answers are.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
pub enum Program {
    /// What users run.
    #[command(flatten)]
    Run(Command),
    /// Prints what must be set up before a command can run, one need a line. The arguments are
    /// those of the command. Nothing is needed for its `--help`.
    #[command(hide = true, disable_help_flag = true)]
    Needs {
        /// The command with its arguments.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        arguments: Vec<OsString>,
    },
}

/// What users run.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
pub enum Command {
    /// Measures how well people are told apart, on photographs of known people.
    Eval {
        /// Which pictures, and how.
        #[command(flatten)]
        options: Options,
        /// Follows LFW's protocol with this pairs file.
        #[arg(long, value_name = "PAIRS")]
        lfw: Option<PathBuf>,
    },
    /// Computes the thresholds of the verdict from groups of known people, and how often they are
    /// wrong for each group. DIR has a folder for each group, and in it one for each person.
    Calibrate {
        /// Which pictures, and how.
        #[command(flatten)]
        options: Options,
        /// Keeps the embeddings of each group in this folder, and takes them from there next time.
        #[arg(long, value_name = "DIR")]
        embeddings: Option<PathBuf>,
    },
    /// Lays out a collection of the list as a folder per person, from a copy of its repository.
    Collect {
        /// The collection's name in tools/evaluation/collections.toml.
        name: String,
        /// The copy, at the commit that the list names.
        copy: PathBuf,
        /// Where a folder with the collection's name is made.
        dir: PathBuf,
    },
}

impl Command {
    /// Which pictures are measured, and how. Nothing is measured when photographs are collected.
    #[must_use]
    pub const fn options(&self) -> Option<&Options> {
        match self {
            Self::Eval { options, .. } | Self::Calibrate { options, .. } => Some(options),
            Self::Collect { .. } => None,
        }
    }
}

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
    /// The precision of the weights. int8 computes most of the network in integers, as the Worker
    /// does unless it is built otherwise. f32 runs on the Burn engine, which takes minutes to
    /// build.
    #[arg(long, value_enum, default_value = "int8")]
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

/// How a photograph becomes a crop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CropMethod {
    /// The pictures are crops already; what is not 160x160 is stretched to it.
    AsIs,
    /// By the page's own detector and recipe, in a browser.
    Detect,
    /// By the same detector and recipe as the Worker has them, without a browser.
    Native,
    /// The whole photographs go to a server, which finds the faces. Only with --server.
    Served,
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
            Self::Native => "native",
            Self::Served => "served",
            Self::Mtcnn => "mtcnn",
        }
    }
}

/// The precision of the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Precision {
    /// As the records have them, in floats.
    F16,
    /// The same, rounded once more for the layers that the engine computes in integers: as the
    /// Worker computes.
    Int8,
    /// As the checkpoint has them.
    F32,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Program::command().debug_assert();
        for method in CropMethod::value_variants() {
            assert_eq!(method.to_possible_value().unwrap().get_name(), method.name());
        }
    }

    #[test]
    fn help_is_that_of_the_commands_of_users() {
        let help = |arguments: &[&str]| {
            let error = Program::try_parse_from(["evaluation"].iter().chain(arguments));
            error.unwrap_err().to_string()
        };
        assert!(help(&["eval", "--help"]).contains("Usage: cargo xtask eval [OPTIONS] <DIR>"));
        assert!(
            help(&["calibrate", "-h"]).contains("Usage: cargo xtask calibrate [OPTIONS] <DIR>")
        );
        assert!(!help(&["--help"]).contains("needs"));
    }

    #[test]
    fn a_server_computes_with_the_weights_that_it_has() {
        for option in ["--flip", "--weights=f32", "--weights=f16"] {
            let arguments = ["evaluation", "eval", "DIR", "--server", "http://a", option];
            assert!(Program::try_parse_from(arguments).is_err(), "{option}");
        }
    }
}
