//! Cloudflare's API: who asks, for which account, and what its refusals mean. Wrangler bundles and
//! uploads Workers. Everything else is done here, where refusals have numbers and lists are whole.

pub(crate) mod bucket;
pub(crate) mod index;
pub(crate) mod installed;
pub(crate) mod worker;

use std::fmt;

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::curl::{Answer, Body, Request};
use crate::progress::Step;
use crate::wrangler;

/// Where the API is, unless the variable says otherwise that wrangler knows too.
const BASE: &str = "https://api.cloudflare.com/client/v4";
const BASE_VARIABLE: &str = "CLOUDFLARE_API_BASE_URL";

/// The variable that names the account, for wrangler too.
pub(crate) const ACCOUNT_VARIABLE: &str = "CLOUDFLARE_ACCOUNT_ID";

/// The variable that can hold a token, for wrangler too.
const TOKEN_VARIABLE: &str = "CLOUDFLARE_API_TOKEN";

/// How long a request may take: an upload of 28 MB over 1 Mbit/s takes four minutes.
const REQUEST_S_MAX: u32 = 600;

const LOGIN: &str = "Log in with `node_modules/.bin/wrangler login`, or set CLOUDFLARE_API_TOKEN \
                     and CLOUDFLARE_ACCOUNT_ID";

const REPEAT: &str = "Is the network there? Run this again when it is: what was done already is \
                      not done twice";

/// An account, and a login for it.
pub(crate) struct Api {
    base: String,
    account: String,
    headers: Vec<String>,
}

/// What came back from a request.
pub(crate) struct Reply {
    pub(crate) result: Value,
    /// Where the next page begins.
    pub(crate) cursor: Option<String>,
}

/// Why Cloudflare does not do what it was asked for.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: u16,
    code: u64,
    message: String,
}

impl Refusal {
    /// Whether what was asked for is not there.
    fn is_missing(&self) -> bool {
        match self.code {
            // A bucket; an object or a Worker; a service; an index that is not there any more.
            10006 | 10007 | 10090 | 3005 => true,
            // An index that never was. Other faults share the number.
            3000 => self.message.contains("not_found"),
            _ => false,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [code: {}, status: {}]", self.message, self.code, self.status)
    }
}

impl Api {
    /// The login that wrangler has, or the variables, and the account that they choose.
    pub(crate) fn login() -> anyhow::Result<Self> {
        let base = std::env::var(BASE_VARIABLE).unwrap_or_else(|_| BASE.into());
        let mut api = Self { base, account: String::new(), headers: credentials()? };
        let told = std::env::var(ACCOUNT_VARIABLE).ok().filter(|account| !account.is_empty());
        // Wrangler lets the file count before the variable.
        api.account = match configured_account()?.or(told) {
            Some(account) => account,
            None => api.only_account()?,
        };
        Ok(api)
    }

    /// The account's id.
    pub(crate) fn account(&self) -> &str {
        &self.account
    }

    /// The account, if the login reaches just one.
    fn only_account(&self) -> anyhow::Result<String> {
        let what = "listing your accounts";
        let list = match self.request(what, "GET", "/memberships", Body::Nothing)? {
            Ok(reply) => reply.result,
            Err(refusal) => bail!(
                "{what} failed: {refusal}. {LOGIN}: the number is in the address of the dashboard"
            ),
        };
        let account = |entry: &Value| {
            let text = |key: &str| entry.get("account")?.get(key)?.as_str().map(str::to_owned);
            Some((text("id")?, text("name").unwrap_or_default()))
        };
        let accounts: Vec<_> = list.as_array().into_iter().flatten().filter_map(account).collect();
        match accounts.as_slice() {
            [(id, _)] => Ok(id.clone()),
            [] => bail!("the login reaches no account. {LOGIN}"),
            several => {
                let lines = several.iter().map(|(id, name)| format!("\n  {id}  {name}"));
                bail!(
                    "the login reaches several accounts. Set {ACCOUNT_VARIABLE} to one of them:{}",
                    lines.collect::<String>()
                )
            }
        }
    }

