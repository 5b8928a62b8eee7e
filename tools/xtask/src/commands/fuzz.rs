//! `cargo xtask fuzz`: looks for faults in the code that reads foreign bytes.
//!
//! The fuzzer runs natively. Each input by which it has reached something new then goes through
//! WebAssembly in V8, where `usize` has 32 bits and memory has a bound. Pictures and forms go
//! through the sandbox's module, as in the Worker, the others through a module of their own.
//!
//! The fuzzer has one thread, so as many targets run at once as there are processors.
//!
//! The fuzzer needs a nightly compiler for its instrumentation, and nothing else of the project
//! does. Where there is none, the command says so and does nothing, but fails in CI.

use std::fmt;
use std::fs;
use std::num::NonZero;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use clap::Args;
use input::message::Question;
use input::seen::{Purpose, Reading};
use wire::limits::PHOTOGRAPH_FACES_MAX;

use crate::run::{self, Run};
use crate::setup::wasm::{self, Simd, Toolchain};
use crate::setup::{finder, npm, sandbox, tools};
use crate::v8::V8;
use crate::{ci, parallel, progress, project, stop};

/// The targets in `tests/fuzz/fuzz_targets`, and the most bytes of an input: longer ones find
/// nothing more and take longer.
const TARGETS: [(&str, usize); 6] = [
    ("image", 16 << 10),
    ("photograph", 16 << 10),
    ("record", 20 << 10),
    ("form", 4 << 10),
    ("query", 8 << 10),
    ("finder", 2 << 10),
];

/// Largest single allocation in megabytes. A picture of the largest size needs as much, and an
/// isolate has the memory for it.
const MALLOC_MB_MAX: u32 = 40;

/// Most memory in megabytes that all inputs of a target may take in WebAssembly, where it never
/// shrinks: as much as both loaded shards take, whose loaders come in turn.
const WASM_MB_MAX: f64 = 60.0;

/// Longest time that one input may take, in seconds: a decoder that hangs is a fault too.
const INPUT_S_MAX: u32 = 10;

/// Looks for faults in what reads foreign bytes.
#[derive(Args)]
pub(crate) struct Options {
    /// How long to run each target, in seconds.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Runs only this target.
    #[arg(value_parser = TARGETS.map(|(name, _)| name))]
    target: Option<String>,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    if !has_nightly() {
        let reason = "fuzzing needs a nightly compiler (`rustup toolchain install nightly`), and \
                      there is none";
        ensure!(!ci::is_set(), reason);
        println!("Skipped: {reason}.");
        return Ok(());
    }
    let tool = {
        let _lock = project::lock()?;
        tools::ensure_fuzz()?
    };
    let fuzz = |what: String| {
        // The project's own toolchain has no instrumentation.
        Run::cargo(what).edit(|command| {
            let dirs = tool.parent().map(std::path::Path::to_owned).into_iter();
            let path = std::env::var_os("PATH").unwrap_or_default();
            if let Ok(path) = std::env::join_paths(dirs.chain(std::env::split_paths(&path))) {
                command.env("PATH", path);
            }
            for name in ["RUSTUP_TOOLCHAIN", "RUSTC", "RUSTDOC", "RUSTFLAGS", "CARGO_TARGET_DIR"] {
                command.env_remove(name);
            }
            command.args(["+nightly", "fuzz"]);
        })
    };
    check_lock_file()?;
    fuzz("building the fuzz targets".into())
        .args(["build", "--fuzz-dir", "tests/fuzz"])
        .hint("Is there a C++ compiler (on Debian: apt-get install g++)?")
        .quietly()?;
    let chosen = |name: &str| options.target.as_deref().is_none_or(|target| target == name);
    let targets: Vec<_> = TARGETS.into_iter().filter(|(name, _)| chosen(name)).collect();
    let at_once = std::thread::available_parallelism().map_or(1, NonZero::get);
    for targets in targets.chunks(at_once) {
        stop::check()?;
        parallel::all(targets, |&(name, bytes_max)| run_target(fuzz, name, bytes_max, options))?;
    }
    for (name, _) in targets {
        replay(name, &[found(name), corpus(name)])?;
    }
    Ok(())
}

