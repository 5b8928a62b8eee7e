//! Debian's compiler for browsers (`rustc-web`). It is newer than Debian's usual one, and comes
//! with the sources of the standard library, but not with the library for WebAssembly. That is
//! built here into the user's cache. Nothing below `/usr` changes.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail, ensure};

use super::TRIPLE;
use crate::project;
use crate::run::{Run, clean_cargo_environment};
use crate::setup::apt;

/// Where Debian's packages put their files.
const PREFIX: &str = "/usr";

/// The compiler, its cargo and clippy, and the sources of the standard library.
const PACKAGES: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-clippy", "rust-web-src"];

/// As in .cargo/config.toml, for the standard library.
const FLAGS: &str = "-Ctarget-feature=+simd128";

/// A folder of the user's cache that makes Debian's programs a toolchain with the target.
pub(super) struct Debian {
    /// Links to the programs that are needed and no others: `/usr/bin` as a whole on the PATH would
    /// also hide the user's Node.
    programs: PathBuf,
    /// What rustc takes for the folder of its libraries: a link to those for this machine, and
    /// those for WebAssembly.
    sysroot: PathBuf,
}

impl Debian {
    pub(super) fn in_cache() -> anyhow::Result<Self> {
        let folder = project::cache()?.join("debian-rust");
        Ok(Self { programs: folder.join("bin"), sysroot: folder.join("sysroot") })
    }

    /// Whether `cargo xtask wasm-std` has made it.
    pub(super) fn is_there(&self) -> bool {
        self.programs.join("rustc").exists()
    }

