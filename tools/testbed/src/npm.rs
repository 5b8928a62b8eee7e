//! What came with the npm packages, and Node to run it.

use std::path::PathBuf;

/// A program that came with an npm package.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    package(".bin").join(name)
}

/// The folder of an npm package.
#[must_use]
pub fn package(name: &str) -> PathBuf {
    crate::root().join("node_modules").join(name)
}

/// Node from npm, of the version that package-lock.json names. There is one for Linux.
#[must_use]
pub fn node() -> Option<PathBuf> {
    let machine = match std::env::consts::ARCH {
        "aarch64" => "arm64",
        _ => "x64",
    };
    let node = package(&format!("node-linux-{machine}")).join("bin/node");
    node.is_file().then_some(node)
}
