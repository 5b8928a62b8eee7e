//! Workers over the API: services, scripts, versions, deployments, secrets and triggers.

use hyper::Method;
use serde_json::{Value, json};

use crate::account::{Account, Deployment, Subdomain, Version, Worker};
use crate::answer::{Answer, Outcome, Refusal, TIME};
use crate::call::Call;
use crate::upload::{self, Upload};

/// Deployments that are listed.
const DEPLOYMENTS_LISTED: usize = 10;

pub(crate) fn service(account: &mut Account, call: &Call, name: &str) -> Outcome {
    let missing = || Refusal::new(404, 10090, "workers.api.error.service_not_found");
    let worker = account.workers.get(name).ok_or_else(missing)?;
    match call.method {
        Method::GET => Ok(Answer::of(&json!({
            "id": name,
            "default_environment": {
                "environment": "production",
                "script": describe(name, worker),
            },
        }))),
        Method::DELETE => {
            let forced = call.query.get("force").is_some_and(|value| value == "true");
            let needs = |(other, worker): (&String, &Worker)| {
                let bindings = worker.deployed().into_iter().flat_map(|version| &version.bindings);
                let mut services = bindings.filter_map(|binding| binding.get("service")?.as_str());
                other != name && services.any(|service| service == name)
            };
            if !forced && account.workers.iter().any(needs) {
                let message = "Cannot delete this Worker as another Worker is bound to it.";
                return Err(Refusal::new(400, 10064, message));
            }
            account.workers.remove(name);
            Ok(Answer::of(&Value::Null))
        }
        _ => call.no_route(),
    }
}

fn describe(name: &str, worker: &Worker) -> Value {
    json!({
        "id": name,
        "tag": format!("tag-of-{name}"),
        "tags": worker.settings.get("tags").cloned().unwrap_or_else(|| json!([])),
        "migration_tag": worker.migrated.tag,
        "last_deployed_from": "wrangler",
    })
}

pub(crate) fn list(account: &Account) -> Answer {
    let all = account.workers.iter().map(|(name, worker)| describe(name, worker));
    Answer::of(&Value::Array(all.collect()))
}

pub(crate) fn answer(account: &mut Account, call: &Call, name: &str, path: &[&str]) -> Outcome {
    if let (&Method::PUT, []) = (&call.method, path) {
        return put(account, call, name);
    }
    let missing = || Refusal::new(404, 10007, "This Worker does not exist on your account.");
    if !account.workers.contains_key(name) {
        return Err(missing());
    }
    match (&call.method, path) {
        (&Method::POST, ["versions"]) => return add_version(account, call, name),
        (&Method::PUT, ["secrets"]) => return put_secret(account, call, name),
        (&Method::DELETE, ["secrets", secret]) => return delete_secret(account, name, secret),
        (&Method::POST, ["deployments"]) => return deploy(account, call, name),
        (&Method::PUT, ["schedules"]) if account.subdomain.is_none() => {
            return Err(upload::no_subdomain());
        }
        _ => (),
    }
    let worker = account.workers.get_mut(name).ok_or_else(missing)?;
    match (&call.method, path) {
        (&Method::GET, ["settings"]) => Ok(settings(worker)),
        (&Method::GET, ["secrets"]) => {
            let secret = |it: &&Value| it.get("type").is_some_and(|kind| kind == "secret_text");
            let latest = worker.versions.last();
            let bindings = latest.into_iter().flat_map(|version| &version.bindings);
            let all: Vec<&Value> = bindings.filter(secret).collect();
            Ok(Answer::of(&json!(all)))
        }
        (&Method::GET, ["versions", id]) => {
            let number = worker.versions.iter().position(|version| version.id == *id);
            let number = number.ok_or_else(|| Refusal::new(404, 10041, "No such version."))?;
            let version = worker.versions.get(number).map(|version| version.json(number + 1));
            Ok(Answer::of(&version.unwrap_or_default()))
        }
        (&Method::GET, ["deployments"]) => {
            let listed = worker.deployments.iter().take(DEPLOYMENTS_LISTED).map(deployment);
            Ok(Answer::of(&json!({ "deployments": listed.collect::<Vec<_>>() })))
        }
        (&Method::PATCH, ["script-settings"]) => {
            worker.settings = call.json()?;
            Ok(Answer::of(&worker.settings))
        }
        (&Method::GET, ["subdomain"]) => Ok(subdomain(worker.subdomain)),
        (&Method::POST, ["subdomain"]) => set_subdomain(worker, call),
        (&Method::GET, ["schedules"]) => Ok(schedules(worker)),
        (&Method::PUT, ["schedules"]) => set_schedules(worker, call),
        _ => call.no_route(),
    }
}