    /// Makes a command, and whatever it starts, use these programs.
    pub(super) fn apply(&self, command: &mut Command) {
        for name in ["RUSTUP_TOOLCHAIN", "RUSTC", "RUSTDOC", "RUSTC_WRAPPER"] {
            command.env_remove(name);
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(self.programs.clone()).chain(std::env::split_paths(&path));
        if let Ok(path) = std::env::join_paths(folders) {
            command.env("PATH", path);
        }
        // Clippy's driver is not called through the script that names the folder to rustc.
        command.env("SYSROOT", &self.sysroot);
    }

    /// Builds the standard library for the target from its sources.
    pub(super) fn build_std(&self) -> anyhow::Result<()> {
        let prefix = Path::new(PREFIX);
        let rustc = prefix.join("bin/rustc");
        if !is_new_enough(&rustc)? {
            apt::install(&PACKAGES).context("Debian's compiler for browsers is missing")?;
            ensure!(is_new_enough(&rustc)?, "{} is not Debian's rustc-web", rustc.display());
        }
        let description = Run::new("asking for rustc's version", &rustc).args(["-vV"]).output()?;
        let lld = lld_of(&description)?;
        if !prefix.join("bin").join(&lld).exists() {
            apt::install(&[&lld]).context("the linker for WebAssembly is missing")?;
        }
        let host = field(&description, "host")?;
        self.link(prefix, &lld, host)?;
        let dir = tempfile::tempdir()?;
        let libraries = compile(prefix, &self.programs, dir.path())?;
        let target = self.sysroot.join("lib/rustlib").join(TRIPLE).join("lib");
        let context = || format!("copying the standard library to {}", target.display());
        // What is there may belong to another version of the compiler.
        if target.exists() {
            fs::remove_dir_all(&target).with_context(context)?;
        }
        fs::create_dir_all(&target).with_context(context)?;
        for library in libraries {
            let name = library.file_name().with_context(context)?;
            fs::copy(&library, target.join(name)).with_context(context)?;
        }
        Ok(())
    }

    /// Puts the links into their folders, and the script that stands for rustc.
    fn link(&self, prefix: &Path, lld: &str, host: &str) -> anyhow::Result<()> {
        let libraries = self.sysroot.join("lib/rustlib");
        let context = || format!("linking to Debian's toolchain in {}", self.programs.display());
        for folder in [&self.programs, &libraries] {
            fs::create_dir_all(folder).with_context(context)?;
        }
        let same = ["cargo", "cargo-clippy", "clippy-driver", "rustdoc"];
        let mut links: Vec<_> = same
            .iter()
            .map(|name| (self.programs.join(name), prefix.join("bin").join(name)))
            .collect();
        // The package that has this link would bring all of LLVM.
        links.push((self.programs.join("rust-lld"), prefix.join("bin").join(lld)));
        links.push((libraries.join(host), prefix.join("lib/rustlib").join(host)));
        for (link, target) in links {
            let _ = fs::remove_file(&link);
            symlink(target, link).with_context(context)?;
        }
        let rustc = self.programs.join("rustc");
        let script = format!(
            "#!/bin/sh\nexec '{}' --sysroot '{}' \"$@\"\n",
            prefix.join("bin/rustc").display(),
            self.sysroot.display()
        );
        fs::write(&rustc, script).with_context(context)?;
        fs::set_permissions(&rustc, fs::Permissions::from_mode(0o755)).with_context(context)
    }
}

/// Compiles the standard library in a folder, and gives its files.
fn compile(prefix: &Path, programs: &Path, dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    fs::create_dir(dir.join("src"))?;
    fs::write(dir.join("src/lib.rs"), "")?;
    fs::write(dir.join("Cargo.toml"), "[package]\nname = \"nothing\"\nedition = \"2024\"\n")?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(programs.to_owned()).chain(std::env::split_paths(&path));
    Run::new("building the standard library for WebAssembly", prefix.join("bin/cargo"))
        .args(["build", "--release", "-Zbuild-std=std,panic_abort", "--target", TRIPLE])
        .dir(dir)
        .edit(clean_cargo_environment)
        // The linker is found there.
        .env("PATH", std::env::join_paths(folders)?)
        .env("RUSTC", prefix.join("bin/rustc"))
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", FLAGS)
        .env("CARGO_TARGET_DIR", dir.join("target"))
        .hint("Are the packages rustc-web and rust-web-src of the same version?")
        .quietly()?;
    let built = dir.join("target").join(TRIPLE).join("release/deps");
    let mut libraries = Vec::new();
    for entry in fs::read_dir(&built)? {
        let file = entry?.path();
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".rlib") && !name.starts_with("libnothing") {
            libraries.push(file);
        }
    }
    ensure!(!libraries.is_empty(), "the standard library has no files in {}", built.display());
    Ok(libraries)
}

/// Whether a compiler is there and can compile this project.
fn is_new_enough(rustc: &Path) -> anyhow::Result<bool> {
    let manifest = project::read_toml(&project::root().join("Cargo.toml"))?;
    let wanted = manifest["workspace"]["package"]["rust-version"].as_str().unwrap_or_default();
    let output = Command::new(rustc).arg("--version").output();
    let version = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    Ok(version.is_ok_and(|found| is_at_least(&found, wanted)))
}

/// Debian's linker for the LLVM that its compiler was made with: both the package and the
/// program are called so.
fn lld_of(description: &str) -> anyhow::Result<String> {
    let version = field(description, "LLVM version")?;
    let major = version.split('.').next().unwrap_or(version);
    Ok(format!("lld-{major}"))
}

/// A line of what `rustc -vV` prints.
fn field<'a>(description: &'a str, name: &str) -> anyhow::Result<&'a str> {
    let found = description.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    match found {
        Some(value) => Ok(value),
        None => bail!("rustc does not say its {name}"),
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
        let description = "rustc 1.96.0\nhost: x86_64-unknown-linux-gnu\nLLVM version: 22.1.8\n";
        assert_eq!(lld_of(description).unwrap(), "lld-22");
        assert_eq!(field(description, "host").unwrap(), "x86_64-unknown-linux-gnu");
        assert!(lld_of("rustc 1.96.0").is_err());
    }
}
