//! Cargo tools, built once into the user's cache: those that build Workers at the versions that
//! Cargo.lock names, those that check the project at versions named here.
//!
//! None is optimised. Each runs for seconds, and optimising them takes minutes.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::run::Run;
use crate::{progress, project};

/// The tools of a Worker build.
pub(crate) struct Tools {
    pub(crate) wasm_bindgen: PathBuf,
    pub(crate) worker_build: PathBuf,
}

/// Builds those of them that are missing.
pub(crate) fn ensure() -> anyhow::Result<Tools> {
    // worker-build is released together with worker, under the same version.
    let worker = project::locked_version("worker")?;
    let bindgen = project::locked_version("wasm-bindgen")?;
    let [worker_build, wasm_bindgen] = install([
        Tool { package: "worker-build", program: "worker-build", version: &worker, arguments: &[] },
        Tool {
            package: "wasm-bindgen-cli",
            program: "wasm-bindgen",
            version: &bindgen,
            // Without TLS, which only its test runner uses: that compiles a library in C.
            arguments: &["--no-default-features"],
        },
    ])?;
    Ok(Tools { wasm_bindgen, worker_build })
}

/// The fuzzer's front end.
const FUZZ: Tool<'_> =
    Tool { package: "cargo-fuzz", program: "cargo-fuzz", version: "0.13.2", arguments: &[] };

/// The checker of dependencies.
const DENY: Tool<'_> =
    Tool { package: "cargo-deny", program: "cargo-deny", version: "0.20.2", arguments: &[] };

/// Builds the fuzzer's front end if it is missing.
pub(crate) fn ensure_fuzz() -> anyhow::Result<PathBuf> {
    install([FUZZ]).map(|[program]| program)
}

/// Builds the checker of dependencies if it is missing.
pub(crate) fn ensure_deny() -> anyhow::Result<PathBuf> {
    install([DENY]).map(|[program]| program)
}

/// A program of a package on crates.io.
struct Tool<'a> {
    package: &'a str,
    program: &'a str,
    version: &'a str,
    /// More arguments for Cargo.
    arguments: &'a [&'a str],
}

impl Tool<'_> {
    /// The folder that it is installed to.
    fn root(&self, tools: &Path) -> PathBuf {
        tools.join(format!("{}-{}", self.package, self.version))
    }

    fn program(&self, tools: &Path) -> PathBuf {
        self.root(tools).join("bin").join(self.program)
    }

    /// Builds it with a folder for build results.
    fn build(&self, tools: &Path, target: &Path) -> anyhow::Result<()> {
        let Self { package, program, version, arguments } = self;
        let what = format!("building {package} {version}");
        let cargo = || {
            Run::cargo(&what)
                .args(["install", package, "--version", version, "--bin", program, "--debug"])
                .args(*arguments)
                .arg_path("--root", &self.root(tools))
                .arg_path("--target-dir", target)
                .env("CARGO_PROFILE_DEV_DEBUG", "0")
                .hint(format!("Try by hand: cargo install {package} --version {version}"))
        };
        // A published lock file may name a version that has been withdrawn since.
        if cargo().args(["--locked"]).attempt()? {
            return Ok(());
        }
        progress::say(&format!("{package} does not build with its own lock file; trying without"));
        cargo().quietly()
    }
}

/// Builds those tools that are missing, and says where all are.
fn install<const N: usize>(wanted: [Tool<'_>; N]) -> anyhow::Result<[PathBuf; N]> {
    let cache = project::cache()?;
    let tools = cache.join("tools");
    // Other clones want the same, and building it twice at once takes twice as long.
    let _lock = project::lock_file(&cache.join("tools.lock"), "waiting for another clone's tools")?;
    // They share most of what they are built from.
    let target = tools.join("target");
    for tool in wanted.iter().filter(|tool| !tool.program(&tools).is_file()) {
        tool.build(&tools, &target)?;
    }
    if target.exists() {
        fs::remove_dir_all(&target).with_context(|| format!("removing {}", target.display()))?;
    }
    Ok(wanted.map(|tool| tool.program(&tools)))
}
