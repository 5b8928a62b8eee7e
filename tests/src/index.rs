//! The local index alone, as another project would run it: wrangler with one Worker. And the class
//! that is Vectorize's binding in production, with that index behind it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};
use testbed::process::Group;
use testbed::{npm, port, wait, wrangler};
use vectorize_local::method::Method;
use vectorize_local::refusal::Refusal;

use crate::conformance::{Answer, Target};

/// How long a server may take until it answers. It has been built before.
const READY_MAX: Duration = Duration::from_mins(1);

/// The path of control calls.
const CONTROL: &str = "control";

/// A running index. Ends when dropped.
pub struct IndexServer {
    group: Group,
    port: u16,
    state: PathBuf,
}

impl IndexServer {
    /// Starts wrangler with an index of so many dimensions, and waits for an answer.
    ///
    /// # Errors
    /// When it does not start in time, with what it has printed.
    pub fn start(state: &Path, dimensions: usize) -> anyhow::Result<Self> {
        let port = port::find()?;
        fs::create_dir_all(state)?;
        let log = File::create(log_file(state))?;
        let mut command = wrangler::command(&state.join("logs"));
        command
            .args(["dev", "--config", "tools/vectorize-local/wrangler.toml", "--ip", "127.0.0.1"])
            .args(["--port", &port.to_string(), "--inspector-port", "0"])
            .args(["--var", &format!("DIMENSIONS:{dimensions}")])
            .args(["--show-interactive-dev-session=false", "--persist-to"])
            .arg(state)
            .env("WRANGLER_REGISTRY_PATH", state.join("registry"))
            .stdout(log.try_clone()?)
            .stderr(log);
        let group = Group::start(&mut command).context("starting wrangler")?;
        let mut server = Self { group, port, state: state.to_owned() };
        server.wait_until_ready()?;
        Ok(server)
    }

    fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let port = self.port;
        let answered = wait::until(READY_MAX, || match self.group.ended()? {
            Some(status) => bail!("wrangler ended with {status}"),
            None => Ok(post(port, CONTROL, &json!({}))),
        });
        let log = || fs::read_to_string(log_file(&self.state)).unwrap_or_default();
        answered.map(drop).with_context(log)
    }

    /// Sends a control call and returns what the index reports.
    ///
    /// # Errors
    /// When the index does not answer, or refuses.
    pub fn control(&self, order: &Value) -> anyhow::Result<Value> {
        post(self.port, CONTROL, order)
    }

    /// The methods of the index as a Worker calls them.
    #[must_use]
    pub fn binding(&self) -> Binding {
        Binding { port: self.port, path: "call" }
    }
}

/// The class of Vectorize's binding in production, in a workerd of its own. Ends when dropped.
pub struct ProductionBinding {
    port: u16,
    _group: Group,
}

impl ProductionBinding {
    /// Starts workerd with an index behind the binding.
    ///
    /// # Errors
    /// When it does not answer in time, or the binding is of another class.
    pub fn start(index: &IndexServer) -> anyhow::Result<Self> {
        let port = port::find()?;
        let mut workerd = Command::new(npm::program("workerd"));
        workerd
            .current_dir(testbed::root())
            // Without this option workerd keeps the class to itself.
            .args(["serve", "--experimental", "tests/workerd/binding.capnp"])
            .arg(format!("--socket-addr=http=127.0.0.1:{port}"))
            .arg(format!("--external-addr=index=127.0.0.1:{}", index.port))
            .stdin(Stdio::null());
        let group = Group::start(&mut workerd).context("starting workerd")?;
        let describe = json!({"method": Method::Describe});
        let answer = wait::until(READY_MAX, || Ok(post(port, "", &describe)))?;
        ensure!(answer["class"] == "VectorizeIndexImpl", "{answer}");
        Ok(Self { port, _group: group })
    }

    /// Its methods.
    #[must_use]
    pub fn binding(&self) -> Binding {
        Binding { port: self.port, path: "" }
    }
}

/// The methods of a binding, which a server at this port calls on request.
pub struct Binding {
    port: u16,
    path: &'static str,
}

impl Binding {
    /// A binding that nobody serves.
    ///
    /// # Errors
    /// When no port is free.
    pub fn of_nobody() -> anyhow::Result<Self> {
        Ok(Self { port: port::find()?, path: "" })
    }
}

impl Target for Binding {
    fn call(&self, method: Method, arguments: &[Value]) -> anyhow::Result<Answer> {
        let call = json!({"method": method, "args": arguments});
        let mut answer = post(self.port, self.path, &call)?;
        if let Some(text) = answer["error"].as_str() {
            return Ok(Err(refusal(method, text)));
        }
        let result = answer.get_mut("result").map(Value::take);
        result.map(Ok).context("neither a result nor an error")
    }

    fn pause(&self) {
        std::thread::sleep(Duration::from_millis(20));
    }

    fn is_binding(&self) -> bool {
        true
    }
}

/// The refusal that the binding has made an error of, such as
/// `VECTOR_QUERY_ERROR (code = 40006): invalid query vector`. An error with another beginning is
/// the binding's own, and has no code.
fn refusal(method: Method, text: &str) -> Refusal {
    let parse = || {
        let rest = text.strip_prefix(method.operation())?.strip_prefix("_ERROR")?;
        if let Some(error) = rest.strip_prefix(": ") {
            return Some(Refusal::uncoded(error));
        }
        let (code, error) = rest.strip_prefix(" (code = ")?.split_once("): ")?;
        Some(Refusal::coded(code.parse().ok()?, error))
    };
    parse().unwrap_or_else(|| Refusal::uncoded(text))
}

fn log_file(state: &Path) -> PathBuf {
    state.join("index.log")
}

fn post(port: u16, path: &str, body: &Value) -> anyhow::Result<Value> {
    let url = format!("http://127.0.0.1:{port}/{path}");
    Ok(ureq::post(url).send_json(body)?.body_mut().read_json()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_read_from_the_texts_of_errors() {
        for (text, expected) in [
            (
                "VECTOR_GET_ERROR (code = 40007): too many ids: 21",
                Refusal::coded(40007, "too many ids: 21"),
            ),
            ("VECTOR_GET_ERROR: Status + 503", Refusal::uncoded("Status + 503")),
            ("VECTOR_GET_ERROR (code = x): y", Refusal::uncoded("VECTOR_GET_ERROR (code = x): y")),
            // Of another method.
            ("VECTOR_QUERY_ERROR: x", Refusal::uncoded("VECTOR_QUERY_ERROR: x")),
            ("Network connection lost.", Refusal::uncoded("Network connection lost.")),
        ] {
            assert_eq!(refusal(Method::GetByIds, text), expected);
        }
    }
}
