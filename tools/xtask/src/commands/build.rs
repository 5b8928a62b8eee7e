//! `cargo xtask build`: the three Workers as WebAssembly, with the JavaScript that Cloudflare
//! calls.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, ValueEnum};

use crate::fingerprint::{Fingerprint, Stamp};
use crate::run::Run;
use crate::setup::wasm::{self, Simd, Toolchain};
use crate::setup::{finder, npm, programs, sandbox, site};
use crate::{parallel, project};

/// The file of each Worker that names its classes, and its main module.
const ENTRY: &str = "entry.js";

/// The Worker with the engine.
pub(crate) const PUBLIC_WORKER: &str = "facenet-worker";

/// The Worker that stores and searches.
pub(crate) const PRIVATE_WORKER: &str = "vectorize-worker";

/// The stand-in for Vectorize.
pub(crate) const INDEX_WORKER: &str = "vectorize-local";

/// All packages that are built as Workers.
pub(crate) const WORKERS: [&str; 3] = [PUBLIC_WORKER, PRIVATE_WORKER, INDEX_WORKER];

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
    /// Traps where a request asks for it: to see what that costs the others.
    #[arg(long, hide = true, conflicts_with = "engine")]
    pub(crate) drill: bool,
}

impl Options {
    /// A build with some engine.
    pub(crate) fn of(engine: Engine) -> Self {
        Self { engine, ..Self::default() }
    }

    /// The code of a Worker that these options give.
    pub(crate) fn main(&self, worker: &str) -> anyhow::Result<PathBuf> {
        Ok(self.variant(worker).folder(worker)?.join(ENTRY))
    }

    /// What a Worker is built from besides its code.
    fn variant(&self, worker: &str) -> Variant {
        // Only the public Worker has an engine.
        let engine = if worker == PUBLIC_WORKER { self.engine } else { Engine::default() };
        let wanted = if self.plain_simd { Simd::Fixed } else { Simd::Relaxed };
        if self.drill && worker == PUBLIC_WORKER {
            let arguments = &["--features", "drill"];
            return Variant { name: Some("drill"), arguments, simd: wanted, sandbox_simd: wanted };
        }
        let name = match (engine, self.plain_simd) {
            (Engine::SimdInt8, false) => None,
            (Engine::SimdInt8, true) => Some("plain-simd"),
            (Engine::Simd, false) => Some("simd-float"),
            (Engine::Simd, true) => Some("plain-simd-float"),
            (Engine::BurnFlex, _) => Some("burn-flex"),
            (Engine::BurnNdarray, _) => Some("burn-ndarray"),
        };
        Variant {
            name,
            arguments: engine.cargo_arguments(),
            // Our own engine alone has a use for the relaxed instructions. The other Workers get
            // the same flags, so that what they share with it is compiled once. Burn's own SIMD
            // library does not compile with them.
            simd: if engine.is_ours() { wanted } else { Simd::Fixed },
            sandbox_simd: wanted,
        }
    }
}

/// One of several Workers that the same code gives.
#[derive(PartialEq, Eq)]
struct Variant {
    /// None for the usual one, which is where wrangler.toml says.
    name: Option<&'static str>,
    arguments: &'static [&'static str],
    simd: Simd,
    /// Of the public Worker's sandbox, which is the same with every engine.
    sandbox_simd: Simd,
}

impl Variant {
    /// The folder for the Worker. Variants have folders of their own, because several
    /// may be in use at once.
    fn folder(&self, worker: &str) -> anyhow::Result<PathBuf> {
        Ok(match self.name {
            Some(name) => project::local().join("workers").join(name).join(worker),
            None => project::member(worker)?.join("build"),
        })
    }
}

/// An engine: a feature of `facenet-worker`.
#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    /// Our own, most layers in integers.
    #[default]
    SimdInt8,
    /// Our own, all in floats.
    Simd,
    /// Burn with its pure-Rust backend. Takes more memory than Cloudflare gives.
    BurnFlex,
    /// Burn with the predecessor of flex. Takes more memory than Cloudflare gives.
    BurnNdarray,
}

impl Engine {
    /// Whether it takes more memory than an isolate of Cloudflare has.
    pub(crate) const fn is_burn(self) -> bool {
        matches!(self, Self::BurnFlex | Self::BurnNdarray)
    }

    fn is_ours(self) -> bool {
        matches!(self, Self::Simd | Self::SimdInt8)
    }