/// Gives the committed inputs of the targets that the sandbox reads to the sandbox, without a
/// fuzzer.
pub(super) fn replay_corpora() -> anyhow::Result<()> {
    let names = TARGETS.map(|(name, _)| name);
    let mut of_sandbox = names.into_iter().filter(|name| read_by_sandbox(name).is_some());
    of_sandbox.try_for_each(|name| replay(name, &[corpus(name)]))
}

/// Where the inputs of a target are that the project comes with.
fn corpus(name: &str) -> PathBuf {
    project::root().join("tests/fuzz/corpus").join(name)
}

/// Where what the fuzzer finds of a target is kept.
fn found(name: &str) -> PathBuf {
    project::root().join("tests/fuzz/target/found").join(name)
}

/// Runs the fuzzer on a target. `fuzz` gives its command.
fn run_target(
    fuzz: impl Fn(String) -> Run,
    name: &str,
    bytes_max: usize,
    options: &Options,
) -> anyhow::Result<()> {
    // What is found goes to the first folder; what is committed is only read.
    let found = found(name);
    fs::create_dir_all(&found).with_context(|| format!("making {}", found.display()))?;
    let report = fuzz(format!("fuzzing {name}"))
        .args(["run", "--fuzz-dir", "tests/fuzz", name])
        .args([found.as_os_str(), format!("tests/fuzz/corpus/{name}").as_ref()])
        .args(["--", &format!("-max_total_time={}", options.seconds)])
        .args([format!("-max_len={bytes_max}"), format!("-malloc_limit_mb={MALLOC_MB_MAX}")])
        .args([format!("-timeout={INPUT_S_MAX}"), "-print_final_stats=1".into()])
        .hint(format!(
            "tests/fuzz/artifacts/{name} has the input; the output above says what it did"
        ));
    let mut told = Told::default();
    let step = progress::Step::begin(&format!("fuzzing {name}"));
    report.logged(|line| {
        told.read(line);
        step.note(line);
    })?;
    step.done();
    println!("{name}: {told}, no fault");
    Ok(())
}

/// What the fuzzer tells of a run.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    inputs: String,
    /// Branches that an input has taken.
    coverage: String,
    /// Most memory of the process, the fuzzer's own included.
    peak_mb: String,
}

impl Told {
    fn read(&mut self, line: &str) {
        if let Some(number) = line.strip_prefix("stat::number_of_executed_units:") {
            number.trim().clone_into(&mut self.inputs);
        }
        if let Some(number) = line.strip_prefix("stat::peak_rss_mb:") {
            number.trim().clone_into(&mut self.peak_mb);
        }
        if let Some((_, after)) = line.split_once(" cov: ") {
            after.split(' ').next().unwrap_or_default().clone_into(&mut self.coverage);
        }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { inputs, coverage, peak_mb } = self;
        write!(f, "{inputs} inputs, {coverage} branches, {peak_mb} MB")
    }
}

/// All that can be wanted of a photograph.
const PHOTOGRAPH: Reading =
    Reading { detect: true, purpose: Purpose::Faces(PHOTOGRAPH_FACES_MAX), image: 0 };

/// What an input is to the sandbox: the question, and where its bytes begin. None when it is not
/// even a question.
type Read = fn(&[u8]) -> Option<(Question, usize)>;

/// How the sandbox reads a target's inputs. None for weights and query strings, which it never
/// sees.
fn read_by_sandbox(target: &str) -> Option<Read> {
    match target {
        "image" => Some(|_| Some((Question::Picture(Reading::CROP), 0))),
        "photograph" => Some(|_| Some((Question::Picture(PHOTOGRAPH), 0))),
        "form" => Some(form_question),
        _ => None,
    }
}

/// The first line is the content type.
fn form_question(input: &[u8]) -> Option<(Question, usize)> {
    let line = input.iter().position(|&byte| byte == b'\n')?;
    let content_type = std::str::from_utf8(input.get(..line)?).ok()?.to_owned();
    let known = ["name", "consent", "detect", "image", "other"].map(str::to_owned).into();
    Some((Question::Form { content_type, known, reading: Reading::CROP }, line + 1))
}

