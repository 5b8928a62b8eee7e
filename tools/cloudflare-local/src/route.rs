//! Which request goes where, and who may send it.

use hyper::Method;
use serde_json::{Value, json};

use crate::account::{Account, Permission};
use crate::answer::{Answer, Outcome, Refusal};
use crate::call::Call;
use crate::{assets, r2, scripts, vectorize};

/// Carries a request out.
pub(crate) fn answer(account: &mut Account, call: &Call) -> Outcome {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    // Uploads of assets bring a token of their session.
    if let ["accounts", id, "workers", "assets", "upload"] = path.as_slice() {
        return if *id == account.id { assets::upload(account, call) } else { call.no_route() };
    }
    if call.token != account.token {
        return Err(Refusal::new(403, 9109, "Invalid access token"));
    }
    match path.as_slice() {
        ["memberships"] => memberships(account, call),
        ["accounts", id, rest @ ..] => {
            if *id != account.id {
                return Err(Refusal::forbidden());
            }
            let Some(permission) = permission(rest) else { return call.no_route() };
            if account.forbidden.contains(&permission) {
                return Err(Refusal::forbidden());
            }
            of_account(account, call, rest)
        }
        _ => call.no_route(),
    }
}

fn permission(path: &[&str]) -> Option<Permission> {
    match path.first() {
        Some(&"r2") => Some(Permission::R2),
        Some(&"vectorize") => Some(Permission::Vectorize),
        Some(&"workers") => Some(Permission::Workers),
        _ => None,
    }
}

fn of_account(account: &mut Account, call: &Call, path: &[&str]) -> Outcome {
    match path {
        ["r2", "buckets", rest @ ..] => r2::answer(account, call, rest),
        ["vectorize", "v2", "indexes", rest @ ..] => vectorize::answer(account, call, rest),
        ["workers", "subdomain"] if call.method == Method::GET => {
            let name = account.subdomain.as_ref();
            let missing = "You do not have a workers.dev subdomain.";
            let name = name.ok_or_else(|| Refusal::new(404, 10007, missing))?;
            Ok(Answer::of(&json!({ "subdomain": name })))
        }
        ["workers", "services", name] => scripts::service(account, call, name),
        ["workers", "scripts"] if call.method == Method::GET => Ok(scripts::list(account)),
        ["workers", "scripts", name, "assets-upload-session"] if call.method == Method::POST => {
            assets::begin(account, call, name)
        }
        ["workers", "scripts", name, rest @ ..] => scripts::answer(account, call, name, rest),
        _ => call.no_route(),
    }
}

fn memberships(account: &Account, call: &Call) -> Outcome {
    if call.method != Method::GET {
        return call.no_route();
    }
    if account.forbidden.contains(&Permission::Memberships) {
        return Err(Refusal::new(403, 9109, "Unauthorized to access requested resource"));
    }
    let list: Vec<Value> = account
        .memberships
        .iter()
        .map(|(id, name)| json!({ "status": "accepted", "account": { "id": id, "name": name } }))
        .collect();
    let info = json!({ "page": 1, "per_page": 20, "total_count": list.len() });
    Ok(Answer::page(&Value::Array(list), &info))
}
