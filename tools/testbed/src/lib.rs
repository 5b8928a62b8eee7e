#![doc = include_str!("../README.md")]

#[cfg(feature = "browser")]
pub mod browser;
pub mod chromedriver;
pub mod bucket;
pub mod golden;
mod guard;
pub mod npm;
pub mod port;
pub mod process;
pub mod server;
pub mod wait;
pub mod workerd;
pub mod wrangler;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// The root of the clone.
///
/// That is the clone whose package Cargo runs, even if this was compiled in another one: whoever
/// copies a clone with its `target` means the copy. Without Cargo, it is where this was compiled.
#[must_use]
pub fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        let told = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let compiled = Path::new(env!("CARGO_MANIFEST_DIR"));
        told.as_deref()
            .and_then(root_above)
            .or_else(|| root_above(compiled))
            .unwrap_or(compiled)
            .into()
    });
    &ROOT
}

/// The folder at or above another one that is a root.
fn root_above(folder: &Path) -> Option<&Path> {
    let is_root = |folder: &&Path| {
        ["Cargo.lock", "wrangler.toml", "tools/xtask"].iter().all(|it| folder.join(it).exists())
    };
    folder.ancestors().find(is_root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_above_every_package_and_nowhere_else() {
        let root = root();
        for package in ["tools/testbed", "crates/wire", "tests/fuzz", "."] {
            assert_eq!(
                root_above(&root.join(package)).map(Path::canonicalize).unwrap().unwrap(),
                root
            );
        }
        assert_eq!(root_above(Path::new("/")), None);
    }
}
