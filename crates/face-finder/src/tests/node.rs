//! Node, which runs the page's scripts and face-api.js.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

/// Runs a script beside this file in the root of the clone. It gets `question` as JSON, and what it
/// writes is the answer.
pub(crate) fn ask(script: &str, question: &Value) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests").join(script);
    let mut node = Command::new("node")
        .arg(script)
        .current_dir(testbed::root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = node.stdin.take().unwrap();
    let question = question.to_string();
    let writer = std::thread::spawn(move || input.write_all(question.as_bytes()));
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success(), "Node failed; the output above says why");
    writer.join().unwrap().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}
