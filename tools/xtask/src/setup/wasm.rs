//! A toolchain that builds for WebAssembly: the active one if it has the target, which
//! `rust-toolchain.toml` names for rustup, or else Debian's with the standard library that
//! `cargo xtask wasm-std` has built from its sources.

mod debian;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{bail, ensure};

use self::debian::Debian;
use crate::project;
use crate::run::{Run, clean_cargo_environment};

/// The target of Workers.
pub(crate) const TRIPLE: &str = "wasm32-unknown-unknown";

/// The vector instructions that a module may use. A host that lacks one of them refuses the whole
/// module, so this is decided when it is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Simd {
    /// Those of every host, as .cargo/config.toml has it.
    Fixed,
    /// The relaxed ones too: workerd, Node 22 and current browsers have them.
    Relaxed,
}

impl Simd {
    /// Flags for rustc besides those of .cargo/config.toml.
    pub(crate) const fn flags(self) -> Option<&'static str> {
        match self {
            Self::Fixed => None,
            Self::Relaxed => Some("-Ctarget-feature=+simd128,+relaxed-simd"),
        }
    }
}

/// Cargo's folder for what it builds.
pub(crate) fn target() -> PathBuf {
    project::root().join("target")
}

/// Where Cargo puts the module of a library.
pub(crate) fn built(package: &str) -> PathBuf {
    let name = package.replace('-', "_");
    target().join(TRIPLE).join("release").join(name).with_extension("wasm")
}

/// How cargo is given flags for this target only.
const FLAGS_VARIABLE: &str = "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS";

/// A toolchain that builds for WebAssembly.
pub(crate) struct Toolchain {
    /// None for the active toolchain.
    debian: Option<Debian>,
}

impl Toolchain {
    /// Makes a command, and whatever it starts, use this toolchain, and a cargo that it starts
    /// compile for hosts with these instructions.
    pub(crate) fn apply_with(&self, simd: Simd, command: &mut Command) {
        self.apply(command);
        if let Some(flags) = simd.flags() {
            command.env(FLAGS_VARIABLE, flags);
        }
    }

    /// Makes a command, and whatever it starts, use this toolchain.
    pub(crate) fn apply(&self, command: &mut Command) {
        clean_cargo_environment(command);
        // Flags from the environment would replace those of .cargo/config.toml.
        for name in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", FLAGS_VARIABLE] {
            command.env_remove(name);
        }
        if let Some(debian) = &self.debian {
            debian.apply(command);
        }
    }

    /// The compiler's description of itself.
    pub(crate) fn compiler(&self) -> anyhow::Result<String> {
        let rustc = Run::new("asking for rustc's version", "rustc").args(["-vV"]);
        rustc.edit(|command| self.apply(command)).output()
    }

    /// Whether it builds and links a library for the target. Asking the compiler is the only
    /// check that also notices a standard library of another version or a missing linker.
    fn works(&self) -> bool {
        let Ok(dir) = tempfile::tempdir() else { return false };
        let source = dir.path().join("probe.rs");
        if fs::write(&source, "pub fn probe() -> String { String::new() }").is_err() {
            return false;
        }
        let mut rustc = Command::new("rustc");
        rustc.arg(source).args(["--target", TRIPLE, "--crate-type", "cdylib", "--out-dir"]);
        rustc.arg(dir.path()).current_dir(project::root());
        rustc.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.apply(&mut rustc);
        rustc.status().is_ok_and(|status| status.success())
    }
}

/// What describes the compilers that builds may be of, without a look whether they work: that takes
/// as long as the rest of a server's start.
pub(crate) fn compilers() -> anyhow::Result<Vec<String>> {
    let mut compilers = vec![Toolchain { debian: None }.compiler()?];
    let debian = Debian::in_cache()?;
    if debian.is_there() {
        compilers.push(Toolchain { debian: Some(debian) }.compiler()?);
    }
    Ok(compilers)
}

/// Finds a toolchain, or says how to install the target.
pub(crate) fn ensure() -> anyhow::Result<Toolchain> {
    for debian in [None, Some(Debian::in_cache()?)] {
        let toolchain = Toolchain { debian };
        if toolchain.works() {
            return Ok(toolchain);
        }
    }
    bail!(
        "the Rust compiler cannot build for {TRIPLE}: run `rustup target add {TRIPLE}`, or, on \
         Debian where rustup cannot provide it, `cargo xtask wasm-std`"
    )
}

/// Builds the standard library from Debian's sources into the user's cache, from where [`ensure()`]
/// takes it when the active toolchain has none.
pub(crate) fn build_std() -> anyhow::Result<()> {
    let debian = Debian::in_cache()?;
    debian.build_std()?;
    let works = Toolchain { debian: Some(debian) }.works();
    ensure!(works, "Debian's toolchain with the standard library in the cache does not build");
    Ok(())
}
