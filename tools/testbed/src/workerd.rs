//! The public Worker in a workerd of its own, without wrangler and without the private Worker. It
//! starts within a second, and takes its weights from a [`Bucket`]. Several can share their Durable
//! Objects, as versions of a Worker do while one replaces the other.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use tempfile::TempDir;

use crate::bucket::Bucket;
use crate::process::Group;
use crate::{npm, port, wait};

/// How long it may take to answer. The Worker has been built before.
const READY_MAX: Duration = Duration::from_secs(30);

/// The module that the runtime asks for the Worker.
const ENTRY: &str = "entry.js";

/// The date up to which changes of the runtime apply, as in `wrangler.toml`.
pub const COMPATIBILITY_DATE: &str = "2026-04-01";

/// The classes of the Durable Objects, and the names under which they are bound.
const CLASSES: [(&str, &str); 2] =
    [("FACENET_SHARD1", "FaceNetShard1"), ("FACENET_SHARD2", "FaceNetShard2")];

/// A version of the Worker: its variables.
pub type Variables<'a> = &'a [(&'a str, &'a str)];

/// A running workerd. Ends when dropped.
pub struct Workerd {
    ports: Vec<u16>,
    dir: TempDir,
    _group: Group,
}

impl Workerd {
    /// Starts the Worker that `build` holds, once with each set of variables. The objects of all
    /// are in the isolate of the first one.
    ///
    /// # Errors
    /// When it does not start in time, with what it has printed.
    pub fn start(build: &Path, bucket: Bucket, versions: &[Variables<'_>]) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let modules = modules(build, dir.path())?;
        let ports = versions.iter().map(|_| port::find()).collect::<Result<Vec<_>, _>>()?;
        let config = dir.path().join("config.capnp");
        fs::write(&config, configuration(&modules, versions))?;
        let log = File::create(dir.path().join("log"))?;
        let mut workerd = Command::new(npm::program("workerd"));
        workerd
            .args(["serve", "--experimental"])
            .arg(&config)
            .arg(format!("--external-addr=bucket=127.0.0.1:{}", bucket.port()))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        for (index, port) in ports.iter().enumerate() {
            workerd.arg(format!("--socket-addr=http{index}=127.0.0.1:{port}"));
        }
        let mut group = Group::start(&mut workerd).context("starting workerd")?;
        for port in &ports {
            let url = format!("http://127.0.0.1:{port}/config");
            let answered = wait::until(READY_MAX, || match group.ended()? {
                Some(status) => bail!("workerd ended with {status}"),
                None => Ok(ureq::get(&url).call()),
            });
            let log = || fs::read_to_string(dir.path().join("log")).unwrap_or_default();
            answered.map(drop).with_context(log)?;
        }
        Ok(Self { ports, dir, _group: group })
    }

    /// The address of a path of the version with this index.
    #[must_use]
    pub fn url(&self, version: usize, path: &str) -> String {
        let port = self.ports.get(version).copied().unwrap_or_default();
        format!("http://127.0.0.1:{port}{path}")
    }

    /// What it has printed.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }
}

/// Copies the Worker's modules beside the configuration. Gives their names, the entry first.
fn modules(build: &Path, out: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    copy_modules(build, Path::new(""), out, &mut names)?;
    names.sort_by_key(|name| name != ENTRY);
    Ok(names)
}

/// Copies those in a folder of the build and below.
fn copy_modules(
    build: &Path,
    folder: &Path,
    out: &Path,
    names: &mut Vec<String>,
) -> anyhow::Result<()> {
    let from = build.join(folder);
    fs::create_dir_all(out.join(folder))?;
    for entry in fs::read_dir(&from).with_context(|| format!("no {}", from.display()))? {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_modules(build, &path, out, names)?;
        } else if kind_of(&path).is_some() {
            fs::copy(entry.path(), out.join(&path))?;
            names.push(path.to_string_lossy().into_owned());
        }
    }
    Ok(())
}

/// The configuration in Cap'n Proto.
fn configuration(modules: &[String], versions: &[Variables<'_>]) -> String {
    let (mut services, mut sockets, mut workers) = (String::new(), String::new(), String::new());
    for (index, variables) in versions.iter().enumerate() {
        let _ = write!(services, "(name = \"worker{index}\", worker = .worker{index}), ");
        let _ =
            write!(sockets, "(name = \"http{index}\", http = (), service = \"worker{index}\"), ");
        let _ = write!(
            workers,
            "const worker{index} :Workerd.Worker = (\n  modules = [{}],\n  bindings = [{}],\n  \
             compatibilityDate = \"{COMPATIBILITY_DATE}\",\n  \
             durableObjectNamespaces = [{}],\n  durableObjectStorage = (inMemory = void),\n);\n",
            modules.iter().map(|name| module(name)).collect::<String>(),
            bindings(variables),
            CLASSES.map(|(_, class)| namespace(class)).concat(),
        );
    }
    format!(
        "using Workerd = import \"/workerd/workerd.capnp\";\n\
         const config :Workerd.Config = (\n  services = [\n    {services}\n    \
         (name = \"bucket\", external = (http = ())),\n    \
         (name = \"nobody\", network = (allow = [])),\n  ],\n  sockets = [{sockets}],\n\
         );\n{workers}"
    )
}

/// What a file is to workerd, by its ending, as wrangler has it. Nothing where it is no module.
fn kind_of(file: &Path) -> Option<&'static str> {
    match file.extension()?.to_str()? {
        "js" => Some("esModule"),
        "wasm" => Some("wasm"),
        "bin" => Some("data"),
        _ => None,
    }
}

fn module(name: &str) -> String {
    let kind = kind_of(Path::new(name)).unwrap_or("esModule");
    format!("(name = \"{name}\", {kind} = embed \"{name}\"), ")
}

fn namespace(class: &str) -> String {
    format!("(className = \"{class}\", uniqueKey = \"{class}\", enableSql = true), ")
}

fn bindings(variables: Variables<'_>) -> String {
    let mut bindings = String::new();
    for (name, value) in variables {
        let _ = write!(bindings, "(name = \"{name}\", text = \"{value}\"), ");
    }
    for (name, class) in CLASSES {
        let _ = write!(
            bindings,
            "(name = \"{name}\", durableObjectNamespace = (className = \"{class}\", \
             serviceName = \"worker0\")), "
        );
    }
    bindings.push_str(
        "(name = \"MODELS\", r2Bucket = \"bucket\"), \
         (name = \"VECTORIZE_WORKER\", service = \"nobody\"), ",
    );
    bindings
}
