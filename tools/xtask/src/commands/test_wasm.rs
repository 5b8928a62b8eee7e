//! The part of `cargo xtask test` that runs in WebAssembly, with and without relaxed SIMD: every
//! test of the kernels, the golden crops through our own engine, and each of its layers.

use anyhow::{Context as _, ensure};

use super::{test, weights};
use crate::golden;
use crate::project;
use crate::setup::engines::{self, Engine};
use crate::setup::npm;
use crate::setup::wasm::{self, Simd};
use crate::v8::V8;

const FEATURES: &str = "kernel-tests,layer-outputs";

const ENGINES: [Engine; 2] = [
    Engine { name: "tests-simd128", features: FEATURES, simd: Simd::Fixed },
    Engine { name: "tests-relaxed-simd", features: FEATURES, simd: Simd::Relaxed },
];

pub(crate) fn run() -> anyhow::Result<()> {
    let modules = {
        let _lock = project::lock()?;
        npm::ensure()?;
        weights::ensure(test::MODEL)?;
        let toolchain = wasm::ensure()?;
        ENGINES
            .iter()
            .map(|engine| Ok((engine.name, engine.ensure(&toolchain)?)))
            .collect::<anyhow::Result<Vec<_>>>()?
    };
    let mut v8 = V8::start()?;
    for (name, module) in modules {
        println!("\nrunning in WebAssembly: {name}");
        v8.open(name, &module)?;
        run_kernel_tests(&mut v8, name)?;
        embed_golden_crops(&mut v8, name)?;
        v8.call(name, "compare_layers", &[]).context("a layer gives something else")?;
        println!("every layer against PyTorch's outputs ... ok\n{}", v8.text(name)?);
        v8.close(name)?;
    }
    Ok(())
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

fn embed_golden_crops(v8: &mut V8, name: &str) -> anyhow::Result<()> {
    v8.load(name, &project::shards(test::MODEL.model()), 0)?;
    let tensor = engines::folder()?.join("golden.f32");
    for golden in golden::all()? {
        golden.write_tensor(&tensor)?;
        let runs = v8.embed(name, &tensor, 1)?;
        let difference = golden.check(name, &runs.embedding)?;
        println!("golden crop {} ... ok (1 - cosine = {difference:.1e})", golden.name);
    }
    Ok(())
}
