//! What PyTorch says about the converter. Needs files that PyTorch has written and the checkpoint,
//! whose places `cargo xtask test --pytorch` passes in the environment.

#![expect(clippy::unwrap_used, reason = "tests end at the first surprise")]

mod compare;
mod onnx;
mod state_dict;

use std::path::PathBuf;

/// The model of the frozen graph, from which all files are made.
const MODEL: &str = "casia-webface";

#[track_caller]
fn path(variable: &str) -> PathBuf {
    let Some(path) = std::env::var_os(variable) else {
        panic!("{variable} is not set: run this by `cargo xtask test --pytorch`");
    };
    path.into()
}
