//! The upload of a Worker: its modules, and what it is bound to. Each is checked as Cloudflare
//! does before it takes the Worker.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::account::{Account, Migrated, Version};
use crate::answer::Refusal;
use crate::call::{Call, Part};

/// Bytes of all modules at most.
const MODULES_BYTES_MAX: usize = 64 << 20;

/// How a WebAssembly module begins.
const WASM_MAGIC: &[u8] = b"\0asm";

/// Bytes of a variable's value at most.
const VARIABLE_BYTES_MAX: usize = 5 << 10;

/// An upload that Cloudflare would take.
pub(crate) struct Upload {
    pub(crate) version: Version,
    pub(crate) migrated: Migrated,
}

/// Checks an upload for the Worker `name`.
pub(crate) fn check(account: &mut Account, call: &Call, name: &str) -> Result<Upload, Refusal> {
    let parts = call.parts.as_deref().unwrap_or_default();
    let metadata = parts.iter().find(|part| part.name == "metadata");
    let metadata = metadata.and_then(|part| serde_json::from_slice(&part.bytes).ok());
    let metadata: Value = metadata.ok_or_else(|| Refusal::bad_request("no metadata"))?;
    let modules = modules(parts, &metadata)?;
    let migrated = migrate(account, name, &metadata)?;
    let bindings = metadata.get("bindings").and_then(Value::as_array);
    let mut bindings = bindings.cloned().unwrap_or_default();
    for binding in &bindings {
        check_binding(account, &migrated, binding)?;
    }
    let names: BTreeSet<&str> = bindings.iter().filter_map(|it| it.get("name")?.as_str()).collect();
    if names.len() != bindings.len() {
        return Err(Refusal::new(400, 10021, "binding names must be there and unique"));
    }
    // Secrets stay with the Worker.
    let before = account.workers.get(name).and_then(|worker| worker.versions.last());
    let secrets = before.into_iter().flat_map(|version| &version.bindings);
    let secrets = secrets.filter(|it| it.get("type").is_some_and(|kind| kind == "secret_text"));
    let secrets = secrets.filter(|it| it["name"].as_str().is_some_and(|it| !names.contains(it)));
    let secrets: Vec<Value> = secrets.cloned().collect();
    bindings.extend(secrets);
    check_limits(account, &migrated, &metadata)?;
    let assets = match metadata.get("assets").and_then(|assets| assets.get("jwt")) {
        None => BTreeMap::new(),
        Some(token) => {
            let paths = token.as_str().and_then(|token| account.assets.of(token));
            let refuse = || Refusal::new(400, 10100, "the assets are not all uploaded");
            paths.ok_or_else(refuse)?.clone()
        }
    };
    let version = Version { id: account.new_id(), bindings, modules, assets, metadata };
    Ok(Upload { version, migrated })
}

fn modules(parts: &[Part], metadata: &Value) -> Result<BTreeMap<String, (String, usize)>, Refusal> {
    let refuse = |message: String| Refusal::new(400, 10021, message);
    let main = metadata.get("main_module").and_then(Value::as_str).unwrap_or_default();
    let files = parts.iter().filter(|part| part.name != "metadata");
    let modules: BTreeMap<String, (String, usize)> = files
        .clone()
        .map(|part| (part.name.clone(), (part.media_type.clone(), part.bytes.len())))
        .collect();
    if modules.get(main).is_none_or(|(kind, _)| kind != "application/javascript+module") {
        return Err(refuse(format!("No such module: `{main}`")));
    }
    let damaged =
        |part: &&Part| part.media_type == "application/wasm" && !part.bytes.starts_with(WASM_MAGIC);
    if let Some(part) = files.clone().find(damaged) {
        return Err(refuse(format!("`{}` is no WebAssembly", part.name)));
    }
    if files.map(|part| part.bytes.len()).sum::<usize>() > MODULES_BYTES_MAX {
        return Err(Refusal::new(413, 10027, "Your Worker exceeded the size limit of 64 MiB"));
    }
    Ok(modules)
}

