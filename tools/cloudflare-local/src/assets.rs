//! The static assets of Workers: what is announced, what is missing, and what comes.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::account::{Account, File};
use crate::answer::{Answer, Outcome, Refusal};
use crate::call::Call;

/// Files that one request uploads.
const BUCKET: usize = 40;

/// Bytes of a file at most.
const FILE_BYTES_MAX: u64 = 25 << 20;

/// Begins a session: tells which of the announced files are not there yet.
pub(crate) fn begin(account: &mut Account, call: &Call, worker: &str) -> Outcome {
    let body = call.json()?;
    let manifest = manifest(&body)?;
    let missing = account.assets.missing(&manifest);
    let token = format!("session.{worker}.{}", account.new_id());
    if missing.is_empty() {
        let token = account.assets.complete(token, &manifest);
        return Ok(Answer::of(&json!({ "jwt": token, "buckets": [] })));
    }
    let buckets: Vec<&[String]> = missing.chunks(BUCKET).collect();
    let answer = Answer::of(&json!({ "jwt": token, "buckets": buckets })).with_status(201);
    account.assets.sessions.insert(token, manifest);
    Ok(answer)
}

fn manifest(body: &Value) -> Result<BTreeMap<String, File>, Refusal> {
    let refuse = |what: &str| Refusal::bad_request(format!("the manifest of assets: {what}"));
    let entries = body.get("manifest").and_then(Value::as_object);
    let entries = entries.ok_or_else(|| refuse("none"))?;
    let file = |(path, entry): (&String, &Value)| {
        let hash = entry.get("hash").and_then(Value::as_str).unwrap_or_default();
        let size = entry.get("size").and_then(Value::as_u64).unwrap_or(u64::MAX);
        let hexadecimal = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        if !path.starts_with('/') || hash.len() != 32 || !hash.chars().all(hexadecimal) {
            return Err(refuse(path));
        }
        if size > FILE_BYTES_MAX {
            return Err(refuse(&format!("{path} is too large")));
        }
        Ok((path.clone(), File { hash: hash.to_owned(), size }))
    };
    entries.iter().map(file).collect()
}

/// Takes files of a session.
pub(crate) fn upload(account: &mut Account, call: &Call) -> Outcome {
    let session = account.assets.sessions.get(&call.token);
    let manifest = session.ok_or_else(Refusal::forbidden)?.clone();
    let is_encoded = call.query.get("base64").is_some_and(|value| value == "true");
    let parts = call.parts.as_ref().filter(|parts| is_encoded && !parts.is_empty());
    let parts = parts.ok_or_else(|| Refusal::bad_request("no files in base64"))?;
    for part in parts {
        let announced = manifest.values().find(|file| file.hash == part.name);
        let announced =
            announced.ok_or_else(|| Refusal::bad_request(format!("{} is unknown", part.name)))?;
        let bytes = STANDARD.decode(&part.bytes);
        let bytes = bytes.map_err(|error| Refusal::bad_request(error.to_string()))?;
        if bytes.len() as u64 != announced.size {
            return Err(Refusal::bad_request(format!("{} has another size", part.name)));
        }
    }
    account.assets.stored.extend(parts.iter().map(|part| part.name.clone()));
    if !account.assets.missing(&manifest).is_empty() {
        return Ok(Answer::of(&json!({ "jwt": null })).with_status(202));
    }
    let token = format!("complete.{}", account.new_id());
    let token = account.assets.complete(token, &manifest);
    Ok(Answer::of(&json!({ "jwt": token })).with_status(201))
}
