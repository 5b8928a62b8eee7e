//! Cargo tools that check the project, built once into the user's cache.
//!
//! None is optimised. Each runs for seconds, and optimising them takes minutes.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::run::Run;
use crate::{progress, project};

/// The fuzzer's front end.
const FUZZ: Tool<'_> = Tool { name: "cargo-fuzz", version: "0.13.2" };

/// The checker of dependencies.
const DENY: Tool<'_> = Tool { name: "cargo-deny", version: "0.20.2" };

/// Builds the fuzzer's front end if it is missing, and says where it is.
pub(crate) fn ensure_fuzz() -> anyhow::Result<PathBuf> {
    install(&FUZZ)
}

/// Builds the checker of dependencies if it is missing, and says where it is.
pub(crate) fn ensure_deny() -> anyhow::Result<PathBuf> {
    install(&DENY)
}

/// A program on crates.io, whose package has the same name.
struct Tool<'a> {
    name: &'a str,
    version: &'a str,
}

impl Tool<'_> {
    /// Builds it into a folder, with a folder for build results.
    fn build(&self, root: &Path, target: &Path) -> anyhow::Result<()> {
        let Self { name, version } = self;
        let cargo = || {
            Run::cargo(format!("building {name} {version}"))
                .args(["install", name, "--version", version, "--bin", name, "--debug"])
                .arg_path("--root", root)
                .arg_path("--target-dir", target)
                .env("CARGO_PROFILE_DEV_DEBUG", "0")
                .hint(format!("Try by hand: cargo install {name} --version {version}"))
        };
        // A published lock file may name a version that has been withdrawn since.
        if cargo().args(["--locked"]).attempt()? {
            return Ok(());
        }
        progress::say(&format!("{name} does not build with its own lock file; trying without"));
        cargo().quietly()
    }
}

fn install(tool: &Tool<'_>) -> anyhow::Result<PathBuf> {
    let cache = project::cache()?;
    let tools = cache.join("tools");
    // Other clones want the same, and building it twice at once takes twice as long.
    let _lock = project::lock_file(&cache.join("tools.lock"), "waiting for another clone's tools")?;
    let root = tools.join(format!("{}-{}", tool.name, tool.version));
    let program = root.join("bin").join(tool.name);
    let target = tools.join("target");
    if !program.is_file() {
        tool.build(&root, &target)?;
    }
    if target.exists() {
        fs::remove_dir_all(&target).with_context(|| format!("removing {}", target.display()))?;
    }
    Ok(program)
}