    /// Cargo's arguments for the Worker with this engine.
    fn cargo_arguments(self) -> &'static [&'static str] {
        match self {
            Self::SimdInt8 => &[],
            Self::Simd => &["--no-default-features", "--features", "simd"],
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
    ensure_beside(options, || Ok(()))
}

/// The same with another step while tools are compiled, which may be a download.
pub(crate) fn ensure_beside(
    options: &Options,
    other: impl FnOnce() -> anyhow::Result<()> + Send,
) -> anyhow::Result<()> {
    let packages = || {
        npm::ensure()?;
        site::ensure()?;
        other()
    };
    let compilers = wasm::compilers()?;
    let mut stale = Vec::new();
    for worker in WORKERS {
        if !is_fresh(worker, &options.variant(worker), &compilers)? {
            stale.push(worker);
        }
    }
    if stale.is_empty() {
        return packages();
    }
    // What is missing on the machine is said before anything takes long.
    npm::check_node()?;
    let toolchain = wasm::ensure()?;
    let builds = stale.into_iter().map(|worker| Build::of(worker, options, &toolchain));
    let builds = builds.collect::<anyhow::Result<Vec<_>>>()?;
    // Cargo has a lock for each of the two targets, so they are compiled side by side.
    let compile = || {
        let workers = || compile(&builds, &toolchain);
        parallel::both(workers, || programs::build(&programs::FOR_USERS)).map(drop)
    };
    parallel::both(compile, packages)?;
    parallel::all(&builds, Build::finish)
}

/// Whether nothing has changed since a Worker was built by one of these compilers.
fn is_fresh(worker: &str, variant: &Variant, compilers: &[String]) -> anyhow::Result<bool> {
    let folder = variant.folder(worker)?;
    if !folder.join(ENTRY).is_file() {
        return Ok(false);
    }
    for compiler in compilers {
        if stamp(&folder).is(&inputs(worker, variant, compiler)?) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What a folder's Worker was built from.
fn stamp(folder: &Path) -> Stamp {
    Stamp::at(folder.join("made-from"))
}

/// A Worker that has to be built.
struct Build {
    worker: &'static str,
    variant: Variant,
    /// Where it comes from and where it goes.
    dir: PathBuf,
    folder: PathBuf,
    stamp: Stamp,
    inputs: String,
}

impl Build {
    fn of(worker: &'static str, options: &Options, toolchain: &Toolchain) -> anyhow::Result<Self> {
        let variant = options.variant(worker);
        let folder = variant.folder(worker)?;
        let inputs = inputs(worker, &variant, &toolchain.compiler()?)?;
        let dir = project::member(worker)?;
        Ok(Self { worker, dir, stamp: stamp(&folder), folder, inputs, variant })
    }

    /// Makes of it what wrangler takes.
    fn finish(&self) -> anyhow::Result<()> {
        let Self { worker, folder, .. } = self;
        // Files of another version would stay.
        if folder.exists() {
            fs::remove_dir_all(folder).with_context(|| format!("removing {}", folder.display()))?;
        }
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        let built = wasm::built(worker);
        Run::new(format!("making the bindings of {worker}"), programs::path("worker-bindings")?)
            .args([&built, folder])
            .quietly()?;
        if *worker == PUBLIC_WORKER {
            let module = wasm::built(sandbox::PACKAGE);
            fs::copy(module, folder.join("sandbox.wasm")).context("copying the sandbox")?;
            let weights = folder.join("face-finder.bin");
            fs::copy(finder::ensure()?, weights).context("copying the finder's weights")?;
        }
        fs::copy(self.dir.join(ENTRY), folder.join(ENTRY)).context("copying the Worker's entry")?;
        self.stamp.write(&self.inputs)
    }
}

/// Lets Cargo compile Workers.
fn compile(builds: &[Build], toolchain: &Toolchain) -> anyhow::Result<()> {
    for build in builds {
        build.stamp.clear()?;
    }
    // Together, so that Cargo chooses the same features for all, and compiles libraries once. Those
    // of a variant must not reach other Workers.
    for alike in builds.chunk_by(|a, b| a.variant == b.variant) {
        let Some(Build { variant, .. }) = alike.first() else { continue };
        let names: Vec<&str> = alike.iter().map(|build| build.worker).collect();
        Run::cargo(format!("compiling {} for WebAssembly", names.join(", ")))
            .args(["build", "--release", "--locked", "--lib", "--target", wasm::TRIPLE])
            .args(names.iter().flat_map(|name| ["--package", name]))
            .args(variant.arguments)
            .arg_path("--target-dir", &wasm::target())
            .edit(|command| toolchain.apply_with(variant.simd, command))
            .hint("The compiler's message above says why")
            .quietly()?;
        if names.contains(&PUBLIC_WORKER) {
            sandbox::build(toolchain, variant.sandbox_simd)?;
        }
    }
    Ok(())
}

/// A fingerprint of everything that a Worker is built from. Cargo would find out by itself what
/// is stale, but not that the steps after it, which take as long, have nothing to do.
fn inputs(worker: &str, variant: &Variant, compiler: &str) -> anyhow::Result<String> {
    let root = project::root();
    let mut fingerprint = Fingerprint::default()
        .text(&variant.arguments.join(" "))
        .text(variant.simd.flags().unwrap_or_default())
        .text(variant.sandbox_simd.flags().unwrap_or_default())
        .text(compiler);
    let common = ["Cargo.toml", "Cargo.lock", ".cargo/config.toml", "package-lock.json"];
    for file in common {
        fingerprint = fingerprint.tree(&root.join(file))?;
    }
    let mut members = with_dependencies(worker)?;
    members.extend(with_dependencies("worker-bindings")?);
    if worker == PUBLIC_WORKER {
        members.extend(with_dependencies(sandbox::PACKAGE)?);
        // It contains the samples that it searches.
        fingerprint = fingerprint.tree(&root.join("site/samples"))?;
    }
    for member in members {
        let dir = project::member(&member)?;
        fingerprint = fingerprint.text(&member);
        // The public Worker contains the description of its API.
        for input in ["Cargo.toml", "src", ENTRY, "openapi.json"].map(|input| dir.join(input)) {
            if input.exists() {
                fingerprint = fingerprint.tree(&input)?;
            }
        }
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
    use crate::wrangler;

    #[test]
    fn members_are_found_through_members() {
        let found = with_dependencies("facenet-worker").unwrap();
        assert!(found.contains("facenet-worker"));
        assert!(found.contains("wire"), "{found:?}");
        assert!(!found.contains("xtask"));
    }

    #[test]
    fn no_module_has_relaxed_instructions_where_they_are_not_wanted() {
        let simd = |worker, engine, plain_simd| {
            Options { engine, plain_simd, drill: false }.variant(worker).simd
        };
        for worker in WORKERS {
            assert_eq!(simd(worker, Engine::Simd, false), Simd::Relaxed);
            assert_eq!(simd(worker, Engine::Simd, true), Simd::Fixed);
            assert_eq!(simd(worker, Engine::SimdInt8, false), Simd::Relaxed);
            assert_eq!(simd(worker, Engine::SimdInt8, true), Simd::Fixed);
            assert_eq!(simd(worker, Engine::BurnFlex, true), Simd::Fixed);
        }
        assert_eq!(simd(PUBLIC_WORKER, Engine::BurnFlex, false), Simd::Fixed);
        assert_eq!(simd(PUBLIC_WORKER, Engine::BurnNdarray, false), Simd::Fixed);
        let plain = Options { plain_simd: true, ..Options::default() };
        assert_eq!(plain.variant(PUBLIC_WORKER).sandbox_simd, Simd::Fixed);
    }

    #[test]
    fn the_usual_workers_are_where_wrangler_looks() {
        let configs = [
            (PUBLIC_WORKER, wrangler::PUBLIC_CONFIG),
            (PRIVATE_WORKER, wrangler::PRIVATE_CONFIG),
            (INDEX_WORKER, wrangler::INDEX_CONFIG),
        ];
        let plain = Options { plain_simd: true, ..Options::default() };
        for (worker, file) in configs {
            let config = wrangler::config(file).unwrap();
            let folder = project::root().join(file).parent().unwrap().to_owned();
            let main = folder.join(config["main"].as_str().unwrap());
            assert_eq!(Options::default().main(worker).unwrap(), main);
            assert_ne!(plain.main(worker).unwrap(), main);
        }
    }

    #[test]
    fn only_the_public_worker_has_an_engine() {
        let (usual, burn) = (Options::default(), Options::of(Engine::BurnNdarray));
        for worker in WORKERS {
            let same = usual.main(worker).unwrap() == burn.main(worker).unwrap();
            assert_eq!(same, worker != PUBLIC_WORKER);
            assert_eq!(burn.variant(worker).arguments.is_empty(), worker != PUBLIC_WORKER);
        }
    }
}
