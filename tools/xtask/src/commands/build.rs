//! `cargo xtask build`: the three Workers as WebAssembly, by Cloudflare's `worker-build`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::fingerprint::{Fingerprint, Stamp};
use crate::project;
use crate::run::Run;
use crate::setup::tools::Tools;
use crate::setup::wasm::{Simd, Toolchain};
use crate::setup::{npm, site, tools, wasm};

/// Builds the Workers.
#[derive(Args, Default)]
// Flattened into the options of other commands, whose group has the same name.
#[group(skip)]
pub(crate) struct Options {
    /// What computes the embeddings.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) engine: Engine,
    /// Uses no relaxed SIMD: for hosts that lack it, where our own engine is slower.
    #[arg(long)]
    pub(crate) plain_simd: bool,
}

impl Options {
    /// A build with some engine.
    pub(crate) fn of(engine: Engine) -> Self {
        Self { engine, ..Self::default() }
    }

    /// The public Worker's code that these options give.
    pub(crate) fn main(&self) -> anyhow::Result<PathBuf> {
        Ok(self.variant(PUBLIC_WORKER).folder(PUBLIC_WORKER)?.join("index.js"))
    }

    /// What a Worker is built from besides its code.
    fn variant(&self, worker: &str) -> Variant {
        let fast = worker == PUBLIC_WORKER && self.engine == Engine::Simd && !self.plain_simd;
        let name = match (worker == PUBLIC_WORKER, self.engine, self.plain_simd) {
            (true, Engine::Simd, true) => Some("plain-simd"),
            (true, Engine::BurnFlex, _) => Some("burn-flex"),
            (true, Engine::BurnNdarray, _) => Some("burn-ndarray"),
            _ => None,
        };
        Variant {
            name,
            arguments: self.engine.cargo_arguments(worker),
            // Burn's own SIMD library does not compile with the relaxed instructions, and nothing
            // else has a use for them.
            simd: if fast { Simd::Relaxed } else { Simd::Fixed },
        }
    }
}

/// The Worker with the engine.
const PUBLIC_WORKER: &str = "facenet-worker";

/// One of several Workers that the same code gives.
struct Variant {
    /// Nothing for the usual one, which is where wrangler.toml says.
    name: Option<&'static str>,
    arguments: &'static [&'static str],
    simd: Simd,
}

impl Variant {
    /// The folder of what worker-build makes. Variants have folders of their own, because several
    /// may be in use at once.
    fn folder(&self, worker: &str) -> anyhow::Result<PathBuf> {
        Ok(match self.name {
            Some(name) => project::local().join("workers").join(name),
            None => project::member(worker)?.join("build"),
        })
    }
}

/// An engine: a feature of `facenet-worker`.
#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    /// Our own.
    #[default]
    Simd,
    /// Burn with its pure-Rust backend. Takes more memory than Cloudflare gives.
    BurnFlex,
    /// Burn with the predecessor of flex. Takes more memory than Cloudflare gives.
    BurnNdarray,
}

impl Engine {
    /// Cargo's arguments for a Worker.
    fn cargo_arguments(self, worker: &str) -> &'static [&'static str] {
        match self {
            _ if worker != PUBLIC_WORKER => &[],
            Self::Simd => &[],
            Self::BurnFlex => &["--no-default-features", "--features", "burn-flex"],
            Self::BurnNdarray => &["--no-default-features", "--features", "burn-ndarray"],
        }
    }
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let _lock = project::lock()?;
    ensure(options)
}

/// Sets up what a build needs, and builds the Workers whose inputs have changed.
pub(crate) fn ensure(options: &Options) -> anyhow::Result<()> {
    npm::ensure()?;
    site::ensure()?;
    let toolchain = wasm::ensure()?;
    let tools = tools::ensure()?;
    project::WORKERS
        .iter()
        .try_for_each(|worker| ensure_worker(worker, &options.variant(worker), &toolchain, &tools))
}

