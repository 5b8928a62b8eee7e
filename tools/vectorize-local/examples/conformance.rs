//! Runs the conformance tests against an index and prints how each went:
//!
//! ```sh
//! cargo run -p vectorize-local --example conformance                  # the core, in this process
//! cargo run -p vectorize-local --example conformance -- --url http://127.0.0.1:8787
//! cargo run -p vectorize-local --example conformance -- --remote      # an index of Cloudflare
//! ```
//!
//! `--url` is a running `vectorize-local`; its dimensions and metric are read from `DIMENSIONS`
//! and `METRIC` (24 and euclidean if unset), as is the case everywhere here. `--remote` speaks the
//! HTTP API of Cloudflare, and needs `CLOUDFLARE_ACCOUNT_ID`, `CLOUDFLARE_API_TOKEN` (with the
//! permission to edit Vectorize) and `VECTORIZE_INDEX`. Make the index for this alone:
//!
//! ```sh
//! wrangler vectorize create conformance --dimensions=24 --metric=euclidean
//! wrangler vectorize create-metadata-index conformance --property-name=city --type=string
//! wrangler vectorize create-metadata-index conformance --property-name=year --type=number
//! wrangler vectorize create-metadata-index conformance --property-name=sold --type=boolean
//! wrangler vectorize create-metadata-index conformance --property-name=artist.name --type=string
//! ```
//!
//! Cloudflare applies writes within minutes, and every test waits for its own: expect two hours.
//! What the tests leave behind goes with `wrangler vectorize delete conformance`.
#![expect(clippy::print_stdout, reason = "a program")]

use std::env::{args, var};
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use ureq::Agent;
use vectorize_local::config::Config;
use vectorize_local::conformance::{self, METADATA_INDEXES, Method, Native, Outcome, Target};
use vectorize_local::fault::Fault;

type Error = Box<dyn std::error::Error>;

fn main() -> Result<ExitCode, Error> {
    let or = |name: &str, default: &str| var(name).unwrap_or_else(|_| default.to_owned());
    let config =
        Config::read(&or("DIMENSIONS", "24"), &or("METRIC", "euclidean"), METADATA_INDEXES)?;
    let arguments: Vec<String> = args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let target: Box<dyn Target> = match arguments[..] {
        [] => Box::new(Native::new(config.clone())),
        ["--url", url] => Box::new(Local { agent: agent(), url: url.to_owned() }),
        ["--remote"] => Box::new(Remote::from_environment()?),
        _ => return Err("usage: conformance [--url URL | --remote]".into()),
    };
    let run = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs().to_string();
    let outcomes = conformance::run(&*target, &config, &run);
    for (name, outcome) in &outcomes {
        println!("{name}: {outcome:?}");
    }
    let count = |wanted: fn(&Outcome) -> bool| outcomes.iter().filter(|(_, it)| wanted(it)).count();
    let failed = count(|it| matches!(it, Outcome::Failed(_)));
    let skipped = count(|it| matches!(it, Outcome::Skipped));
    println!("{} tests, {failed} failed, {skipped} skipped", outcomes.len());
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Refusals are answers.
fn agent() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_mins(1)))
        .build()
        .into()
}

/// The stand-in in workerd, by the binding.
struct Local {
    agent: Agent,
    url: String,
}

impl Local {
    fn post(&self, body: &Value) -> Result<Value, ureq::Error> {
        let url = format!("{}/call", self.url.trim_end_matches('/'));
        self.agent.post(url).send_json(body)?.body_mut().read_json()
    }
}

impl Target for Local {
    fn call(&self, method: Method, arguments: &[Value]) -> Result<Value, Fault> {
        let call = json!({"method": method, "args": arguments});
        let answer = self.post(&call).map_err(|error| Fault::new(error.to_string()))?;
        Fault::of_call(answer)
    }

    fn pause(&self) {
        std::thread::sleep(Duration::from_millis(20));
    }

    fn is_binding(&self) -> bool {
        true
    }
}

/// An index of Cloudflare, by its HTTP API.
struct Remote {
    agent: Agent,
    /// With the name of the index.
    url: String,
    authorization: String,
}

impl Remote {
    fn from_environment() -> Result<Self, Error> {
        let need = |name: &str| var(name).map_err(|_| format!("{name} is not set"));
        let (account, index) = (need("CLOUDFLARE_ACCOUNT_ID")?, need("VECTORIZE_INDEX")?);
        // Another address is of use only to test this program.
        let api = var("CLOUDFLARE_API_BASE_URL")
            .unwrap_or_else(|_| "https://api.cloudflare.com/client/v4".to_owned());
        Ok(Self {
            agent: agent(),
            url: format!("{api}/accounts/{account}/vectorize/v2/indexes/{index}"),
            authorization: format!("Bearer {}", need("CLOUDFLARE_API_TOKEN")?),
        })
    }

    fn request(&self, method: Method, arguments: &[Value]) -> Result<Value, ureq::Error> {
        let first = arguments.first().unwrap_or(&Value::Null);
        let path = match method {
            Method::Describe => "info",
            // The binding's own request for it, which the API does not document.
            Method::Query | Method::QueryById => "query",
            Method::Insert => "insert",
            Method::Upsert => "upsert",
            Method::GetByIds => "get_by_ids",
            Method::DeleteByIds => "delete_by_ids",
        };
        let url = format!("{}/{path}", self.url);
        let post = || self.agent.post(&url).header("authorization", &self.authorization);
        let mut response = match method {
            Method::Describe => {
                self.agent.get(&url).header("authorization", &self.authorization).call()?
            }
            Method::Insert | Method::Upsert => {
                let lines: Vec<String> =
                    first.as_array().into_iter().flatten().map(Value::to_string).collect();
                post().content_type("application/x-ndjson").send(lines.join("\n"))?
            }
            Method::GetByIds | Method::DeleteByIds => post().send_json(json!({ "ids": first }))?,
            Method::Query | Method::QueryById => {
                let mut body = arguments.get(1).cloned().unwrap_or_else(|| json!({}));
                let key = if method == Method::Query { "vector" } else { "vectorId" };
                body[key] = first.clone();
                post().send_json(body)?
            }
        };
        response.body_mut().read_json()
    }
}

impl Target for Remote {
    fn call(&self, method: Method, arguments: &[Value]) -> Result<Value, Fault> {
        let mut answer = self
            .request(method, arguments)
            .map_err(|error| Fault::new(format!("no answer: {error}")))?;
        if answer["success"] == true {
            return Ok(answer["result"].take());
        }
        let error = &answer["errors"][0];
        let text = error["message"].as_str().unwrap_or("refused without a reason");
        Err(Fault {
            code: error["code"].as_u64().and_then(|code| u32::try_from(code).ok()),
            error: text.to_owned(),
        })
    }

    fn pause(&self) {
        std::thread::sleep(Duration::from_secs(3));
    }

    fn is_binding(&self) -> bool {
        false
    }
}
