//! An installation: what its parts are called in an account of Cloudflare, and the configurations
//! of its Workers, made from those in the repository.

use std::path::Path;

use anyhow::{Context as _, ensure};
use facenet::record::Weights;
use toml::{Table, Value};
use wire::installation::{MODELS_BUCKET, PREFIX, PRIVATE_WORKER, PUBLIC_WORKER, renamed};
use wire::retention::{BUCKET_NAME, INDEX_NAME};

use super::{PRIVATE_CONFIG, PUBLIC_CONFIG, config, local};
use crate::fingerprint::sha256;

/// The variable of both Workers that says to which installation they belong.
pub(crate) const INSTALLATION: &str = "INSTALLATION";

/// Letters and digits in the name of an installation at most. Names of buckets, of Workers and of
/// hosts have 63 characters at most.
const NAME_CHARS_MAX: usize = 20;

/// The numbers of other installations' rate limits begin with a number below this. With the two
/// digits of the limit itself they have nine, which fit a signed number of 32 bits.
const RATE_LIMITS: u32 = 10_000_000;

/// An installation of CFace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Installation {
    prefix: String,
}

impl Installation {
    /// The usual one, or the one with a name.
    pub(crate) fn of(name: Option<&str>) -> anyhow::Result<Self> {
        let Some(name) = name else { return Ok(Self { prefix: PREFIX.into() }) };
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        // With a hyphen, or as `vectorize`, a public Worker could be called as another's private
        // one.
        ensure!(
            (1..=NAME_CHARS_MAX).contains(&name.len())
                && name.chars().all(allowed)
                && renamed(PUBLIC_WORKER, &format!("{PREFIX}-{name}")) != PRIVATE_WORKER,
            "`{name}` cannot be an installation's name: take 1 to {NAME_CHARS_MAX} lower-case \
             letters and digits"
        );
        Ok(Self { prefix: format!("{PREFIX}-{name}") })
    }

    /// How all its names begin, which is what it is called.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// What a thing of the usual installation is called here.
    fn name(&self, usual: &str) -> String {
        renamed(usual, &self.prefix)
    }

    /// The bucket with the weights.
    pub(crate) fn models_bucket(&self) -> String {
        self.name(MODELS_BUCKET)
    }

    /// The bucket with the pictures.
    pub(crate) fn faces_bucket(&self) -> String {
        self.name(BUCKET_NAME)
    }

    /// The index with the embeddings.
    pub(crate) fn index(&self) -> String {
        self.name(INDEX_NAME)
    }

    /// The public Worker.
    pub(crate) fn public_worker(&self) -> String {
        self.name(PUBLIC_WORKER)
    }

    /// The private Worker.
    pub(crate) fn private_worker(&self) -> String {
        self.name(PRIVATE_WORKER)
    }

    /// The public Worker's configuration for a model's weights, with its code at `main`.
    pub(crate) fn public_config(&self, weights: &Weights, main: &Path) -> anyhow::Result<Table> {
        let mut config = local::public(config(PUBLIC_CONFIG)?, weights, main)?;
        self.rename(&mut config, "r2_buckets", "bucket_name")?;
        self.rename(&mut config, "services", "service")?;
        for limit in entries(&mut config, "ratelimits")? {
            let id = limit.get_mut("namespace_id").context("a rate limit without a number")?;
            *id = self.rate_limit(id.as_str().context("its number is no text")?)?.into();
        }
        self.sign(config)
    }

    /// The private Worker's configuration, with its code at `main`.
    pub(crate) fn private_config(&self, main: &Path) -> anyhow::Result<Table> {
        let mut config = local::with_main(config(PRIVATE_CONFIG)?, main)?;
        self.rename(&mut config, "r2_buckets", "bucket_name")?;
        self.rename(&mut config, "vectorize", "index_name")?;
        self.sign(config)
    }

