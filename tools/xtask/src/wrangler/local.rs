//! The configurations of the three Workers on a developer's machine, made from those of
//! production. A local one differs in its paths, which are absolute so that it can be put anywhere,
//! and in this: the public Worker is told its weights and has other rate limits; the private
//! Worker's index is the stand-in, because Vectorize has no local emulation; and it has no cron
//! triggers, because wrangler fires none by itself and would say so at length. `cargo xtask cron`
//! fires them.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use facenet::record::Weights;
use toml::{Table, Value};

use super::{MODEL, WEIGHTS, name};
use crate::project;

/// What the file with a Worker's configuration is called.
pub(crate) const CONFIG: &str = "wrangler.toml";

/// A rate limit that nobody reaches by hand, and no test by accident.
const GENEROUS_LIMIT: i64 = 1_000_000;

/// The public Worker's configuration for a model's weights, with its code at `main`.
pub(crate) fn public(mut config: Table, weights: &Weights, main: &Path) -> anyhow::Result<Table> {
    set_variable(&mut config, MODEL, weights.model())?;
    set_variable(&mut config, WEIGHTS, &weights.to_string())?;
    let assets = config.get_mut("assets").and_then(|assets| assets.get_mut("directory"));
    let assets = assets.context("no folder of assets in wrangler.toml")?;
    *assets = absolute(Path::new(assets.as_str().context("the folder of assets is no text")?))?;
    with_main(config, main)
}

/// The private Worker's configuration with its code at `main`, and with the Worker `index` in the
/// place of Vectorize.
pub(crate) fn private(mut config: Table, index: &str, main: &Path) -> anyhow::Result<Table> {
    config.remove("triggers").context("no triggers in the private configuration")?;
    let indexes = config.remove("vectorize").context("no index in the private configuration")?;
    let indexes = indexes.as_array().context("the indexes are no list")?;
    let services = config.entry("services").or_insert_with(|| Value::Array(Vec::new()));
    let services = services.as_array_mut().context("the services are no list")?;
    for vectorize in indexes {
        let binding = vectorize.get("binding").context("an index without a binding")?;
        let service = [("binding".to_owned(), binding.clone()), ("service".into(), index.into())];
        services.push(Value::Table(service.into_iter().collect()));
    }
    with_main(config, main)
}

/// A configuration with its code at `main`.
pub(crate) fn with_main(mut config: Table, main: &Path) -> anyhow::Result<Table> {
    config.insert("main".into(), absolute(main)?);
    Ok(config)
}

/// The folder for what wrangler knows of a Worker on this machine, below the server's.
pub(crate) fn folder(state: &Path, config: &Table) -> anyhow::Result<PathBuf> {
    Ok(state.join(name(config)?))
}

/// Gives one of the variables that wrangler.toml has another value.
pub(crate) fn set_variable(config: &mut Table, name: &str, value: &str) -> anyhow::Result<()> {
    let vars = config.get_mut("vars").and_then(Value::as_table_mut);
    let variable = vars.and_then(|vars| vars.get_mut(name));
    *variable.with_context(|| format!("wrangler.toml has no variable {name}"))? = value.into();
    Ok(())
}

/// Replaces the rate limits by some that never apply.
pub(crate) fn make_generous(config: &mut Table) -> anyhow::Result<()> {
    let limits = config.get_mut("ratelimits").and_then(Value::as_array_mut);
    for limit in limits.context("no rate limits in wrangler.toml")? {
        let simple = limit.get_mut("simple").and_then(Value::as_table_mut);
        simple
            .context("a rate limit without `simple`")?
            .insert("limit".into(), GENEROUS_LIMIT.into());
    }
    Ok(())
}

/// A path, relative to the clone or not, as wrangler finds it from anywhere.
fn absolute(path: &Path) -> anyhow::Result<Value> {
    let absolute = project::root().join(path);
    Ok(absolute.to_str().context("the clone's path is not UTF-8")?.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wrangler::{INDEX_CONFIG, PRIVATE_CONFIG, PUBLIC_CONFIG, config};

    const MAIN: &str = "a/build/index.js";

    #[test]
    fn only_limits_weights_and_paths_of_the_public_worker_differ() {
        let production = config(PUBLIC_CONFIG).unwrap();
        let weights = Weights::new("other", [7; 32].into());
        let mut local = public(production.clone(), &weights, Path::new(MAIN)).unwrap();
        make_generous(&mut local).unwrap();
        let limits = |config: &Table| config["ratelimits"].as_array().unwrap().clone();
        for (before, after) in limits(&production).iter().zip(limits(&local)) {
            assert_eq!(before["name"], after["name"]);
            assert!(before["simple"]["limit"].as_integer() < after["simple"]["limit"].as_integer());
        }
        assert!(Path::new(local["main"].as_str().unwrap()).is_absolute());
        assert_eq!(local["vars"][MODEL].as_str(), Some("other"));
        assert_eq!(local["vars"][WEIGHTS].as_str(), Some(&*weights.to_string()));
        for key in ["ratelimits", "main", "vars"] {
            local.insert(key.into(), production[key].clone());
        }
        local["assets"]["directory"] = production["assets"]["directory"].clone();
        assert_eq!(local, production);
    }

    #[test]
    fn only_variables_that_there_are_can_be_set() {
        let mut public = config(PUBLIC_CONFIG).unwrap();
        set_variable(&mut public, "ACCESS", "private").unwrap();
        assert_eq!(public["vars"]["ACCESS"].as_str(), Some("private"));
        let error = set_variable(&mut public, "ACESS", "private").unwrap_err().to_string();
        assert!(error.contains("ACESS"), "{error}");
    }

    #[test]
    fn only_index_triggers_and_path_of_the_private_worker_differ() {
        let production = config(PRIVATE_CONFIG).unwrap();
        let index = config(INDEX_CONFIG).unwrap();
        let index = name(&index).unwrap();
        let mut local = private(production.clone(), index, Path::new(MAIN)).unwrap();
        let services = local.remove("services").unwrap();
        let [service] = services.as_array().unwrap().as_slice() else { panic!("{services:?}") };
        assert_eq!(service["service"].as_str(), Some(index));
        assert_eq!(service["binding"], production["vectorize"][0]["binding"]);
        assert!(Path::new(local["main"].as_str().unwrap()).is_absolute());
        for key in ["vectorize", "triggers", "main"] {
            local.insert(key.into(), production[key].clone());
        }
        assert_eq!(local, production);
    }
}