/// Gives the inputs of a target to its module, which must not trap.
fn replay(name: &str, folders: &[PathBuf]) -> anyhow::Result<()> {
    let read = read_by_sandbox(name);
    let module = {
        let _lock = project::lock()?;
        npm::ensure()?;
        finder::ensure()?;
        let toolchain = wasm::ensure()?;
        match read {
            Some(_) => sandbox::build(&toolchain, Simd::Relaxed)?,
            None => build_targets(&toolchain)?,
        }
    };
    let mut v8 = V8::start()?;
    match read {
        Some(_) => v8.open_sandbox(name, &module)?,
        None => v8.open(name, &module)?,
    }
    let (mut count, mut slowest_ms) = (0u32, 0f64);
    for folder in folders {
        for entry in fs::read_dir(folder).with_context(|| format!("{}", folder.display()))? {
            stop::check()?;
            let file = entry?.path();
            let ms = match read {
                None => v8.read(name, name, &file),
                Some(read) => {
                    let input = fs::read(&file);
                    let input = input.with_context(|| format!("reading {}", file.display()))?;
                    let Some((question, from)) = read(&input) else { continue };
                    v8.question(name, question, &file, from)
                }
            };
            let ms = ms.with_context(|| format!("WebAssembly traps at {}", file.display()))?;
            slowest_ms = slowest_ms.max(ms);
            count += 1;
        }
    }
    ensure!(count > 0, "there is no input of {name}");
    let mb = v8.memory_bytes(name)? / 1e6;
    ensure!(mb <= WASM_MB_MAX, "{name} takes {mb:.1} MB in WebAssembly");
    println!("{name} in WebAssembly: {count} inputs, {mb:.1} MB, at most {slowest_ms:.0} ms each");
    Ok(())
}

/// Builds the targets without the fuzzer as a bare module, and says where it is.
fn build_targets(toolchain: &Toolchain) -> anyhow::Result<PathBuf> {
    Run::cargo("compiling the fuzz targets for WebAssembly")
        .args(["rustc", "--release", "--locked", "--manifest-path", "tests/fuzz/Cargo.toml"])
        .args(["--lib", "--crate-type", "cdylib", "--target", wasm::TRIPLE])
        .arg_path("--target-dir", &wasm::target())
        .edit(|command| toolchain.apply_with(Simd::Relaxed, command))
        .hint("The compiler's message above says why")
        .quietly()?;
    Ok(wasm::built("fuzz"))
}

/// Cargo would write a lock file of its own choice otherwise.
fn check_lock_file() -> anyhow::Result<()> {
    let lock = project::root().join("tests/fuzz/Cargo.lock");
    ensure!(lock.is_file(), "tests/fuzz/Cargo.lock is missing; get it back by `git checkout`");
    Ok(())
}

fn has_nightly() -> bool {
    run::is_on_path("rustup")
        && Command::new("rustup")
            .args(["run", "nightly", "rustc", "--version"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_from_what_the_fuzzer_prints() {
        let mut told = Told::default();
        for line in [
            "#2\tINITED cov: 12 ft: 13 corp: 1/1b exec/s: 0 rss: 40Mb",
            "#99\tDONE   cov: 345 ft: 678 corp: 9/9b lim: 4 exec/s: 33 rss: 41Mb",
            "stat::number_of_executed_units: 99",
            "stat::peak_rss_mb:              64",
        ] {
            told.read(line);
        }
        assert_eq!(told.to_string(), "99 inputs, 345 branches, 64 MB");
    }

    #[test]
    fn every_target_is_run_and_has_a_corpus() {
        let root = project::root().join("tests/fuzz");
        let manifest = project::read_toml(&root.join("Cargo.toml")).unwrap();
        let bins = manifest["bin"].as_array().unwrap();
        let names: Vec<_> = bins.iter().map(|bin| bin["name"].as_str().unwrap()).collect();
        assert_eq!(names, TARGETS.map(|(name, _)| name));
        for name in names {
            assert!(root.join("corpus").join(name).read_dir().unwrap().next().is_some(), "{name}");
        }
    }
}
