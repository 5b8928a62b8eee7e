//! The engines as bare WebAssembly modules, for tests and measurements in V8.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;

use super::wasm::{self, Simd, Toolchain};
use crate::project;
use crate::run::Run;

/// What a module is built from.
#[derive(Clone, Copy)]
pub(crate) struct Engine {
    /// The name of its file.
    pub(crate) name: &'static str,
    /// Features of `facenet`, and of the Worker if it is `as_in_worker`.
    pub(crate) features: &'static str,
    /// Cargo chooses the features of dependencies as for the Worker, and so compiles them once for
    /// both. Burn takes minutes.
    pub(crate) as_in_worker: bool,
    pub(crate) simd: Simd,
}

/// The folder for the modules and what they read.
pub(crate) fn folder() -> anyhow::Result<PathBuf> {
    let folder = project::local().join("engines");
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    Ok(folder)
}

impl Engine {
    /// Builds the module, as a Worker's, and says where it is.
    pub(crate) fn ensure(&self, toolchain: &Toolchain) -> anyhow::Result<PathBuf> {
        Run::new(format!("building the engine {} for WebAssembly", self.name), "cargo")
            .args(["build", "--release", "--locked", "--package", "facenet", "--example", "engine"])
            .args(["--target", wasm::TRIPLE, "--no-default-features", "--features", self.features])
            .args(self.as_in_worker.then_some("--package=facenet-worker"))
            .arg_path("--target-dir", &wasm::target())
            .edit(|command| toolchain.apply_with(self.simd, command))
            .hint("The compiler's message above says why")
            .quietly()?;
        let built = wasm::target().join(wasm::TRIPLE).join("release/examples/engine.wasm");
        let module = folder()?.join(self.name).with_extension("wasm");
        fs::copy(&built, &module).with_context(|| format!("copying {}", built.display()))?;
        Ok(module)
    }
}
