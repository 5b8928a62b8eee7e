//! The names under which wrangler binds what this Worker uses.

/// The Vectorize index of embeddings.
pub(crate) const VECTORIZE: &str = "VECTORIZE";

/// The R2 bucket of pictures.
pub(crate) const FACES: &str = "FACES";

#[cfg(test)]
mod tests {
    use toml::{Table, Value};

    use super::*;

    fn production() -> Table {
        include_str!("../wrangler.toml").parse().unwrap()
    }

    fn local() -> Table {
        include_str!("../wrangler.local.toml").parse().unwrap()
    }

    #[test]
    fn both_configurations_bind_these_names() {
        for (config, index) in [(production(), "vectorize"), (local(), "services")] {
            assert_eq!(config[index][0]["binding"].as_str(), Some(VECTORIZE));
            assert_eq!(config["r2_buckets"][0]["binding"].as_str(), Some(FACES));
        }
    }

    #[test]
    fn configurations_differ_in_the_index_only() {
        let (mut production, mut local) = (production(), local());
        assert!(production.remove("vectorize").is_some());
        assert!(local.remove("services").is_some());
        assert_eq!(production, local);
    }

    #[test]
    fn the_purge_runs_when_clock_says() {
        let hour = crate::clock::PURGE_HOUR;
        let cron = Value::from(format!("0 {hour} * * *"));
        assert_eq!(production()["triggers"]["crons"], Value::Array(vec![cron]));
    }
}
