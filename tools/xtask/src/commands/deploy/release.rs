//! A Worker as it is to be deployed: its configuration and code, and a hash of what it is made
//! from. The Worker carries that hash, so that the next deployment sees whether something differs.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use toml::{Table, Value};

use crate::cloudflare::worker::{Deployed, RELEASE};
use crate::cloudflare::{ACCOUNT_VARIABLE, Api, advice};
use crate::fingerprint::Fingerprint;
use crate::wrangler::local::CONFIG;
use crate::{project, wrangler};

/// The file in a folder of code that says from what the build was made. It is not part of it.
const STAMP: &str = "made-from";

/// A Worker to deploy.
pub(super) struct Release {
    config: Table,
    file: PathBuf,
    /// From what it is made.
    id: String,
}

impl Release {
    /// Writes the configuration of a Worker, whose code is at `main`, to a folder below `dir`.
    pub(super) fn prepare(mut config: Table, main: &Path, dir: &Path) -> anyhow::Result<Self> {
        // The account that was looked at is the one to deploy to.
        config.remove(wrangler::ACCOUNT);
        let id = id(&config, main)?;
        let vars = config.get_mut("vars").and_then(Value::as_table_mut);
        vars.context("a configuration without variables")?
            .insert(RELEASE.into(), id.clone().into());
        let folder = dir.join(wrangler::name(&config)?);
        let file = folder.join(CONFIG);
        fs::create_dir_all(&folder)
            .and_then(|()| fs::write(&file, config.to_string()))
            .with_context(|| format!("writing {}", file.display()))?;
        Ok(Self { config, file, id })
    }

    /// The Worker's name.
    pub(super) fn name(&self) -> &str {
        wrangler::name(&self.config).unwrap_or_default()
    }

    /// Whether just this is deployed, with its triggers and its address.
    pub(super) fn is_deployed(&self, found: Option<&Deployed>) -> bool {
        found.is_some_and(|found| {
            found.is_release(&self.id)
                && found.crons.iter().map(String::as_str).eq(self.crons())
                && found.has_address == self.wants_address()
        })
    }

    fn crons(&self) -> impl Iterator<Item = &str> {
        let crons = self.config.get("triggers").and_then(|triggers| triggers.get("crons"));
        crons.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }

    fn routes(&self) -> impl Iterator<Item = &str> {
        let routes = self.config.get("routes").and_then(Value::as_array).into_iter().flatten();
        routes.filter_map(|route| route.get("pattern").unwrap_or(route).as_str())
    }

    /// Whether it is to have an address below workers.dev. It has one unless told otherwise, or
    /// when it has routes.
    fn wants_address(&self) -> bool {
        let told = self.config.get("workers_dev").and_then(Value::as_bool);
        told.unwrap_or_else(|| self.routes().next().is_none())
    }

    /// Where it answers, in an account with this name below workers.dev.
    pub(super) fn addresses(&self, subdomain: &str) -> Vec<String> {
        let own = format!("https://{}.{subdomain}.workers.dev", self.name());
        let own = self.wants_address().then_some(own);
        let routes = self.routes().map(|pattern| format!("https://{pattern}"));
        own.into_iter().chain(routes).collect()
    }

    /// Deploys it.
    pub(super) fn deploy(&self, api: &Api) -> anyhow::Result<()> {
        let step = crate::progress::Step::begin(&format!("deploying the Worker {}", self.name()));
        let (mut code, mut before) = (None, String::new());
        let outcome = wrangler::remote(format!("deploying the Worker {}", self.name()))
            .args(["deploy"])
            .arg_path("--config", &self.file)
            // What is missing was made before, or belongs to somebody else.
            .args(["--x-provision=false"])
            .env(ACCOUNT_VARIABLE, api.account())
            .hint("Wrangler's message above says why. Run this again: nothing is done twice")
            .logged(|line| {
                step.note(line);
                // Wrangler breaks its lines anywhere.
                code = code_in(&format!("{before} {}", line.trim())).or(code);
                line.trim().clone_into(&mut before);
            });
        let advice = code.and_then(|code| advice(code, api.account()));
        match (outcome, advice) {
            (Ok(()), _) => {
                step.done();
                Ok(())
            }
            (Err(error), Some(advice)) => bail!("{error}. {advice}"),
            (Err(error), None) => Err(error),
        }
    }

    /// Lets wrangler bundle it into a folder and check the configuration.
    pub(super) fn check(&self, out: &Path) -> anyhow::Result<()> {
        let what = format!("checking the Worker {}", self.name());
        wrangler::run(what, &project::local().join("logs"))
            .args(["deploy", "--dry-run"])
            .arg_path("--config", &self.file)
            .arg_path("--outdir", out)
            .shown()?;
        // The bundle is called as its main module.
        let main = self.config.get("main").and_then(Value::as_str).map(Path::new);
        let bundle = main.and_then(Path::file_name).map(|name| out.join(name));
        if !bundle.is_some_and(|bundle| bundle.is_file()) {
            bail!("wrangler made no bundle of {}", self.name());
        }
        Ok(())
    }
}

