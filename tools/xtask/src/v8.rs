//! V8 as a host of WebAssembly: Node 24 from npm, because the machine's own may be older, with a
//! small script that takes orders.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Stdio};

use anyhow::{Context as _, bail, ensure};
use input::message::{Asked, Question};
use serde_json::{Value, json};
use testbed::npm;
use testbed::process::Group;
use wire::limits::{SANDBOX_PAGES_MAX, SANDBOX_PAGES_MIN};

use crate::run::Run;
use crate::setup::finder;

/// The script, in the root of the clone.
const HOST: &str = "tools/xtask/src/v8/host.mjs";

/// What makes V8 compute the relaxed dot product as on a processor without AVX-VNNI.
pub(crate) const WITHOUT_VNNI: &str = "--no-enable-avx-vnni";

/// What makes V8 check addresses by instructions, as in workerd. Elsewhere the processor's page
/// tables do that.
pub(crate) const CHECKED: &str = "--wasm-enforce-bounds-checks";

/// A running V8. Ends when dropped.
pub(crate) struct V8 {
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    _group: Group,
}

impl V8 {
    /// Starts one.
    pub(crate) fn start() -> anyhow::Result<Self> {
        Self::start_with(&[])
    }

    /// Starts one with options for V8.
    pub(crate) fn start_with(options: &[&str]) -> anyhow::Result<Self> {
        let node = npm::node().context(
            "the npm package with Node is missing: remove node_modules, and it is installed anew",
        )?;
        let mut group = Run::new("running WebAssembly", node)
            .args(options)
            .args([HOST])
            .edit(|command| {
                command.stdin(Stdio::piped()).stdout(Stdio::piped());
            })
            .start()?;
        let (requests, answers) = group.pipes().context("Node has no pipes")?;
        Ok(Self { requests, answers: BufReader::new(answers), _group: group })
    }

    /// Opens a bare module under a name: an engine or anything else without imports.
    pub(crate) fn open(&mut self, name: &str, file: &Path) -> anyhow::Result<()> {
        self.ask(&json!({ "operation": "open", "name": name, "file": file })).map(drop)
    }

    /// Opens an ONNX file in onnxruntime-web under a name.
    pub(crate) fn open_onnx(&mut self, name: &str, file: &Path) -> anyhow::Result<()> {
        let request = json!({ "operation": "open", "name": name, "file": file, "onnx": true });
        self.ask(&request).map(drop)
    }

    /// Opens the sandbox of the public Worker under a name, with the memory that the Worker gives
    /// it.
    pub(crate) fn open_sandbox(&mut self, name: &str, file: &Path) -> anyhow::Result<()> {
        let pages = [SANDBOX_PAGES_MIN, SANDBOX_PAGES_MAX];
        let request = json!({ "operation": "sandbox", "name": name, "file": file, "pages": pages });
        self.ask(&request).map(drop)
    }

    /// Asks the sandbox about the bytes of a file from some byte on, and says how many
    /// milliseconds that took. Fails when the sandbox traps.
    pub(crate) fn question(
        &mut self,
        name: &str,
        question: Question,
        file: &Path,
        from: usize,
    ) -> anyhow::Result<f64> {
        let finder = question.needs_finder().then(finder::file);
        let length = finder.as_ref().map_or(Ok(0), |file| file.metadata().map(|it| it.len()))?;
        let asked = Asked { question, finder_bytes: usize::try_from(length)? };
        let request = json!({
            "operation": "ask", "name": name, "asked": serde_json::to_string(&asked)?,
            "finder": finder, "file": file, "from": from
        });
        number(&self.ask(&request)?["ms"])
    }

    /// Calls an export of a bare module about the bytes of a file, and says how many milliseconds
    /// that took. Fails when the module traps.
    pub(crate) fn read(&mut self, name: &str, function: &str, file: &Path) -> anyhow::Result<f64> {
        let request =
            json!({ "operation": "read", "name": name, "function": function, "file": file });
        number(&self.ask(&request)?["ms"])
    }