    /// What is at a path of the account; none if nothing is.
    pub(crate) fn find(&self, what: &str, path: &str) -> anyhow::Result<Option<Reply>> {
        match self.request(what, "GET", &self.of_account(path), Body::Nothing)? {
            Ok(reply) => Ok(Some(reply)),
            Err(refusal) if refusal.is_missing() => Ok(None),
            Err(refusal) => Err(self.advise(what, path, &refusal)),
        }
    }

    /// The text of an object at a path of the account; none if it is not there.
    fn text(&self, what: &str, path: &str) -> anyhow::Result<Option<String>> {
        let answer = self.send(what, "GET", &self.of_account(path), Body::Nothing)?;
        if answer.status == 200 {
            return Ok(Some(answer.body));
        }
        match reply(what, &answer)? {
            Err(refusal) if !refusal.is_missing() => Err(self.advise(what, path, &refusal)),
            _ => Ok(None),
        }
    }

    /// Changes something in the account, as a step that the user sees.
    pub(crate) fn change(
        &self,
        what: &str,
        method: &str,
        path: &str,
        body: Body,
    ) -> anyhow::Result<Reply> {
        let step = Step::begin(what);
        let reply = self.request(what, method, &self.of_account(path), body)?;
        let reply = reply.map_err(|refusal| self.advise(what, path, &refusal))?;
        step.done();
        Ok(reply)
    }

    /// Removes something from the account. It is no fault when it is gone already.
    pub(crate) fn remove(&self, what: &str, path: &str) -> anyhow::Result<()> {
        let step = Step::begin(what);
        match self.request(what, "DELETE", &self.of_account(path), Body::Nothing)? {
            Err(refusal) if !refusal.is_missing() => Err(self.advise(what, path, &refusal)),
            _ => {
                step.done();
                Ok(())
            }
        }
    }

    fn of_account(&self, path: &str) -> String {
        format!("/accounts/{}{path}", self.account)
    }

    fn send(&self, what: &str, method: &str, path: &str, body: Body) -> anyhow::Result<Answer> {
        let mut headers = self.headers.clone();
        let kind = if let Body::Text(_) = body { "application/json" } else { BYTES };
        headers.push(format!("content-type: {kind}"));
        let url = format!("{}{path}", self.base);
        let request = Request {
            what,
            method,
            url: &url,
            headers: &headers,
            body,
            seconds_max: REQUEST_S_MAX,
            hint: REPEAT,
            shows_errors: true,
        };
        request.send()
    }

    fn request(
        &self,
        what: &str,
        method: &str,
        path: &str,
        body: Body,
    ) -> anyhow::Result<Result<Reply, Refusal>> {
        reply(what, &self.send(what, method, path, body)?)
    }

