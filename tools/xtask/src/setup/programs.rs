//! Programs of the project that commands run. They are apart from xtask, because their libraries
//! take longer to compile than all of it.

use std::path::PathBuf;

use crate::project::WITHOUT_BURN;
use crate::run::Run;

/// What the page and the API need: the converter of weights, and the maker of Workers' bindings.
pub(crate) const FOR_USERS: [&str; 2] = ["onnx-to-burn", "worker-bindings"];

/// Compiles programs.
pub(crate) fn build(names: &[&str]) -> anyhow::Result<()> {
    Run::cargo(format!("compiling {}", names.join(" and ")))
        .args(["build", "--locked"])
        .args(WITHOUT_BURN)
        .args(names.iter().flat_map(|name| ["--bin", name]))
        .hint("The compiler's message above says why")
        .quietly()
}

/// Where a program is, once it is compiled.
pub(crate) fn path(name: &str) -> anyhow::Result<PathBuf> {
    // Cargo puts all programs of the workspace side by side.
    Ok(std::env::current_exe()?.with_file_name(name))
}
