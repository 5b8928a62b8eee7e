//! The part of `cargo xtask test` that runs in WebAssembly: every test of the kernels, the golden
//! crops through our own engine, and each of its layers. All of it without relaxed SIMD, with it,
//! and with it as on a processor without AVX-VNNI.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use testbed::golden::{COSINE_MIN, INTEGERS_COSINE_MIN};

use super::weights;
use crate::project;
use crate::setup::checkpoint::Checkpoint;
use crate::setup::engines::Engine;
use crate::setup::wasm::{self, Simd};
use crate::setup::{golden, npm};
use crate::v8::{V8, WITHOUT_VNNI};

/// What a filter of tests calls this.
pub(crate) const NAME: &str = "webassembly";

const PLAIN: Engine = engine("tests-simd128", Simd::Fixed);
const RELAXED: Engine = engine("tests-relaxed-simd", Simd::Relaxed);

/// The modules, and options of the V8 that runs them.
const HOSTS: [(Engine, &[&str]); 3] = [(PLAIN, &[]), (RELAXED, &[]), (RELAXED, &[WITHOUT_VNNI])];

/// What our own engine computes in, its number, and the least cosine with the golden embeddings.
const ARITHMETICS: [(&str, u32, f64); 2] =
    [("floats", 0, COSINE_MIN), ("integers", 1, INTEGERS_COSINE_MIN)];

/// The golden crop whose outputs of all layers are known: `facenet::outputs::golden::CROP`, which
/// is not compiled in here.
const LAYERS_CROP: &str = "collins-1";

const fn engine(name: &'static str, simd: Simd) -> Engine {
    Engine {
        name,
        features: "facenet/kernel-tests,facenet/layer-outputs",
        as_in_worker: false,
        simd,
    }
}

pub(crate) fn run() -> anyhow::Result<()> {
    let (modules, tensors) = {
        let _lock = project::lock()?;
        npm::ensure()?;
        weights::ensure(Checkpoint::GOLDEN)?;
        (modules()?, golden::ensure_tensors()?)
    };
    for (name, module, options) in modules {
        println!("\nrunning in WebAssembly: {name} {}", options.join(" "));
        let mut v8 = V8::start_with(options)?;
        v8.open(name, &module)?;
        run_kernel_tests(&mut v8, name)?;
        for (arithmetic, variant, cosine_min) in ARITHMETICS {
            println!("computing in {arithmetic}");
            // Another instance, because one holds one model.
            v8.open(name, &module)?;
            embed_golden_crops(&mut v8, name, &tensors, (variant, cosine_min))?;
        }
        v8.open(name, &module)?;
        v8.load(name, &project::shards(Checkpoint::GOLDEN.model()), 0)?;
        let crop = tensors.join(LAYERS_CROP).with_extension("f32");
        v8.compute(name, "compare_layers", &crop).context("a layer gives something else")?;
        println!("every layer against PyTorch's outputs ... ok\n{}", v8.text(name)?);
    }
    Ok(())
}

/// Builds the modules ahead of [`run`].
pub(crate) fn build() -> anyhow::Result<()> {
    modules().map(drop)
}

/// The modules with their names, and options of V8.
fn modules() -> anyhow::Result<Vec<(&'static str, PathBuf, &'static [&'static str])>> {
    let toolchain = wasm::ensure()?;
    let build =
        |(engine, options): (Engine, _)| Ok((engine.name, engine.ensure(&toolchain)?, options));
    HOSTS.into_iter().map(build).collect()
}

fn run_kernel_tests(v8: &mut V8, name: &str) -> anyhow::Result<()> {
    let mut count = 0;
    loop {
        let index = f64::from(count);
        let (more, ms) = v8.call(name, "run_test", &[index]).context("a kernel's test failed")?;
        if more == 0.0 {
            break;
        }
        println!("test {} ... ok ({ms:.0} ms)", v8.text(name)?);
        count += 1;
    }
    ensure!(count > 0, "there are no tests");
    Ok(())
}

fn embed_golden_crops(
    v8: &mut V8,
    name: &str,
    tensors: &Path,
    (variant, cosine_min): (u32, f64),
) -> anyhow::Result<()> {
    v8.load(name, &project::shards(Checkpoint::GOLDEN.model()), variant)?;
    for golden in testbed::golden::all()? {
        let tensor = tensors.join(&golden.name).with_extension("f32");
        let runs = v8.embed(name, &tensor, 1)?;
        let difference = golden.check(name, &runs.embedding, cosine_min)?;
        println!("golden crop {} ... ok (1 - cosine = {difference:.1e})", golden.name);
    }
    Ok(())
}
