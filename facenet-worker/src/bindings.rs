//! The names in wrangler.toml under which the runtime binds what this Worker uses.

/// R2 bucket with the records of weights.
pub(crate) const MODELS: &str = "MODELS";

/// The name of that bucket in the usual installation.
pub(crate) const MODELS_BUCKET: &str = wire::installation::MODELS_BUCKET;

/// Durable Object namespace of [`FaceNetShard1`](crate::FaceNetShard1).
pub(crate) const FACENET_SHARD1: &str = "FACENET_SHARD1";

/// Durable Object namespace of [`FaceNetShard2`](crate::FaceNetShard2).
pub(crate) const FACENET_SHARD2: &str = "FACENET_SHARD2";

/// Service binding to `cface-vectorize`.
pub(crate) const VECTORIZE_WORKER: &str = "VECTORIZE_WORKER";

/// Variable: the prefix of the names of this installation's Workers, buckets and index.
pub(crate) const INSTALLATION: &str = "INSTALLATION";

/// Variable: the name of the model whose records are in [`MODELS`].
pub(crate) const MODEL: &str = "MODEL";

/// Variable: what the keys of that model's records begin with. Every deployment names its own, so
/// that an older one finds its weights again.
pub(crate) const WEIGHTS: &str = "WEIGHTS";

/// Variable: how many objects of each shard serve a region; one if it is missing.
pub(crate) const REPLICAS: &str = "REPLICAS";

/// Variable: origins, with commas, whose pages may use the API; `*` for all.
pub(crate) const ALLOWED_ORIGINS: &str = "ALLOWED_ORIGINS";

/// Rate limit: embeddings of a caller, over all routes.
pub(crate) const EMBEDDINGS_PER_CALLER: &str = "EMBEDDINGS_PER_CALLER";

/// Rate limit: embeddings of the callers of a network.
pub(crate) const EMBEDDINGS_PER_NETWORK: &str = "EMBEDDINGS_PER_NETWORK";

/// Rate limit: embeddings of all callers.
pub(crate) const EMBEDDINGS_IN_ALL: &str = "EMBEDDINGS_IN_ALL";

/// Rate limit: faces that a caller enrols.
pub(crate) const ENROLMENTS_PER_CALLER: &str = "ENROLMENTS_PER_CALLER";

/// Rate limit: what a caller reads and deletes.
pub(crate) const READS_PER_CALLER: &str = "READS_PER_CALLER";

/// Variable: who may search and enrol; see [`Access`](crate::access::Access).
pub(crate) const ACCESS: &str = "ACCESS";

/// Variable: where people can report a face, a mail or web address; nothing if it is empty.
pub(crate) const REPORT_ADDRESS: &str = "REPORT_ADDRESS";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use toml::{Table, Value};
    use wire::limits::RATE_LIMIT_PERIOD_S;

    use super::*;

    fn config() -> Table {
        include_str!("../../wrangler.toml").parse().unwrap()
    }

    /// The values under `key` in the entries of a list.
    #[track_caller]
    fn all<'a>(list: &'a Value, key: &str) -> BTreeSet<&'a str> {
        list.as_array().unwrap().iter().map(|entry| entry[key].as_str().unwrap()).collect()
    }

    #[test]
    fn wrangler_toml_binds_these_names_and_no_others() {
        let config = config();
        assert_eq!(all(&config["r2_buckets"], "binding"), [MODELS].into());
        assert_eq!(all(&config["r2_buckets"], "bucket_name"), [MODELS_BUCKET].into());
        assert_eq!(all(&config["services"], "binding"), [VECTORIZE_WORKER].into());
        let objects = &config["durable_objects"]["bindings"];
        assert_eq!(all(objects, "name"), [FACENET_SHARD1, FACENET_SHARD2].into());
        let limits = [
            EMBEDDINGS_PER_CALLER,
            EMBEDDINGS_PER_NETWORK,
            EMBEDDINGS_IN_ALL,
            ENROLMENTS_PER_CALLER,
            READS_PER_CALLER,
        ];
        assert_eq!(all(&config["ratelimits"], "name"), limits.into());
        let variables: BTreeSet<_> = config["vars"].as_table().unwrap().keys().collect();
        let expected =
            [INSTALLATION, MODEL, WEIGHTS, REPLICAS, ALLOWED_ORIGINS, ACCESS, REPORT_ADDRESS]
                .map(str::to_owned);
        assert_eq!(variables, expected.iter().collect());
    }

    #[test]
    fn each_shard_has_the_class_of_its_name() {
        let config = config();
        let objects = config["durable_objects"]["bindings"].as_array().unwrap();
        for (name, class) in [(FACENET_SHARD1, "FaceNetShard1"), (FACENET_SHARD2, "FaceNetShard2")]
        {
            let binding = objects.iter().find(|binding| binding["name"].as_str() == Some(name));
            assert_eq!(binding.unwrap()["class_name"].as_str(), Some(class));
        }
    }

    #[test]
    fn every_rate_limit_has_the_period_that_callers_are_told() {
        for limit in config()["ratelimits"].as_array().unwrap() {
            let period_s = limit["simple"]["period"].as_integer();
            assert_eq!(period_s, Some(i64::from(RATE_LIMIT_PERIOD_S)), "{limit}");
        }
    }

    /// A budget that more callers share is larger.
    #[test]
    fn budgets_are_nested() {
        let config = config();
        let limits = config["ratelimits"].as_array().unwrap();
        let limit = |name: &str| {
            let limit = limits.iter().find(|limit| limit["name"].as_str() == Some(name)).unwrap();
            limit["simple"]["limit"].as_integer().unwrap()
        };
        assert!(limit(ENROLMENTS_PER_CALLER) < limit(EMBEDDINGS_PER_CALLER));
        assert!(limit(EMBEDDINGS_PER_CALLER) < limit(EMBEDDINGS_PER_NETWORK));
        assert!(limit(EMBEDDINGS_PER_NETWORK) < limit(EMBEDDINGS_IN_ALL));
    }

    /// The privacy page says so: Cloudflare would log the address of each caller.
    #[test]
    fn invocations_are_not_logged() {
        let observability = &config()["observability"];
        assert_eq!(observability["logs"]["invocation_logs"].as_bool(), Some(false));
    }
}
