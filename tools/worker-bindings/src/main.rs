#![doc = include_str!("../README.md")]
//!
//! This file is the whole program.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use clap::Parser;
use wasm_bindgen_cli_support::Bindgen;

/// The classes that Cloudflare calls.
const SHIM: &str = include_str!("shim.js");

/// What wasm-bindgen's files are called.
const NAME: &str = "bindings";

/// Writes a Worker's JavaScript.
#[derive(Parser)]
struct Options {
    /// The module that Cargo has built.
    module: PathBuf,
    /// The folder for the files.
    out: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let Options { module, out } = Options::parse();
    Bindgen::new()
        .input_path(&module)
        .out_name(NAME)
        .module(true)?
        .typescript(false)
        // The shim calls this function after a trap.
        .reset_state_function(true)
        // Traps are noticed where JavaScript calls the module, also between two awaits.
        .force_enable_abort_handler(true)
        .generate(&out)
        .with_context(|| format!("making the bindings of {}", module.display()))?;
    import_as_wrangler_does(&out.join(NAME).with_extension("js"))?;
    fs::write(out.join("shim.js"), SHIM).context("writing the shim")
}

/// wasm-bindgen imports the module in the way of a proposal that wrangler does not read. For
/// wrangler, the import of a module is the compiled module anyway.
fn import_as_wrangler_does(bindings: &Path) -> anyhow::Result<()> {
    const PROPOSAL: &str = "import source ";
    let text = fs::read_to_string(bindings).context("reading the bindings")?;
    ensure!(text.matches(PROPOSAL).count() == 1, "the bindings import the module in another way");
    fs::write(bindings, text.replace(PROPOSAL, "import ")).context("writing the bindings")
}
