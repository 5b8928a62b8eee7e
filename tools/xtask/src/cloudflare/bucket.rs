//! R2 buckets, and how one shows that it is ours: by an object in it. An empty bucket of that name
//! is taken too, because a run that broke off may have left it, and nobody loses anything by it.

use std::path::Path;

use serde_json::{Value, json};

use super::{Api, Found};
use crate::curl::Body;

/// The object that says whose a bucket is. Its key comes after the ids of all faces, which the
/// private Worker lists up to the first key of another form.
pub(crate) const MARK: &str = "installation.json";

/// Objects that are listed and removed at once.
const PAGE: usize = 1000;

/// A bucket that is ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ours {
    /// Whether it says so already.
    pub(crate) is_marked: bool,
}

/// Whose a bucket is.
pub(crate) fn look(api: &Api, name: &str, installation: &str) -> anyhow::Result<Found<Ours>> {
    let what = format!("looking for the R2 bucket {name}");
    if api.find(&what, &path(name))?.is_none() {
        return Ok(Found::Missing);
    }
    match object(api, name, MARK)? {
        Some(mark) => {
            let mark: Value = serde_json::from_str(&mark).unwrap_or_default();
            let owner = mark.get("installation").and_then(Value::as_str).unwrap_or("another one");
            Ok(if owner == installation {
                Found::Ours(Ours { is_marked: true })
            } else {
                Found::Foreign(format!("the bucket {name} belongs to the installation {owner}"))
            })
        }
        None if keys(api, name, "", 1)?.0.is_empty() => Ok(Found::Ours(Ours { is_marked: false })),
        None => Ok(Found::Foreign(format!(
            "the bucket {name} holds files that CFace has not put there (it has no {MARK})"
        ))),
    }
}

fn path(name: &str) -> String {
    format!("/r2/buckets/{name}")
}

/// Makes a bucket, near a place or near whoever makes it.
pub(crate) fn create(api: &Api, name: &str, location: Option<&str>) -> anyhow::Result<()> {
    let mut body = json!({ "name": name });
    if let (Some(body), Some(location)) = (body.as_object_mut(), location) {
        body.insert("locationHint".into(), location.into());
    }
    let what = format!("creating the R2 bucket {name}");
    api.change(&what, "POST", "/r2/buckets", Body::Text(body.to_string())).map(drop)
}

/// Writes into a bucket that it is ours.
pub(crate) fn mark(api: &Api, name: &str, installation: &str) -> anyhow::Result<()> {
    let text = json!({ "installation": installation, "made_by": "cargo xtask deploy" });
    let what = format!("marking the R2 bucket {name} as ours");
    put(api, &what, name, MARK, Body::Text(text.to_string()))
}

/// Uploads a file.
pub(crate) fn upload(api: &Api, name: &str, key: &str, file: &Path) -> anyhow::Result<()> {
    put(api, &format!("uploading {key}"), name, key, Body::File(file.to_owned()))
}

/// Stores an object. Its key has nothing that an address may not have.
pub(crate) fn put(api: &Api, what: &str, name: &str, key: &str, body: Body) -> anyhow::Result<()> {
    api.change(what, "PUT", &format!("{}/objects/{key}", path(name)), body).map(drop)
}

/// A small object that is a text, if it is there.
pub(crate) fn object(api: &Api, name: &str, key: &str) -> anyhow::Result<Option<String>> {
    api.text(&format!("looking for {key} in {name}"), &format!("{}/objects/{key}", path(name)))
}

/// The keys with a prefix, at most so many, and whether there are more.
pub(crate) fn keys(
    api: &Api,
    name: &str,
    prefix: &str,
    max: usize,
) -> anyhow::Result<(Vec<String>, bool)> {
    let what = format!("listing the objects of {name}");
    let mut found = Vec::new();
    let mut query = String::new();
    loop {
        let page = max.min(PAGE);
        let list = format!("{}/objects?per_page={page}&prefix={prefix}{query}", path(name));
        let Some(reply) = api.find(&what, &list)? else { break };
        let objects = reply.result.as_array().into_iter().flatten();
        found.extend(objects.filter_map(|it| it.get("key")?.as_str().map(str::to_owned)));
        match reply.cursor {
            Some(_) if found.len() >= max => return Ok((found, true)),
            Some(cursor) => query = format!("&cursor={}", encoded(&cursor)),
            None => break,
        }
    }
    Ok((found, false))
}

/// A text as a value in an address.
fn encoded(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    text.bytes()
        .map(|byte| if plain(&byte) { char::from(byte).into() } else { format!("%{byte:02X}") })
        .collect()
}

/// Removes objects.
pub(crate) fn remove_objects(
    api: &Api,
    what: &str,
    name: &str,
    keys: &[String],
) -> anyhow::Result<()> {
    for page in keys.chunks(PAGE) {
        let body = Body::Text(json!(page).to_string());
        api.change(what, "DELETE", &format!("{}/objects", path(name)), body)?;
    }
    Ok(())
}

/// Removes a bucket with all that is in it. The object that says that it is ours goes last, so that
/// a removal that breaks off can be repeated.
pub(crate) fn remove(api: &Api, name: &str) -> anyhow::Result<()> {
    loop {
        let (mut page, more) = keys(api, name, "", PAGE)?;
        page.retain(|key| key != MARK);
        if page.is_empty() && !more {
            break;
        }
        let what = format!("removing {} objects of {name}", page.len());
        remove_objects(api, &what, name, &page)?;
    }
    remove_objects(api, &format!("removing {MARK} of {name}"), name, &[MARK.into()])?;
    api.remove(&format!("removing the R2 bucket {name}"), &path(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_comes_after_all_faces() {
        assert!(wire::faces::is_id(&"f".repeat(32)) && MARK > "f".repeat(32).as_str());
    }

    #[test]
    fn cursors_are_encoded() {
        assert_eq!(encoded("a-Z_0.~"), "a-Z_0.~");
        assert_eq!(encoded("a/b+c="), "a%2Fb%2Bc%3D");
    }
}