    /// An error that says what to do about a refusal.
    fn advise(&self, what: &str, path: &str, refusal: &Refusal) -> anyhow::Error {
        let advice = advice(refusal.code, &self.account)
            .or_else(|| (refusal.status == 401 || refusal.status == 403).then(|| permission(path)))
            .unwrap_or_else(|| "Run this again; nothing is done twice".into());
        anyhow::anyhow!("{what} failed: {refusal}. {advice}")
    }
}

/// Takes an answer apart.
fn reply(what: &str, answer: &Answer) -> anyhow::Result<Result<Reply, Refusal>> {
    let Answer { status, body, .. } = answer;
    let envelope = serde_json::from_str::<Value>(body).ok();
    let envelope = envelope.filter(|it| it.get("success").is_some_and(Value::is_boolean));
    let envelope = envelope.with_context(|| {
        format!("{what}: Cloudflare answers {status} in an unknown form. Run this again later")
    })?;
    if envelope.get("success") == Some(&Value::Bool(true)) {
        let cursor = envelope.get("result_info").and_then(|info| info.get("cursor")?.as_str());
        let cursor = cursor.filter(|cursor| !cursor.is_empty()).map(str::to_owned);
        let result = envelope.get("result").cloned().unwrap_or_default();
        return Ok(Ok(Reply { result, cursor }));
    }
    let error = envelope.get("errors").and_then(|errors| errors.get(0));
    let code = error.and_then(|error| error.get("code")?.as_u64()).unwrap_or_default();
    let message = error.and_then(|error| error.get("message")?.as_str());
    let message = message.unwrap_or("no reason given").to_owned();
    Ok(Err(Refusal { status: *status, code, message }))
}

/// The media type of objects.
const BYTES: &str = "application/octet-stream";

/// What to do about a refusal whose number says enough.
pub(crate) fn advice(code: u64, account: &str) -> Option<String> {
    let dashboard = format!("https://dash.cloudflare.com/{account}");
    match code {
        10042 => Some(format!(
            "R2 is not switched on in this account: open {dashboard}/r2 once and agree to its \
             plan, then run this again"
        )),
        10063 => Some(no_subdomain(account)),
        100_328 => Some(format!(
            "The account is on the Workers Free plan, which has too little time for a face: \
             choose Workers Paid at {dashboard}/workers/plans, then run this again"
        )),
        _ => None,
    }
}

/// What to do when the account has no name below workers.dev.
pub(crate) fn no_subdomain(account: &str) -> String {
    format!(
        "The account has no name below workers.dev, without which there are no addresses and no \
         cron triggers: open https://dash.cloudflare.com/{account}/workers/onboarding once and \
         choose one, then run this again"
    )
}

/// What a login lacks that is refused at a path.
fn permission(path: &str) -> String {
    let lacking = match path.split('/').nth(1) {
        Some("r2") => "Workers R2 Storage: Edit",
        Some("vectorize") => "Vectorize: Edit",
        _ => "Workers Scripts: Edit",
    };
    format!(
        "The login is not for this account, or lacks the permission `{lacking}`: an API token \
         needs `Workers Scripts: Edit`, `Workers R2 Storage: Edit` and `Vectorize: Edit` of this \
         account. {LOGIN}"
    )
}

/// The account that wrangler.toml names, if it does.
fn configured_account() -> anyhow::Result<Option<String>> {
    let config = wrangler::config(wrangler::PUBLIC_CONFIG)?;
    Ok(config.get(wrangler::ACCOUNT).and_then(toml::Value::as_str).map(str::to_owned))
}

/// The lines of a request that say who asks. Wrangler knows, and renews a login when it must.
fn credentials() -> anyhow::Result<Vec<String>> {
    if let Ok(token) = std::env::var(TOKEN_VARIABLE)
        && !token.is_empty()
    {
        return Ok(vec![format!("authorization: Bearer {token}")]);
    }
    let login = wrangler::remote("asking wrangler for its login");
    let login = login.args(["auth", "token", "--json"]).output()?;
    let login: Value = serde_json::from_str(&login).context("reading wrangler's login")?;
    let text = |key: &str| login.get(key).and_then(Value::as_str);
    match (text("token"), text("key"), text("email")) {
        (Some(token), ..) => Ok(vec![format!("authorization: Bearer {token}")]),
        (_, Some(key), Some(email)) => {
            Ok(vec![format!("x-auth-key: {key}"), format!("x-auth-email: {email}")])
        }
        _ => bail!("wrangler has no login. {LOGIN}"),
    }
}

/// Whose a thing in the account is that has a name of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found<T> {
    Missing,
    Ours(T),
    /// Somebody else's, and how that shows: a sentence without its end.
    Foreign(String),
}

impl<T> Found<T> {
    /// What is ours, if it is there.
    pub(crate) fn ours(&self) -> Option<&T> {
        match self {
            Self::Ours(found) => Some(found),
            Self::Missing | Self::Foreign(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_there_counts_as_missing() {
        let refusal = |code, message: &str| Refusal { status: 404, code, message: message.into() };
        assert!(refusal(10006, "The specified bucket does not exist.").is_missing());
        assert!(refusal(3000, "vectorize.index.not_found - Index name \"x\"").is_missing());
        assert!(!refusal(3000, "vectorize.unavailable").is_missing());
        assert!(!refusal(10000, "Authentication error").is_missing());
    }

    #[test]
    fn a_lacking_permission_is_named() {
        assert!(permission("/r2/buckets/x").contains("lacks the permission `Workers R2 Storage"));
        assert!(permission("/vectorize/v2/indexes").contains("lacks the permission `Vectorize"));
        assert!(permission("/workers/subdomain").contains("lacks the permission `Workers Scripts"));
    }
}
