//! The local index alone, as another project would run it: wrangler with one Worker. And the class
//! that is Vectorize's binding in production, with that index behind it.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use vectorize_local::{conformance::Target, fault::Fault, method::Method};

/// How long the server may take until it answers. It has been built before.
const READY_MAX: Duration = Duration::from_mins(1);

/// A running index. Ends when dropped.
pub struct IndexServer {
    child: Group,
    port: u16,
    state: PathBuf,
}

impl IndexServer {
    /// Starts wrangler with these variables, such as `METRIC:cosine`, and waits for an answer.
    ///
    /// # Errors
    /// When it does not start in time, with what it has printed.
    pub fn start(state: &Path, variables: &[&str]) -> anyhow::Result<Self> {
        let port = testbed::port::find()?;
        std::fs::create_dir_all(state)?;
        let log = std::fs::File::create(state.join("index.log"))?;
        let mut wrangler = program("wrangler");
        wrangler
            .args(["dev", "--config", "tools/vectorize-local/wrangler.toml", "--ip", "127.0.0.1"])
            .args(["--port", &port.to_string(), "--inspector-port", "0"])
            .args(["--show-interactive-dev-session=false", "--persist-to"])
            .arg(state)
            .args(variables.iter().flat_map(|variable| ["--var", variable]))
            .env("CI", "true")
            .env("WRANGLER_SEND_METRICS", "false")
            .env("WRANGLER_HIDE_BANNER", "true")
            .env("WRANGLER_LOG_PATH", state.join("logs"))
            .env("WRANGLER_REGISTRY_PATH", state.join("registry"))
            .stdout(log.try_clone()?)
            .stderr(log);
        let child = Group::start(&mut wrangler)?;
        let mut server = Self { child, port, state: state.to_owned() };
        server.wait_until_ready()?;
        Ok(server)
    }

    fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let started = Instant::now();
        while self.post("control", &json!({})).is_err() {
            if started.elapsed() > READY_MAX || self.child.0.try_wait()?.is_some() {
                let log = std::fs::read_to_string(self.state.join("index.log"));
                bail!("the index is not ready:\n{}", log.unwrap_or_default());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// Posts JSON to a path and returns the JSON that comes back.
    ///
    /// # Errors
    /// When the index does not answer, or refuses.
    pub fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        post(self.port, path, body)
    }
}

impl Target for IndexServer {
    fn call(&self, method: Method, arguments: &[Value]) -> Result<Value, Fault> {
        let call = json!({"method": method, "args": arguments});
        let answer = self.post("call", &call).map_err(|error| Fault::new(error.to_string()))?;
        Fault::of_call(answer)
    }

    fn pause(&self) {
        std::thread::sleep(Duration::from_millis(20));
    }

    fn is_binding(&self) -> bool {
        true
    }
}

/// Vectorize's binding of production in workerd, with an index of ours behind it.
pub struct RealBinding {
    port: u16,
    _child: Group,
}

impl RealBinding {
    /// Starts workerd.
    ///
    /// # Errors
    /// When it does not answer in time, or the binding is of another class.
    pub fn start(index: &IndexServer) -> anyhow::Result<Self> {
        let port = testbed::port::find()?;
        let mut workerd = program("workerd");
        workerd
            // The class is not for everyone's configuration.
            .args(["serve", "--experimental", "tests/workerd/binding.capnp"])
            .arg(format!("--socket-addr=http=127.0.0.1:{port}"))
            .arg(format!("--external-addr=index=127.0.0.1:{}", index.port));
        let binding = Self { port, _child: Group::start(&mut workerd)? };
        let started = Instant::now();
        let describe = json!({"method": Method::Describe});
        loop {
            match post(port, "", &describe) {
                Ok(answer) => {
                    ensure!(answer["class"] == "VectorizeIndexImpl", "{answer}");
                    return Ok(binding);
                }
                Err(error) if started.elapsed() > READY_MAX => return Err(error),
                Err(_) => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }
}

impl Target for RealBinding {
    fn call(&self, method: Method, arguments: &[Value]) -> Result<Value, Fault> {
        let call = json!({"method": method, "args": arguments});
        let answer = post(self.port, "", &call).map_err(|error| Fault::new(error.to_string()))?;
        Fault::of_call(answer)
    }

    fn pause(&self) {
        std::thread::sleep(Duration::from_millis(20));
    }

    fn is_binding(&self) -> bool {
        true
    }
}

/// A process and those that it starts. They end when this is dropped.
struct Group(Child);

impl Group {
    fn start(command: &mut Command) -> anyhow::Result<Self> {
        let command = command.stdin(Stdio::null()).process_group(0);
        Ok(Self(command.spawn().context("starting a program of npm")?))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::TERM);
        }
        let _ = self.0.wait();
    }
}

/// A program that set-up has installed, to be run in the project's root.
fn program(name: &str) -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut command = Command::new(root.join("node_modules/.bin").join(name));
    command.current_dir(root);
    command
}

fn post(port: u16, path: &str, body: &Value) -> anyhow::Result<Value> {
    let url = format!("http://127.0.0.1:{port}/{path}");
    Ok(ureq::post(url).send_json(body)?.body_mut().read_json()?)
}