/// From what a Worker is made: its configuration without the paths, its code and its assets.
fn id(config: &Table, main: &Path) -> anyhow::Result<String> {
    let mut told = config.clone();
    told.remove("main");
    let assets = told.get_mut("assets").and_then(Value::as_table_mut);
    let assets = assets.and_then(|assets| assets.remove("directory"));
    let mut fingerprint = Fingerprint::default().text(&told.to_string());
    let code = main.parent().context("the code is in no folder")?;
    let entries = fs::read_dir(code).with_context(|| format!("reading {}", code.display()))?;
    let mut entries: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    entries.retain(|entry| !entry.ends_with(STAMP));
    entries.sort();
    for entry in entries {
        let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
        fingerprint = fingerprint.text(&name).tree(&entry)?;
    }
    if let Some(assets) = assets.as_ref().and_then(Value::as_str) {
        fingerprint = fingerprint.tree(Path::new(assets))?;
    }
    Ok(fingerprint.finish())
}

/// The number of a refusal in a line of wrangler's.
fn code_in(line: &str) -> Option<u64> {
    let (_, after) = line.split_once("[code: ")?;
    after.split(']').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_refusal_has_a_number() {
        assert_eq!(code_in("  CPU limits are not supported. [code: 100328]"), Some(100_328));
        assert_eq!(code_in("Uploaded cface (1.2 sec)"), None);
    }

    fn release(text: &str) -> Release {
        Release { config: text.parse().unwrap(), file: PathBuf::new(), id: "id".into() }
    }

    #[test]
    fn addresses_are_those_of_the_configuration() {
        let own = "https://cface.example.workers.dev";
        assert_eq!(release("name = 'cface'").addresses("example"), [own]);
        let routed = "name = 'cface'\nroutes = [{ pattern = 'a.test', custom_domain = true }]";
        assert_eq!(release(routed).addresses("example"), ["https://a.test"]);
        assert!(release("name = 'p'\nworkers_dev = false").addresses("example").is_empty());
    }

    #[test]
    fn triggers_and_addresses_that_are_missing_are_noticed() {
        let release = release("name = 'p'\nworkers_dev = false\ntriggers = { crons = ['0 12'] }");
        let variables = vec![[(RELEASE.to_owned(), "id".to_owned())].into()];
        let right = Deployed { variables, crons: vec!["0 12".into()], has_address: false };
        assert!(release.is_deployed(Some(&right)));
        assert!(!release.is_deployed(None));
        assert!(!release.is_deployed(Some(&Deployed { crons: Vec::new(), ..right.clone() })));
        assert!(!release.is_deployed(Some(&Deployed { has_address: true, ..right.clone() })));
        // Half of the requests go to another version.
        let mut both = right.variables.clone();
        both.push([(RELEASE.to_owned(), "other".to_owned())].into());
        assert!(!release.is_deployed(Some(&Deployed { variables: both, ..right })));
    }

    #[test]
    fn the_account_that_was_looked_at_is_deployed_to() {
        let dir = tempfile::tempdir().unwrap();
        let main = dir.path().join("build/index.js");
        fs::create_dir_all(main.parent().unwrap()).unwrap();
        let config = "name = 'w'\naccount_id = 'other'\n[vars]".parse().unwrap();
        let release = Release::prepare(config, &main, dir.path()).unwrap();
        let written: Table = fs::read_to_string(&release.file).unwrap().parse().unwrap();
        assert!(!written.contains_key("account_id"));
        assert_eq!(written["vars"][RELEASE].as_str(), Some(&*release.id));
    }

    #[test]
    fn code_assets_and_variables_count_but_not_where_they_are() {
        let id_in = |name: &str, code: &str, asset: &str, model: &str| {
            let dir = tempfile::Builder::new().prefix(name).tempdir().unwrap();
            let (build, assets) = (dir.path().join("build"), dir.path().join("assets"));
            fs::create_dir_all(&build).unwrap();
            fs::create_dir_all(&assets).unwrap();
            fs::write(build.join("index.js"), code).unwrap();
            fs::write(build.join(STAMP), name).unwrap();
            fs::write(assets.join("index.html"), asset).unwrap();
            let text = format!(
                "main = {:?}\n[assets]\ndirectory = {assets:?}\n[vars]\nMODEL = '{model}'",
                build.join("index.js")
            );
            id(&text.parse().unwrap(), &build.join("index.js")).unwrap()
        };
        let first = id_in("a", "code", "asset", "model");
        assert_eq!(first, id_in("b", "code", "asset", "model"));
        assert_ne!(first, id_in("a", "other", "asset", "model"));
        assert_ne!(first, id_in("a", "code", "other", "model"));
        assert_ne!(first, id_in("a", "code", "asset", "other"));
    }
}
