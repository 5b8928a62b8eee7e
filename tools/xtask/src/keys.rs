//! The API keys of an instance. Deployed, they are secrets of the public Worker. Locally, they are
//! in a file of the state folder from which wrangler gives secrets to that Worker. Only hashes are
//! kept, but for the key of a developer's own server.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, anyhow, bail, ensure};
use serde_json::Value;
use testbed::server::ADMIN_KEY;
use testbed::wait;
use wire::access::{HEADER, Key, Scope};
use wire::secret;

use crate::cloudflare::{ACCOUNT_VARIABLE, Api, Found, worker};
use crate::wrangler::installation::Installation;
use crate::{private_file, project, run, servers, wrangler};

/// The file from which wrangler gives secrets to the Worker whose configuration is beside it.
const SECRETS: &str = ".dev.vars";

/// What a developer's own key is called.
const OWN: &str = "developer";

/// How long a running local server may take until it knows of a change.
const RELOAD_MAX: Duration = Duration::from_mins(1);

/// Where the keys of an instance are.
pub(crate) enum Keys {
    /// On Cloudflare: secrets of a Worker in an account.
    Deployed { worker: String, account: String },
    /// In the state folder of a local server.
    Local(PathBuf),
}

impl Keys {
    /// The keys in a state folder, or else those of a deployed installation.
    pub(crate) fn of(state: Option<&Path>, env: Option<&str>) -> anyhow::Result<Self> {
        let Some(state) = state else {
            return Self::deployed(&Installation::of(env)?);
        };
        let dir = project::root().join(state);
        fs::create_dir_all(&dir).with_context(|| format!("making {}", dir.display()))?;
        Ok(Self::Local(dir))
    }

    /// The keys of a deployed installation. An error if it is not deployed, or somebody else has a
    /// Worker of that name, whose secrets are no business of ours.
    fn deployed(installation: &Installation) -> anyhow::Result<Self> {
        let (worker, api) = (installation.public_worker(), Api::login()?);
        match worker::look(&api, &worker, installation.prefix(), 1)? {
            Found::Ours(_) => Ok(Self::Deployed { worker, account: api.account().to_owned() }),
            Found::Missing => bail!("{worker} is not deployed: `cargo xtask deploy` comes first"),
            Found::Foreign(why) => bail!("{why}: it gets no keys of ours"),
        }
    }

    /// Makes a key, and gives the secret, which is kept nowhere.
    pub(crate) fn add(&self, key: &Key) -> anyhow::Result<String> {
        let known = self.list()?;
        ensure!(
            known.iter().all(|other| other.name() != key.name()),
            "there is a key `{}` already; revoke it first, or choose another name",
            key.name()
        );
        let secret = secret::new().map_err(|error| anyhow!("no random numbers: {error}"))?;
        let hash = secret::hash(&secret);
        match self {
            Self::Deployed { worker, account } => {
                put_secret(worker, account, &key.binding(), &hash)?;
            }
            Self::Local(state) => {
                change(state, |lines| lines.push(format!("{}={hash}", key.binding())))?;
            }
        }
        Ok(secret)
    }

    /// Takes a key away. From then on it is refused.
    pub(crate) fn revoke(&self, name: &str) -> anyhow::Result<()> {
        let known = self.list()?;
        let key = known.iter().find(|key| key.name() == name);
        let binding = key.with_context(|| format!("there is no key `{name}`"))?.binding();
        match self {
            Self::Deployed { worker, account } => {
                wrangler::remote(format!("revoking the key {name}"))
                    .args(["secret", "delete", &binding, "--name", worker])
                    .env(ACCOUNT_VARIABLE, account)
                    .quietly()
            }
            Self::Local(state) => change(state, |lines| {
                lines.retain(|line| binding_of(line) != Some(&*binding));
            }),
        }
    }

    /// All keys, by their names.
    pub(crate) fn list(&self) -> anyhow::Result<Vec<Key>> {
        let mut keys = match self {
            Self::Deployed { worker, account } => {
                let list = wrangler::remote("listing the keys")
                    .args(["secret", "list", "--name", worker])
                    .env(ACCOUNT_VARIABLE, account)
                    .output()?;
                keys_in(&list)?
            }
            Self::Local(state) => {
                read(state)?.iter().filter_map(|line| Key::of_binding(binding_of(line)?)).collect()
            }
        };
        keys.sort_by(|a, b| a.name().cmp(b.name()));
        Ok(keys)
    }
}

/// Makes a key for the developer who starts a server in this folder, unless there is one. It allows
/// everything, and is in the file [`ADMIN_KEY`], which only the user reads.
pub(crate) fn ensure_own(state: &Path) -> anyhow::Result<()> {
    let file = state.join(ADMIN_KEY);
    let key = Key::new(OWN, &Scope::ALL).map_err(anyhow::Error::msg)?;
    if let Ok(secret) = fs::read_to_string(&file) {
        let line = format!("{}={}", key.binding(), secret::hash(secret.trim()));
        if read(state)?.contains(&line) {
            return Ok(());
        }
    }
    let keys = Keys::Local(state.to_owned());
    if keys.list()?.iter().any(|other| other.name() == OWN) {
        keys.revoke(OWN)?;
    }
    private_file::write(&file, &format!("{}\n", keys.add(&key)?))
}

