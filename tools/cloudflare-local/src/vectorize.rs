//! Vectorize over the API: indexes, without their vectors.

use hyper::Method;
use serde_json::{Value, json};

use crate::account::{Account, Index};
use crate::answer::{Answer, Outcome, Refusal, TIME};
use crate::call::Call;

/// Numbers in a vector at most.
const DIMENSIONS_MAX: u64 = 1536;

/// How vectors can be compared.
const METRICS: [&str; 3] = ["cosine", "dot-product", "euclidean"];

pub(crate) fn answer(account: &mut Account, call: &Call, path: &[&str]) -> Outcome {
    match (&call.method, path) {
        (&Method::GET, []) => {
            let all = account.indexes.iter().map(|(name, index)| describe(name, index));
            Ok(Answer::of(&Value::Array(all.collect())))
        }
        (&Method::POST, []) => create(account, call),
        (&Method::GET, [name]) => {
            let index = account.indexes.get(*name).ok_or_else(|| missing(name))?;
            Ok(Answer::of(&describe(name, index)))
        }
        (&Method::DELETE, [name]) => {
            account.indexes.remove(*name).ok_or_else(|| missing(name))?;
            Ok(Answer::of(&Value::Null))
        }
        _ => call.no_route(),
    }
}

fn missing(name: &str) -> Refusal {
    Refusal::new(404, 3000, format!("vectorize.index.not_found - Index name \"{name}\""))
}

fn describe(name: &str, index: &Index) -> Value {
    json!({
        "name": name,
        "description": index.description,
        "created_on": TIME,
        "modified_on": TIME,
        "config": { "dimensions": index.dimensions, "metric": index.metric },
    })
}

fn create(account: &mut Account, call: &Call) -> Outcome {
    let body = call.json()?;
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let name = text(body.get("name")).unwrap_or_default();
    if !(1..=64).contains(&name.len()) || !name.chars().all(allowed) {
        return Err(Refusal::new(400, 40003, "vectorize.index.name_invalid"));
    }
    let config = body.get("config");
    let dimensions = config.and_then(|config| config.get("dimensions")?.as_u64());
    let dimensions = dimensions.filter(|dimensions| (1..=DIMENSIONS_MAX).contains(dimensions));
    let metric = text(config.and_then(|config| config.get("metric")));
    let metric = metric.filter(|metric| METRICS.contains(&metric.as_str()));
    let (Some(dimensions), Some(metric)) = (dimensions, metric) else {
        return Err(Refusal::new(400, 40002, "vectorize.index.config_invalid"));
    };
    if account.indexes.contains_key(&name) {
        let message = format!("vectorize.index.duplicate_name - Index name \"{name}\"");
        return Err(Refusal::new(409, 3002, message));
    }
    let description = text(body.get("description")).unwrap_or_default();
    let index = Index { dimensions, metric, description };
    let answer = Answer::of(&describe(&name, &index));
    account.indexes.insert(name, index);
    Ok(answer)
}