/// The first upload of a Worker, or one with migrations. It is deployed at once.
fn put(account: &mut Account, call: &Call, name: &str) -> Outcome {
    let Upload { version, migrated } = upload::check(account, call, name)?;
    let id = version.id.clone();
    let worker = account.workers.entry(name.to_owned()).or_default();
    worker.migrated = migrated;
    worker.versions.push(version);
    release(account, name, id.clone());
    Ok(Answer::of(&json!({
        "id": name,
        "etag": id,
        "startup_time_ms": 20,
        "deployment_id": id.replace('-', ""),
    })))
}

fn add_version(account: &mut Account, call: &Call, name: &str) -> Outcome {
    let Upload { version, .. } = upload::check(account, call, name)?;
    if version.metadata.get("migrations").is_some() {
        return Err(Refusal::new(400, 10211, "migrations must be fully applied by a deployment"));
    }
    let worker = account.workers.entry(name.to_owned()).or_default();
    let answer = Answer::of(&version.json(worker.versions.len() + 1));
    worker.versions.push(version);
    Ok(answer)
}

/// Deploys a version of a Worker to all requests.
fn release(account: &mut Account, name: &str, version: String) {
    let id = account.new_id();
    if let Some(worker) = account.workers.get_mut(name) {
        worker.deployments.insert(0, Deployment { id, versions: vec![(version, 100)] });
    }
}

fn deploy(account: &mut Account, call: &Call, name: &str) -> Outcome {
    let body = call.json()?;
    let refuse = |message: &str| Refusal::new(400, 10001, message);
    let list = body.get("versions").and_then(Value::as_array);
    let list = list.ok_or_else(|| refuse("no versions"))?;
    let known = account.workers.get(name).map(|worker| worker.versions.as_slice());
    let versions: Option<Vec<(String, u64)>> = list
        .iter()
        .map(|version| {
            let id = version.get("version_id")?.as_str()?;
            let is_known = known?.iter().any(|version| version.id == id);
            is_known.then_some((id.to_owned(), version.get("percentage")?.as_u64()?))
        })
        .collect();
    let versions = versions.ok_or_else(|| refuse("no such version"))?;
    if versions.iter().map(|(_, percentage)| percentage).sum::<u64>() != 100 {
        return Err(refuse("the percentages must add up to 100"));
    }
    let new = Deployment { id: account.new_id(), versions };
    let answer = Answer::of(&deployment(&new));
    if let Some(worker) = account.workers.get_mut(name) {
        worker.deployments.insert(0, new);
    }
    Ok(answer)
}

fn deployment(deployment: &Deployment) -> Value {
    let versions = deployment.versions.iter();
    let versions: Vec<Value> = versions
        .map(|(id, percentage)| json!({ "version_id": id, "percentage": percentage }))
        .collect();
    json!({
        "id": deployment.id,
        "source": "wrangler",
        "strategy": "percentage",
        "author_email": "somebody@example.org",
        "created_on": TIME,
        "versions": versions,
    })
}

