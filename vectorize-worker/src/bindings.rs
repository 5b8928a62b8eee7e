//! The names of the bindings in wrangler.toml.

/// The Vectorize index of embeddings.
pub(crate) const VECTORIZE: &str = "VECTORIZE";

/// The R2 bucket of pictures.
pub(crate) const FACES: &str = "FACES";

#[cfg(test)]
mod tests {
    use toml::{Table, Value};
    use wire::retention::{BUCKET_NAME, INDEX_NAME, PURGE_CRON, REPEAT_CRON};

    use super::*;

    fn config() -> Table {
        include_str!("../wrangler.toml").parse().unwrap()
    }

    #[test]
    fn wrangler_toml_binds_what_the_promises_name() {
        let config = config();
        let index = &config["vectorize"][0];
        assert_eq!(index["binding"].as_str(), Some(VECTORIZE));
        assert_eq!(index["index_name"].as_str(), Some(INDEX_NAME));
        let bucket = &config["r2_buckets"][0];
        assert_eq!(bucket["binding"].as_str(), Some(FACES));
        assert_eq!(bucket["bucket_name"].as_str(), Some(BUCKET_NAME));
    }

    #[test]
    fn the_cron_fires_when_the_promises_say() {
        let crons = Value::Array(vec![PURGE_CRON.into(), REPEAT_CRON.into()]);
        assert_eq!(config()["triggers"]["crons"], crons);
    }

    /// The privacy page says so. The address of an invocation has the id of a face.
    #[test]
    fn invocations_are_not_logged() {
        let observability = &config()["observability"];
        assert_eq!(observability["logs"]["invocation_logs"].as_bool(), Some(false));
    }
}