    /// Calls an export with numbers, and gives what it returns and how long it took in
    /// milliseconds.
    pub(crate) fn call(
        &mut self,
        name: &str,
        function: &str,
        args: &[f64],
    ) -> anyhow::Result<(f64, f64)> {
        let request =
            json!({ "operation": "call", "name": name, "function": function, "args": args });
        let answer = self.ask(&request)?;
        // A function without a result has no number.
        let result = answer["result"].as_f64().unwrap_or_default();
        Ok((result, number(&answer["ms"])?))
    }

    /// The last message of a bare module.
    pub(crate) fn text(&mut self, name: &str) -> anyhow::Result<String> {
        let answer = self.ask(&json!({ "operation": "text", "name": name }))?;
        Ok(answer["text"].as_str().context("no text")?.to_owned())
    }

    /// Loads the shards in a folder into an engine, in its variant of a number.
    pub(crate) fn load(
        &mut self,
        name: &str,
        weights: &[PathBuf],
        variant: u32,
    ) -> anyhow::Result<()> {
        for file in weights {
            let length = file.metadata().with_context(|| format!("no {}", file.display()))?.len();
            self.call(name, "begin", &[length as f64, f64::from(variant)])?;
            let feed = json!({ "operation": "feed", "name": name, "file": file, "piece": PIECE });
            self.ask(&feed)?;
            self.call(name, "finish", &[])?;
        }
        Ok(())
    }

    /// Embeds the tensor in a file so many times.
    pub(crate) fn embed(&mut self, name: &str, input: &Path, times: u32) -> anyhow::Result<Runs> {
        let request = json!({ "operation": "embed", "name": name, "file": input, "times": times });
        let answer = self.ask(&request)?;
        Ok(Runs {
            ms: numbers(&answer["ms"])?,
            cpu_ms: numbers(&answer["cpuMs"])?,
            embedding: numbers(&answer["output"])?,
        })
    }

    /// Calls an export of an engine about the tensor in a file.
    pub(crate) fn compute(
        &mut self,
        name: &str,
        function: &str,
        input: &Path,
    ) -> anyhow::Result<()> {
        let request =
            json!({ "operation": "compute", "name": name, "function": function, "file": input });
        self.ask(&request).map(drop)
    }

    /// The memory of what was opened in bytes. It never shrinks, so this is the most that it was.
    pub(crate) fn memory_bytes(&mut self, name: &str) -> anyhow::Result<f64> {
        number(&self.ask(&json!({ "operation": "memory", "name": name }))?["bytes"])
    }

    fn ask(&mut self, request: &Value) -> anyhow::Result<Value> {
        let mut line = String::new();
        writeln!(self.requests, "{request}")
            .and_then(|()| self.requests.flush())
            .and_then(|()| self.answers.read_line(&mut line))
            .context("Node ended; the output above may say why")?;
        ensure!(!line.is_empty(), "Node ended; the output above may say why");
        let answer: Value = serde_json::from_str(&line).context("Node does not answer in JSON")?;
        match answer.get("error") {
            Some(error) => bail!("{}", error.as_str().unwrap_or_default()),
            None => Ok(answer),
        }
    }
}

/// Bytes of a record that are pushed at once, about as many as R2 gives.
const PIECE: u32 = 1 << 16;

/// What several runs took, and what the last one gave.
pub(crate) struct Runs {
    /// By the clock.
    pub(crate) ms: Vec<f64>,
    /// Of them those in which the thread had a processor.
    pub(crate) cpu_ms: Vec<f64>,
    pub(crate) embedding: Vec<f64>,
}

fn number(value: &Value) -> anyhow::Result<f64> {
    value.as_f64().with_context(|| format!("{value} is no number"))
}

fn numbers(value: &Value) -> anyhow::Result<Vec<f64>> {
    value.as_array().context("no numbers")?.iter().map(number).collect()
}