    /// Gives a Worker its name, and tells it to which installation it belongs.
    fn sign(&self, mut config: Table) -> anyhow::Result<Table> {
        let name = self.name(super::name(&config)?);
        config.insert("name".into(), name.into());
        let vars = config.entry("vars").or_insert_with(|| Table::new().into()).as_table_mut();
        let vars = vars.context("the variables are no table")?;
        vars.insert(INSTALLATION.into(), self.prefix.clone().into());
        Ok(config)
    }

    /// Renames what each entry of a list names by `key`.
    fn rename(&self, config: &mut Table, list: &str, key: &str) -> anyhow::Result<()> {
        for entry in entries(config, list)? {
            let name = entry.get_mut(key).with_context(|| format!("{list} without {key}"))?;
            *name = self.name(name.as_str().context("a name is no text")?).into();
        }
        Ok(())
    }

    /// The number of a rate limit. All Workers of an account count together what has the same one,
    /// so other installations have others.
    fn rate_limit(&self, usual: &str) -> anyhow::Result<String> {
        if self.prefix == PREFIX {
            return Ok(usual.to_owned());
        }
        let digits = sha256(self.prefix.as_bytes());
        let number = u32::from_str_radix(digits.get(..8).unwrap_or_default(), 16)?;
        let limit = usual.get(usual.len().saturating_sub(2)..).unwrap_or(usual);
        Ok(format!("{}{limit}", 1 + number % (RATE_LIMITS - 1)))
    }
}

/// The entries of a list of tables.
fn entries<'a>(
    config: &'a mut Table,
    list: &str,
) -> anyhow::Result<impl Iterator<Item = &'a mut Value>> {
    let found = config.get_mut(list).and_then(Value::as_array_mut);
    Ok(found.with_context(|| format!("a configuration without {list}"))?.iter_mut())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const MAIN: &str = "a/build/index.js";

    fn configs(name: Option<&str>) -> [Table; 2] {
        let installation = Installation::of(name).unwrap();
        let weights = Weights::new("casia-webface", [7; 32].into());
        [
            installation.public_config(&weights, Path::new(MAIN)).unwrap(),
            installation.private_config(Path::new(MAIN)).unwrap(),
        ]
    }

    #[test]
    fn the_usual_installation_is_called_as_the_files_say() {
        let [public, private] = configs(None);
        let files = [PUBLIC_CONFIG, PRIVATE_CONFIG].map(|file| config(file).unwrap());
        for (made, file) in [public, private].into_iter().zip(files) {
            assert_eq!(made["vars"][INSTALLATION].as_str(), Some(PREFIX));
            for (key, value) in file {
                if !["main", "assets", "vars"].contains(&key.as_str()) {
                    assert_eq!(made[&key], value, "{key}");
                }
            }
        }
    }

    #[test]
    fn another_installation_shares_nothing_with_it() {
        let [usual, other] = [None, Some("other")].map(configs);
        let names = |[public, private]: &[Table; 2]| {
            let mut names: BTreeSet<String> = [
                &public["name"],
                &public["vars"][INSTALLATION],
                &public["r2_buckets"][0]["bucket_name"],
                &public["services"][0]["service"],
                &private["r2_buckets"][0]["bucket_name"],
                &private["vectorize"][0]["index_name"],
            ]
            .map(|name| name.as_str().unwrap().to_owned())
            .into();
            let limits = public["ratelimits"].as_array().unwrap();
            names.extend(limits.iter().map(|it| it["namespace_id"].as_str().unwrap().to_owned()));
            names
        };
        let [usual, other] = [usual, other].map(|configs| names(&configs));
        assert_eq!(usual.len(), 10);
        assert_eq!(other.len(), 10);
        assert!(usual.is_disjoint(&other), "{usual:?} {other:?}");
        assert!(other.iter().filter_map(|it| it.parse::<i32>().ok()).all(|number| number > 0));
    }

    #[test]
    fn names_that_could_meet_are_refused() {
        for name in ["", "a-b", "A", "ä", "vectorize", "abcdefghijklmnopqrstu", "a b"] {
            assert!(Installation::of(Some(name)).is_err(), "{name}");
        }
        let other = Installation::of(Some("models")).unwrap();
        assert_eq!(other.models_bucket(), "cface-models-models");
    }
}