/// Waits until a server that runs in this folder has the keys that are configured.
pub(crate) fn wait_until_known(state: &Path) -> anyhow::Result<()> {
    let Ok(secret) = fs::read_to_string(state.join(ADMIN_KEY)) else { return Ok(()) };
    let keys = Keys::Local(state.canonicalize()?).list()?;
    let expected: Vec<&str> = keys.iter().map(Key::name).collect();
    if !expected.contains(&OWN) {
        return Ok(());
    }
    let agent: ureq::Agent =
        ureq::Agent::config_builder().timeout_global(Some(RELOAD_MAX)).build().into();
    for port in servers::ports_of(state)? {
        let known = || -> anyhow::Result<Vec<String>> {
            let request = agent.get(format!("http://127.0.0.1:{port}/health"));
            let mut answer = request.header(HEADER, secret.trim()).call()?;
            let health: Value = serde_json::from_str(&answer.body_mut().read_to_string()?)?;
            let names = health.get("keys").and_then(Value::as_array).into_iter().flatten();
            Ok(names.filter_map(|name| name.as_str().map(str::to_owned)).collect())
        };
        wait::until(RELOAD_MAX, || {
            crate::stop::check()?;
            Ok(known().and_then(|known| {
                ensure!(known == expected, "it knows {known:?}");
                Ok(())
            }))
        })
        .with_context(|| format!("the server on port {port} does not take over the keys"))?;
    }
    Ok(())
}

fn put_secret(worker: &str, account: &str, binding: &str, hash: &str) -> anyhow::Result<()> {
    let value = run::unnamed_file(hash)?;
    wrangler::remote("storing the key's hash")
        .args(["secret", "put", binding, "--name", worker])
        .env(ACCOUNT_VARIABLE, account)
        .edit(|command| {
            command.stdin(value);
        })
        .quietly()
}

/// The keys in wrangler's list of secrets. There may be others.
fn keys_in(list: &str) -> anyhow::Result<Vec<Key>> {
    let secrets: Value = serde_json::from_str(list).context("reading the list of secrets")?;
    let secrets = secrets.as_array().context("the list of secrets is no list")?;
    let names = secrets.iter().filter_map(|secret| secret.get("name")?.as_str());
    Ok(names.filter_map(Key::of_binding).collect())
}

fn secrets_file(state: &Path) -> anyhow::Result<PathBuf> {
    let config = wrangler::config(wrangler::PUBLIC_CONFIG)?;
    Ok(wrangler::local::folder(state, &config)?.join(SECRETS))
}

fn binding_of(line: &str) -> Option<&str> {
    line.split_once('=').map(|(binding, _)| binding)
}

fn read(state: &Path) -> anyhow::Result<Vec<String>> {
    match fs::read_to_string(secrets_file(state)?) {
        Ok(text) => Ok(text.lines().map(str::to_owned).collect()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).context("reading the local keys"),
    }
}

/// Changes the local keys. A server that runs there takes them over.
fn change(state: &Path, edit: impl FnOnce(&mut Vec<String>)) -> anyhow::Result<()> {
    let _lock = project::lock_file(&state.join("keys.lock"), "waiting for another cargo xtask")?;
    let mut lines = read(state)?;
    edit(&mut lines);
    let file = secrets_file(state)?;
    lines.push(String::new());
    private_file::write(&file, &lines.join("\n"))?;
    // Wrangler watches the configuration, and reads the secrets anew when that changes. Nothing is
    // written: wrangler would end if it found the file empty.
    let config = file.with_file_name(wrangler::local::CONFIG);
    if config.exists() {
        let touched = File::options()
            .write(true)
            .open(&config)
            .and_then(|config| config.set_modified(SystemTime::now()));
        touched.context("telling the local server of its keys")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn keys_are_found_among_other_secrets() {
        let list = r#"[{"name":"API_KEY_BOB__ADMIN","type":"secret_text"},
            {"name":"API_KEY_bad","type":"secret_text"},{"name":"OTHER","type":"secret_text"}]"#;
        let keys = keys_in(list).unwrap();
        assert_eq!(keys, [Key::new("bob", &[Scope::Admin]).unwrap()]);
        assert!(keys_in("none").is_err());
    }

    #[test]
    fn local_keys_are_added_listed_and_revoked() {
        let dir = tempfile::tempdir().unwrap();
        let keys = Keys::of(Some(dir.path()), None).unwrap();
        assert!(keys.list().unwrap().is_empty());
        let [bob, alice] =
            ["bob", "alice"].map(|name| Key::new(name, &[Scope::Search, Scope::Enrol]).unwrap());
        let secret = keys.add(&bob).unwrap();
        assert!(secret::has_form(&secret));
        assert_ne!(keys.add(&alice).unwrap(), secret);
        assert!(keys.add(&bob).unwrap_err().to_string().contains("already"));
        assert_eq!(keys.list().unwrap(), [alice, bob.clone()]);
        let file = secrets_file(dir.path()).unwrap();
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(&format!("API_KEY_BOB__SEARCH_ENROL={}\n", secret::hash(&secret))));
        assert!(!text.contains(&secret), "the key itself is stored");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        keys.revoke("alice").unwrap();
        assert!(keys.revoke("alice").unwrap_err().to_string().contains("no key"));
        assert_eq!(keys.list().unwrap(), [bob]);
    }

    #[test]
    fn a_developer_has_a_key_that_stays() {
        let dir = tempfile::tempdir().unwrap();
        let own = || fs::read_to_string(dir.path().join(ADMIN_KEY)).unwrap();
        ensure_own(dir.path()).unwrap();
        let first = own();
        ensure_own(dir.path()).unwrap();
        assert_eq!(own(), first);
        let mode = fs::metadata(dir.path().join(ADMIN_KEY)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        // A key that the server does not know is replaced.
        fs::write(dir.path().join(ADMIN_KEY), secret::new().unwrap()).unwrap();
        ensure_own(dir.path()).unwrap();
        assert_ne!(own(), first);
        let keys = Keys::Local(dir.path().to_owned()).list().unwrap();
        assert_eq!(keys, [Key::new(OWN, &Scope::ALL).unwrap()]);
    }
}