fn settings(worker: &Worker) -> Answer {
    let bindings = worker.versions.last().map(|version| &version.bindings);
    Answer::of(&json!({
        "bindings": bindings,
        "tags": worker.settings.get("tags"),
        "observability": worker.settings.get("observability"),
    }))
}

/// Changes the secrets of a Worker: a new version, which is deployed at once.
fn change_secrets(
    account: &mut Account,
    name: &str,
    change: impl FnOnce(&mut Vec<Value>),
) -> Result<(), Refusal> {
    let worker = account.workers.get(name);
    let latest = worker.and_then(|worker| worker.versions.last()).cloned();
    let latest = latest.ok_or_else(|| Refusal::new(404, 10007, "There is no version."))?;
    let deployed = worker.and_then(Worker::deployed).is_some_and(|it| it.id == latest.id);
    if !deployed {
        let message = "Secret edit failed: the latest version is not deployed.";
        return Err(Refusal::new(400, 10215, message));
    }
    let mut version = Version { id: account.new_id(), ..latest };
    change(&mut version.bindings);
    let id = version.id.clone();
    if let Some(worker) = account.workers.get_mut(name) {
        worker.versions.push(version);
    }
    release(account, name, id);
    Ok(())
}

fn put_secret(account: &mut Account, call: &Call, name: &str) -> Outcome {
    let body = call.json()?;
    let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
    if text("type") != "secret_text" || text("name").is_empty() || text("text").is_empty() {
        return Err(Refusal::new(400, 10021, "a secret needs a name and a text"));
    }
    let secret = upload::secret(text("name"));
    change_secrets(account, name, |bindings| {
        bindings.retain(|it| it.get("name") != secret.get("name"));
        bindings.push(secret.clone());
    })?;
    Ok(Answer::of(&secret))
}

fn delete_secret(account: &mut Account, name: &str, secret: &str) -> Outcome {
    let secret = upload::secret(secret);
    let latest = account.workers.get(name).and_then(|worker| worker.versions.last());
    if !latest.is_some_and(|version| version.bindings.contains(&secret)) {
        return Err(Refusal::new(404, 10056, "There is no such secret."));
    }
    change_secrets(account, name, |bindings| bindings.retain(|it| *it != secret))?;
    Ok(Answer::of(&Value::Null))
}

fn subdomain(subdomain: Subdomain) -> Answer {
    let Subdomain { enabled, previews_enabled } = subdomain;
    Answer::of(&json!({ "enabled": enabled, "previews_enabled": previews_enabled }))
}

fn set_subdomain(worker: &mut Worker, call: &Call) -> Outcome {
    let body = call.json()?;
    let enabled = body.get("enabled").and_then(Value::as_bool);
    let enabled = enabled.ok_or_else(|| Refusal::bad_request("`enabled` is missing"))?;
    let previews = body.get("previews_enabled").and_then(Value::as_bool);
    // Unless told otherwise, previews follow the address.
    let previews_enabled = previews.unwrap_or(enabled);
    worker.subdomain = Subdomain { enabled, previews_enabled };
    Ok(subdomain(worker.subdomain))
}

fn schedules(worker: &Worker) -> Answer {
    let all = worker.schedules.iter();
    let all: Vec<Value> = all.map(|cron| json!({ "cron": cron, "created_on": TIME })).collect();
    Answer::of(&json!({ "schedules": all }))
}

fn set_schedules(worker: &mut Worker, call: &Call) -> Outcome {
    let body = call.json()?;
    let crons = body.as_array().and_then(|list| {
        list.iter().map(|it| it.get("cron")?.as_str().map(str::to_owned)).collect()
    });
    let crons: Vec<String> = crons.ok_or_else(|| Refusal::bad_request("no list of crons"))?;
    if crons.iter().any(|cron| cron.split(' ').count() != 5) {
        return Err(Refusal::new(400, 10100, "invalid cron string"));
    }
    worker.schedules = crons;
    Ok(schedules(worker))
}
