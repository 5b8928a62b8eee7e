//! R2 over the API: buckets and their objects.

use hyper::Method;
use serde_json::{Value, json};

use crate::account::{Account, Bucket};
use crate::answer::{Answer, Outcome, Refusal, TIME};
use crate::call::Call;

/// Buckets, and objects, on a page unless more are asked for.
const PAGE: usize = 20;

/// Buckets, and objects, that one answer may list, and keys that one request may delete.
const PAGE_MAX: usize = 1000;

/// Where a bucket can be.
const LOCATIONS: [&str; 6] = ["apac", "eeur", "enam", "oc", "weur", "wnam"];

pub(crate) fn answer(account: &mut Account, call: &Call, path: &[&str]) -> Outcome {
    if !account.r2_enabled {
        let message = "Please enable R2 through the Cloudflare Dashboard.";
        return Err(Refusal::new(403, 10042, message));
    }
    match (&call.method, path) {
        (&Method::GET, []) => list_buckets(account, call),
        (&Method::POST, []) => create(account, call),
        (&Method::GET, [name]) => bucket(account, name).map(|it| Answer::of(&describe(name, it))),
        (&Method::DELETE, [name]) => {
            if !bucket(account, name)?.objects.is_empty() {
                let message = "The bucket you tried to delete is not empty.";
                return Err(Refusal::new(409, 10008, message));
            }
            account.buckets.remove(*name);
            Ok(Answer::of(&json!({})))
        }
        (&Method::GET, [name, "objects"]) => list_objects(bucket(account, name)?, call),
        (&Method::DELETE, [name, "objects"]) => delete_objects(bucket(account, name)?, call),
        (_, [name, "objects", key @ ..]) => object(bucket(account, name)?, call, &key.join("/")),
        _ => call.no_route(),
    }
}

fn bucket<'a>(account: &'a mut Account, name: &str) -> Result<&'a mut Bucket, Refusal> {
    let missing = || Refusal::new(404, 10006, "The specified bucket does not exist.");
    account.buckets.get_mut(name).ok_or_else(missing)
}

fn describe(name: &str, bucket: &Bucket) -> Value {
    json!({
        "name": name,
        "creation_date": TIME,
        "location": bucket.location.as_deref().unwrap_or("WEUR"),
        "storage_class": "Standard",
    })
}

fn list_buckets(account: &Account, call: &Call) -> Outcome {
    let per_page = call.per_page(PAGE, PAGE_MAX)?;
    let after = call.query.get("cursor").map_or("", String::as_str);
    let mut later = account.buckets.iter().filter(|(name, _)| name.as_str() > after);
    let page: Vec<_> = later.by_ref().take(per_page).collect();
    let cursor = later.next().and(page.last()).map(|(name, _)| *name);
    let buckets: Vec<Value> = page.iter().map(|(name, bucket)| describe(name, bucket)).collect();
    let info = json!({ "per_page": per_page, "cursor": cursor });
    Ok(Answer::page(&json!({ "buckets": buckets }), &info))
}

fn create(account: &mut Account, call: &Call) -> Outcome {
    let body = call.json()?;
    let name = body.get("name").and_then(Value::as_str).unwrap_or_default();
    let ends = |name: &str| !name.starts_with('-') && !name.ends_with('-');
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !(3..=63).contains(&name.len()) || !ends(name) || !name.chars().all(allowed) {
        return Err(Refusal::new(400, 10005, "The specified bucket name is not valid."));
    }
    let location = body.get("locationHint").and_then(Value::as_str);
    if location.is_some_and(|location| !LOCATIONS.contains(&location)) {
        return Err(Refusal::new(400, 10001, "The specified location is not valid."));
    }
    if account.buckets.contains_key(name) {
        let message = "The bucket you tried to create already exists, and you own it.";
        return Err(Refusal::new(409, 10004, message));
    }
    let bucket = Bucket { location: location.map(str::to_owned), ..Bucket::default() };
    let answer = Answer::of(&describe(name, &bucket));
    account.buckets.insert(name.to_owned(), bucket);
    Ok(answer)
}

fn list_objects(bucket: &Bucket, call: &Call) -> Outcome {
    let per_page = call.per_page(PAGE, PAGE_MAX)?;
    let text = |name: &str| call.query.get(name).map_or("", String::as_str);
    let (prefix, after) = (text("prefix"), text("cursor"));
    let chosen = |key: &str| key.starts_with(prefix) && key > after;
    let mut later = bucket.objects.iter().filter(|(key, _)| chosen(key));
    let page: Vec<_> = later.by_ref().take(per_page).collect();
    let cursor = later.next().and(page.last()).map_or("", |(key, _)| key.as_str());
    let objects: Vec<Value> = page
        .iter()
        .map(|(key, bytes)| json!({ "key": key, "size": bytes.len(), "last_modified": TIME }))
        .collect();
    let info =
        json!({ "per_page": per_page, "cursor": cursor, "is_truncated": !cursor.is_empty() });
    Ok(Answer::page(&Value::Array(objects), &info))
}

fn delete_objects(bucket: &mut Bucket, call: &Call) -> Outcome {
    let body = call.json()?;
    let keys: Option<Vec<&str>> =
        body.as_array().and_then(|keys| keys.iter().map(Value::as_str).collect());
    let keys = keys.ok_or_else(|| Refusal::bad_request("the body is no list of keys"))?;
    if !(1..=PAGE_MAX).contains(&keys.len()) {
        return Err(Refusal::new(400, 10027, "The number of keys must be 1 to 1000."));
    }
    for key in &keys {
        bucket.objects.remove(*key);
    }
    let deleted: Vec<Value> = keys.iter().map(|key| json!({ "key": key })).collect();
    Ok(Answer::of(&Value::Array(deleted)))
}

fn object(bucket: &mut Bucket, call: &Call, key: &str) -> Outcome {
    match call.method {
        Method::GET => {
            let missing = || Refusal::new(404, 10007, "The specified key does not exist.");
            bucket.objects.get(key).cloned().map(Answer::object).ok_or_else(missing)
        }
        Method::PUT => {
            let size = call.body.len();
            bucket.objects.insert(key.to_owned(), call.body.to_vec());
            Ok(Answer::of(&json!({ "key": key, "size": size.to_string(), "uploaded": TIME })))
        }
        Method::DELETE => {
            bucket.objects.remove(key);
            Ok(Answer::of(&json!({ "key": key })))
        }
        _ => call.no_route(),
    }
}
