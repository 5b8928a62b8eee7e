//! The Workers, as they are deployed, and how one shows that it is ours: by a variable.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde_json::Value;

use super::{Api, Found, no_subdomain};
use crate::wrangler::installation::INSTALLATION;

/// The variable of a Worker that says from what it was made.
pub(crate) const RELEASE: &str = "RELEASE";

/// A Worker of ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Deployed {
    /// The variables of what is deployed, newest deployment first.
    pub(crate) variables: Vec<BTreeMap<String, String>>,
    /// Its cron triggers.
    pub(crate) crons: Vec<String>,
    /// Whether it has an address below workers.dev.
    pub(crate) has_address: bool,
}

impl Deployed {
    /// Whether all that was looked at was made from the same.
    pub(crate) fn is_release(&self, id: &str) -> bool {
        let is = |it: &BTreeMap<String, String>| it.get(RELEASE).is_some_and(|own| own == id);
        !self.variables.is_empty() && self.variables.iter().all(is)
    }
}

fn path(name: &str) -> String {
    format!("/workers/scripts/{name}")
}

/// Whose a Worker is, and what is deployed of it, in the last `deployments` deployments, the newest
/// first.
pub(crate) fn look(
    api: &Api,
    name: &str,
    installation: &str,
    deployments: usize,
) -> anyhow::Result<Found<Deployed>> {
    let what = format!("looking for the Worker {name}");
    let Some(list) = api.find(&what, &format!("{}/deployments", path(name)))? else {
        return Ok(Found::Missing);
    };
    let mut versions = Vec::new();
    let list = list.result.get("deployments").and_then(Value::as_array).cloned();
    for deployment in list.unwrap_or_default().iter().take(deployments) {
        let parts = deployment.get("versions").and_then(Value::as_array).into_iter().flatten();
        for id in parts.filter_map(|version| version.get("version_id")?.as_str()) {
            let version = api.find(&what, &format!("{}/versions/{id}", path(name)))?;
            versions.push(version.map(|version| variables(&version.result)).unwrap_or_default());
        }
    }
    let owner = versions.first().and_then(|variables| variables.get(INSTALLATION));
    if owner.is_none_or(|owner| owner != installation) {
        return Ok(Found::Foreign(format!("the Worker {name} was not deployed by CFace")));
    }
    let gone = || format!("the Worker {name} went away meanwhile; run this again");
    let schedules = api.find(&what, &format!("{}/schedules", path(name)))?.with_context(gone)?;
    let subdomain = api.find(&what, &format!("{}/subdomain", path(name)))?.with_context(gone)?;
    let schedules = schedules.result.get("schedules").and_then(Value::as_array).cloned();
    let schedules = schedules.unwrap_or_default();
    let crons = schedules.iter().filter_map(|it| it.get("cron")?.as_str().map(str::to_owned));
    Ok(Found::Ours(Deployed {
        variables: versions,
        crons: crons.collect(),
        has_address: subdomain.result.get("enabled") == Some(&Value::Bool(true)),
    }))
}

/// The variables of a version.
fn variables(version: &Value) -> BTreeMap<String, String> {
    let bindings = version.get("resources").and_then(|resources| resources.get("bindings"));
    let bindings = bindings.and_then(Value::as_array).into_iter().flatten();
    let variables = bindings.filter(|it| it.get("type").is_some_and(|kind| kind == "plain_text"));
    let pair = |it: &Value| {
        let text = |key: &str| it.get(key)?.as_str().map(str::to_owned);
        Some((text("name")?, text("text")?))
    };
    variables.filter_map(pair).collect()
}

/// The account's name below workers.dev.
pub(crate) fn subdomain(api: &Api) -> anyhow::Result<String> {
    let reply = api.find("looking for the name below workers.dev", "/workers/subdomain")?;
    let name = reply.as_ref().and_then(|reply| reply.result.get("subdomain")?.as_str());
    Ok(name.with_context(|| no_subdomain(api.account()))?.to_owned())
}

/// Removes a Worker with its Durable Objects, secrets and triggers, unless another Worker needs it.
pub(crate) fn remove(api: &Api, name: &str) -> anyhow::Result<()> {
    let what = format!("removing the Worker {name}");
    api.remove(&what, &format!("/workers/services/{name}?force=false"))
}
