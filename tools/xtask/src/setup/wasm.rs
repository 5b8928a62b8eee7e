//! A toolchain that builds for wasm32-unknown-unknown: the active one if it has the target or
//! rustup can add it, else Debian's, whose standard library is built here from its sources.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};

use super::apt;
use crate::project;
use crate::run::{Run, clean_cargo_environment, is_on_path};

/// The target of Workers.
pub(crate) const TRIPLE: &str = "wasm32-unknown-unknown";

/// As in .cargo/config.toml, for the standard library.
const FEATURES: &str = "-Ctarget-feature=+simd128";

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

/// How cargo is given flags for this target only.
const FLAGS_VARIABLE: &str = "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS";

const HINT: &str = "Install the target by `rustup target add wasm32-unknown-unknown`, or on \
    Debian the packages rustc-web, cargo-web, rust-web-src, rust-web-clippy and lld as root";

/// A toolchain that builds for WebAssembly.
pub(crate) struct Toolchain {
    /// Where its programs come from, when it is not the active toolchain.
    path: Option<OsString>,
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
        if let Some(path) = &self.path {
            for name in ["RUSTUP_TOOLCHAIN", "RUSTC", "RUSTDOC", "RUSTC_WRAPPER"] {
                command.env_remove(name);
            }
            command.env("PATH", path);
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

/// Finds or installs a toolchain.
pub(crate) fn ensure() -> anyhow::Result<Toolchain> {
    let active = Toolchain { path: None };
    if active.works() {
        return Ok(active);
    }
    let debian = Debian::new()?;
    if Debian::is_new_enough() {
        debian.link()?;
        if debian.toolchain.works() {
            return Ok(debian.toolchain);
        }
    }
    if is_on_path("rustup") {
        let rustup = Run::new("adding the WebAssembly target by rustup", "rustup");
        if rustup.args(["target", "add", TRIPLE]).attempt()? && active.works() {
            return Ok(active);
        }
        eprintln!("rustup cannot add the target; trying Debian's packages");
    }
    debian.install().context(HINT)?;
    ensure!(debian.toolchain.works(), "Debian's toolchain does not build WebAssembly. {HINT}");
    Ok(debian.toolchain)
}

/// Debian's toolchain for browsers, which is newer than Debian's own.
struct Debian {
    /// A folder with links to its programs and no others: /usr/bin as a whole would also hide
    /// the user's Node.
    programs: PathBuf,
    toolchain: Toolchain,
}

impl Debian {
    fn new() -> anyhow::Result<Self> {
        let programs = project::cache()?.join("debian-rust");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let dirs = std::iter::once(programs.clone()).chain(std::env::split_paths(&path));
        let path = std::env::join_paths(dirs).context("the PATH has a folder with a colon")?;
        Ok(Self { programs, toolchain: Toolchain { path: Some(path) } })
    }

    /// Whether there is such a toolchain, and it can compile this project.
    fn is_new_enough() -> bool {
        let Ok(manifest) = project::read_toml(&project::root().join("Cargo.toml")) else {
            return false;
        };
        let wanted = manifest["workspace"]["package"]["rust-version"].as_str().unwrap_or_default();
        let output = Command::new("/usr/bin/rustc").arg("--version").output();
        let version = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        let has_cargo = Path::new("/usr/bin/cargo").is_file();
        has_cargo && version.is_ok_and(|found| is_at_least(&found, wanted))
    }

    /// Puts links to the toolchain's programs in their folder.
    fn link(&self) -> anyhow::Result<()> {
        let context = || format!("linking to Debian's toolchain in {}", self.programs.display());
        fs::create_dir_all(&self.programs).with_context(context)?;
        let same = ["cargo", "cargo-clippy", "clippy-driver", "rustc", "rustdoc"];
        let links = same.map(|name| (name.to_owned(), format!("/usr/bin/{name}")));
        // The package that has this link would bring all of LLVM.
        let linker = ("rust-lld".to_owned(), format!("/usr/bin/{}", lld_package()?));
        for (name, target) in links.into_iter().chain([linker]) {
            let link = self.programs.join(name);
            if fs::read_link(&link).is_ok_and(|found| found == Path::new(&target)) {
                continue;
            }
            let _ = fs::remove_file(&link);
            symlink(target, link).with_context(context)?;
        }
        Ok(())
    }

    /// Installs the packages and builds the standard library.
    fn install(&self) -> anyhow::Result<()> {
        apt::install(&["rustc-web", "cargo-web", "rust-web-src", "rust-web-clippy"])?;
        ensure!(Self::is_new_enough(), "/usr/bin/rustc is not Debian's rustc-web, or too old");
        let lld = lld_package()?;
        if !Path::new("/usr/bin").join(&lld).exists() {
            apt::install(&[&lld])?;
        }
        self.link()?;
        self.build_std()
    }

    /// Builds the standard library for the target and puts it beside the host's, where it
    /// serves like an installed target.
    fn build_std(&self) -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        fs::create_dir(dir.path().join("src"))?;
        fs::write(dir.path().join("src/lib.rs"), "")?;
        let manifest = "[package]\nname = \"nothing\"\nedition = \"2024\"\n";
        fs::write(dir.path().join("Cargo.toml"), manifest)?;
        Run::new("building the standard library for WebAssembly", "cargo")
            .args(["build", "--release", "-Zbuild-std=std,panic_abort", "--target", TRIPLE])
            .dir(dir.path())
            .edit(|command| self.toolchain.apply(command))
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTFLAGS", FEATURES)
            .env("CARGO_TARGET_DIR", dir.path().join("target"))
            .hint("Are the packages rustc-web and rust-web-src of the same version?")
            .quietly()?;
        let built = dir.path().join("target").join(TRIPLE).join("release/deps");
        let mut libraries = Vec::new();
        for entry in fs::read_dir(&built)? {
            let file = entry?.path();
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            if name.ends_with(".rlib") && !name.starts_with("libnothing") {
                libraries.push(file);
            }
        }
        ensure!(!libraries.is_empty(), "the standard library has no files in {}", built.display());
        let target = format!("/usr/lib/rustlib/{TRIPLE}/lib");
        let as_root = |program| apt::as_root("installing the standard library", program);
        // What is there belongs to another version of the compiler.
        as_root("rm").args(["-rf", &target]).logged(|_| ())?;
        as_root("mkdir").args(["-p", &target]).logged(|_| ())?;
        as_root("cp").args(libraries).args([&target]).logged(|_| ())
    }
}

/// Debian's linker for the LLVM that its compiler was made with: both the package and the
/// program are called so.
fn lld_package() -> anyhow::Result<String> {
    let rustc = Run::new("asking for rustc's version", "/usr/bin/rustc");
    let description = rustc.args(["-vV"]).output()?;
    lld_of(&description)
}

fn lld_of(description: &str) -> anyhow::Result<String> {
    let version = description.lines().find_map(|line| line.strip_prefix("LLVM version: "));
    match version.and_then(|version| version.split('.').next()) {
        Some(major) => Ok(format!("lld-{major}")),
        None => bail!("rustc does not say which LLVM it was made with"),
    }
}

/// Compares `rustc 1.96.0 (..)` with `1.95`.
fn is_at_least(found: &str, wanted: &str) -> bool {
    let numbers = |version: &str| -> Vec<u32> {
        version.split('.').map_while(|number| number.parse().ok()).collect()
    };
    let found = found.split_whitespace().nth(1).map(numbers).unwrap_or_default();
    found >= numbers(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_rustc() {
        assert!(is_at_least("rustc 1.96.0 (ac68faa20 2026-05-25)", "1.95"));
        assert!(is_at_least("rustc 1.95.0", "1.95"));
        assert!(!is_at_least("rustc 1.63.0", "1.95"));
        assert!(!is_at_least("", "1.95"));
    }

    #[test]
    fn the_linker_follows_llvm() {
        assert_eq!(lld_of("rustc 1.96.0\nLLVM version: 22.1.8\n").unwrap(), "lld-22");
        assert!(lld_of("rustc 1.96.0").is_err());
    }
}