fn ensure_worker(
    worker: &str,
    variant: &Variant,
    toolchain: &Toolchain,
    tools: &Tools,
) -> anyhow::Result<()> {
    let dir = project::member(worker)?;
    let build = variant.folder(worker)?;
    // worker-build replaces the folder as a whole, and so this file with it.
    let stamp = Stamp::at(build.join("made-from"));
    let inputs = inputs(worker, variant, toolchain, tools)?;
    if stamp.is(&inputs) && build.join("index.js").is_file() {
        return Ok(());
    }
    stamp.clear()?;
    Run::new(format!("building {worker} for WebAssembly"), &tools.worker_build)
        .args(["--release"])
        .arg_path("--out-dir", &build)
        .args(["--", "--locked"])
        .args(variant.arguments)
        .dir(&dir)
        .edit(|command| toolchain.apply_with(variant.simd, command))
        // It would download these three otherwise.
        .env("WASM_BINDGEN_BIN", &tools.wasm_bindgen)
        .env("ESBUILD_BIN", project::npm_program("esbuild"))
        .env("WASM_OPT_BIN", project::npm_program("wasm-opt"))
        .hint("The compiler's message above says why")
        .quietly()?;
    stamp.write(&inputs)
}

/// A fingerprint of everything that a Worker is built from. Cargo would find out by itself what
/// is stale, but not that the steps after it, which take as long, have nothing to do.
fn inputs(
    worker: &str,
    variant: &Variant,
    toolchain: &Toolchain,
    tools: &Tools,
) -> anyhow::Result<String> {
    let root = project::root();
    let mut fingerprint = Fingerprint::default()
        .text(&variant.arguments.join(" "))
        .text(variant.simd.flags().unwrap_or_default())
        .text(&toolchain.compiler()?)
        .text(&tools.wasm_bindgen.to_string_lossy())
        .text(&tools.worker_build.to_string_lossy());
    let common = ["Cargo.toml", "Cargo.lock", ".cargo/config.toml", "package-lock.json"];
    for file in common {
        fingerprint = fingerprint.tree(&root.join(file))?;
    }
    for member in with_dependencies(worker)? {
        let dir = project::member(&member)?;
        fingerprint = fingerprint.text(&member).tree(&dir.join("Cargo.toml"))?;
        fingerprint = fingerprint.tree(&dir.join("src"))?;
    }
    Ok(fingerprint.finish())
}

/// A member of the workspace and the members that it depends on.
fn with_dependencies(member: &str) -> anyhow::Result<BTreeSet<String>> {
    let members = project::members()?;
    let mut found = BTreeSet::new();
    let mut waiting = vec![member.to_owned()];
    while let Some(member) = waiting.pop() {
        let manifest = project::read_toml(&project::member(&member)?.join("Cargo.toml"))?;
        if !found.insert(member) {
            continue;
        }
        let dependencies = manifest.get("dependencies").and_then(toml::Value::as_table);
        let names = dependencies.into_iter().flat_map(toml::Table::keys);
        waiting.extend(names.filter(|name| members.contains_key(*name)).cloned());
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_through_members() {
        let found = with_dependencies("facenet-worker").unwrap();
        assert!(found.contains("facenet-worker"));
        assert!(found.contains("wire"), "{found:?}");
        assert!(!found.contains("xtask"));
    }

    #[test]
    fn relaxed_instructions_are_for_our_own_engine_only() {
        let simd = |worker, engine, plain_simd| Options { engine, plain_simd }.variant(worker).simd;
        assert_eq!(simd("facenet-worker", Engine::Simd, false), Simd::Relaxed);
        assert_eq!(simd("facenet-worker", Engine::Simd, true), Simd::Fixed);
        assert_eq!(simd("facenet-worker", Engine::BurnFlex, false), Simd::Fixed);
        assert_eq!(simd("vectorize-worker", Engine::Simd, false), Simd::Fixed);
    }

    #[test]
    fn the_usual_worker_is_where_wrangler_looks() {
        let main = project::root().join("facenet-worker/build/index.js");
        assert_eq!(Options::default().main().unwrap(), main);
        assert_ne!(Options::of(Engine::BurnFlex).main().unwrap(), main);
        assert_ne!(Options { plain_simd: true, ..Options::default() }.main().unwrap(), main);
    }

    #[test]
    fn only_the_public_worker_has_an_engine() {
        assert!(Engine::Simd.cargo_arguments("facenet-worker").is_empty());
        assert!(!Engine::BurnNdarray.cargo_arguments("facenet-worker").is_empty());
        assert!(Engine::BurnNdarray.cargo_arguments("vectorize-worker").is_empty());
    }
}
