//! The Vectorize index, and how it shows that it is ours: by its description.

use facenet::embedding::DIMENSIONS;
use serde_json::{Value, json};

use super::{Api, Found};
use crate::curl::Body;

/// The metric of the index. The thresholds of the verdict are distances by it.
pub(crate) const METRIC: &str = "euclidean";

const PATH: &str = "/vectorize/v2/indexes";

/// The description of an index of ours.
fn description(installation: &str) -> String {
    format!("Faces of the CFace installation {installation}")
}

/// Whose an index is, and whether it fits.
pub(crate) fn look(api: &Api, name: &str, installation: &str) -> anyhow::Result<Found<()>> {
    let what = format!("looking for the Vectorize index {name}");
    let Some(reply) = api.find(&what, &format!("{PATH}/{name}"))? else {
        return Ok(Found::Missing);
    };
    Ok(judge(name, installation, &reply.result))
}

fn judge(name: &str, installation: &str, index: &Value) -> Found<()> {
    let config = index.get("config");
    let dimensions = config.and_then(|config| config.get("dimensions")?.as_u64());
    let metric = config.and_then(|config| config.get("metric")?.as_str()).unwrap_or("unknown");
    if dimensions != Some(DIMENSIONS as u64) || metric != METRIC {
        let dimensions = dimensions.map_or("?".into(), |dimensions| dimensions.to_string());
        return Found::Foreign(format!(
            "the Vectorize index {name} has {dimensions} dimensions and the metric {metric}, not \
             {DIMENSIONS} and {METRIC}"
        ));
    }
    if index.get("description").and_then(Value::as_str) != Some(&description(installation)) {
        return Found::Foreign(format!(
            "the Vectorize index {name} was not made by CFace (its description does not say so)"
        ));
    }
    Found::Ours(())
}

/// Makes the index.
pub(crate) fn create(api: &Api, name: &str, installation: &str) -> anyhow::Result<()> {
    let body = json!({
        "name": name,
        "description": description(installation),
        "config": { "dimensions": DIMENSIONS, "metric": METRIC },
    });
    let what = format!("creating the Vectorize index {name}");
    api.change(&what, "POST", PATH, Body::Text(body.to_string())).map(drop)
}

/// Removes the index with all vectors.
pub(crate) fn remove(api: &Api, name: &str) -> anyhow::Result<()> {
    api.remove(&format!("removing the Vectorize index {name}"), &format!("{PATH}/{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_index_that_fits_and_says_so_is_ours() {
        let of = |dimensions: u64, metric: &str, description: &str| {
            let config = json!({ "dimensions": dimensions, "metric": metric });
            judge("i", "cface", &json!({ "config": config, "description": description }))
        };
        let own = description("cface");
        assert_eq!(of(512, METRIC, &own), Found::Ours(()));
        for (found, reason) in [
            (of(128, METRIC, &own), "has 128 dimensions"),
            (of(512, "cosine", &own), "the metric cosine"),
            (of(512, METRIC, ""), "was not made by CFace"),
            (of(512, METRIC, &description("cface-other")), "was not made by CFace"),
        ] {
            let Found::Foreign(why) = found else { panic!("{reason}: {found:?}") };
            assert!(why.contains(reason), "{why}");
        }
    }
}
