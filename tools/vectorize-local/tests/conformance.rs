//! The conformance tests against the core of the stand-in, with every metric.

use vectorize_local::{
    config::Config,
    conformance::{self, METADATA_INDEXES, Native, Outcome},
};

#[test]
fn the_core_conforms() {
    for metric in ["euclidean", "cosine", "dot-product"] {
        let config = Config::read("24", metric, METADATA_INDEXES).unwrap();
        let outcomes = conformance::run(&Native::new(config.clone()), &config, "native");
        for (name, outcome) in &outcomes {
            println!("{metric} {name}: {outcome:?}");
        }
        let failed: Vec<_> =
            outcomes.iter().filter(|(_, it)| matches!(it, Outcome::Failed(_))).collect();
        assert!(failed.is_empty(), "{metric}: {failed:#?}");
        let skipped = outcomes.iter().filter(|(_, it)| *it == Outcome::Skipped).count();
        assert_eq!((outcomes.len(), skipped), (54, 3), "tests, and those of the binding alone");
    }
}