/// The Durable Objects after the migrations that come with an upload.
fn migrate(account: &Account, name: &str, metadata: &Value) -> Result<Migrated, Refusal> {
    let before = account.workers.get(name).map(|worker| worker.migrated.clone());
    let mut migrated = before.unwrap_or_default();
    let Some(migrations) = metadata.get("migrations") else { return Ok(migrated) };
    let text = |key: &str| migrations.get(key).and_then(Value::as_str).map(str::to_owned);
    if text("old_tag") != migrated.tag {
        let message = format!(
            "Migration tag precondition failed; expected {:?}, got {:?}",
            text("old_tag"),
            migrated.tag
        );
        return Err(Refusal::new(412, 10079, message));
    }
    for step in migrations.get("steps").and_then(Value::as_array).into_iter().flatten() {
        let classes = step.get("new_sqlite_classes").and_then(Value::as_array);
        for class in classes.into_iter().flatten().filter_map(Value::as_str) {
            if !migrated.classes.insert(class.to_owned()) {
                let message = format!("Cannot apply new-class migration to class {class}");
                return Err(Refusal::new(400, 10074, message));
            }
        }
    }
    migrated.tag = text("new_tag");
    Ok(migrated)
}

/// Whether what a binding names is there.
fn check_binding(account: &Account, migrated: &Migrated, binding: &Value) -> Result<(), Refusal> {
    let text = |key: &str| binding.get(key).and_then(Value::as_str).unwrap_or_default();
    let name = text("name");
    let refusal = match text("type") {
        "plain_text" if text("text").len() <= VARIABLE_BYTES_MAX => None,
        "r2_bucket" => {
            let bucket = text("bucket_name");
            let message = format!(
                "R2 bucket '{bucket}' not found. Please use a different name and try again."
            );
            (!account.buckets.contains_key(bucket)).then_some((10085, message))
        }
        "vectorize" => {
            let index = text("index_name");
            let message = format!(
                "Vectorize binding '{name}' references index '{index}' which was not found."
            );
            (!account.indexes.contains_key(index)).then_some((10159, message))
        }
        "service" => {
            let service = text("service");
            let message = format!(
                "Could not resolve service binding '{name}'. Target script '{service}' not found."
            );
            (!account.workers.contains_key(service)).then_some((10143, message))
        }
        "durable_object_namespace" => {
            let class = text("class_name");
            let message = format!(
                "Cannot create binding for class '{class}' because it is not currently \
                 configured to implement Durable Objects."
            );
            (!migrated.classes.contains(class)).then_some((10061, message))
        }
        "ratelimit" => {
            let simple = |key: &str| binding.get("simple").and_then(|it| it.get(key)?.as_u64());
            let id: Option<u64> = text("namespace_id").parse().ok().filter(|id| *id > 0);
            let right = id.is_some()
                && simple("limit").is_some_and(|limit| limit > 0)
                && matches!(simple("period"), Some(10 | 60));
            (!right).then(|| (10021, format!("the rate limit '{name}' is not valid")))
        }
        kind => Some((10021, format!("the binding '{name}' of the type '{kind}' is not valid"))),
    };
    refusal.map_or(Ok(()), |(code, message)| Err(Refusal::new(400, code, message)))
}

/// What depends on the plan and the account.
fn check_limits(account: &Account, migrated: &Migrated, metadata: &Value) -> Result<(), Refusal> {
    let cpu_ms = metadata.get("limits").and_then(|limits| limits.get("cpu_ms"));
    if cpu_ms.is_some() && !account.paid {
        let message = "CPU limits are not supported for the Free plan.";
        return Err(Refusal::new(400, 100_328, message));
    }
    if account.subdomain.is_none() && !migrated.classes.is_empty() {
        return Err(no_subdomain());
    }
    Ok(())
}

/// The account has no name below workers.dev.
pub(crate) fn no_subdomain() -> Refusal {
    let message = "You need a workers.dev subdomain in order to proceed. Please go to the \
                   dashboard and open the Workers menu.";
    Refusal::new(400, 10063, message)
}

/// A secret as versions list it.
pub(crate) fn secret(name: &str) -> Value {
    json!({ "name": name, "type": "secret_text" })
}
