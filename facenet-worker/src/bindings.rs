//! The names in wrangler.toml under which the runtime binds what this Worker uses.

/// R2 bucket with `shard1.bin` and `shard2.bin`.
pub(crate) const MODELS: &str = "MODELS";

/// The name of that bucket, for the operator.
pub(crate) const MODELS_BUCKET: &str = "models";

/// Durable Object namespace of [`FaceNetShard1`](crate::FaceNetShard1).
pub(crate) const FACENET_SHARD1: &str = "FACENET_SHARD1";

/// Durable Object namespace of [`FaceNetShard2`](crate::FaceNetShard2).
pub(crate) const FACENET_SHARD2: &str = "FACENET_SHARD2";

/// Service binding to `cface-vectorize`.
pub(crate) const VECTORIZE_WORKER: &str = "VECTORIZE_WORKER";

/// Variable: the name of the model whose records are in [`MODELS`].
pub(crate) const MODEL: &str = "MODEL";

/// Variable: how many objects of each shard serve a continent; one if it is missing.
pub(crate) const REPLICAS: &str = "REPLICAS";

/// Variable: origins, with commas, whose pages may use the API; `*` for all.
pub(crate) const ALLOWED_ORIGINS: &str = "ALLOWED_ORIGINS";

/// Rate limit of `/embed`.
pub(crate) const EMBED_LIMIT: &str = "EMBED_LIMIT";

/// Rate limit of `/add`.
pub(crate) const ADD_LIMIT: &str = "ADD_LIMIT";

/// Rate limit of `/match`.
pub(crate) const MATCH_LIMIT: &str = "MATCH_LIMIT";

/// Rate limit of `/verify`.
pub(crate) const VERIFY_LIMIT: &str = "VERIFY_LIMIT";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use toml::{Table, Value};
    use wire::limits::RATE_LIMIT_PERIOD_S;

    use super::*;

    fn config() -> Table {
        include_str!("../../wrangler.toml").parse().unwrap()
    }

    /// What the entries of a list say under `key`.
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
        let limits = [EMBED_LIMIT, ADD_LIMIT, MATCH_LIMIT, VERIFY_LIMIT];
        assert_eq!(all(&config["ratelimits"], "name"), limits.into());
        let variables: BTreeSet<_> = config["vars"].as_table().unwrap().keys().collect();
        let expected = [MODEL, REPLICAS, ALLOWED_ORIGINS].map(str::to_owned);
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
}
