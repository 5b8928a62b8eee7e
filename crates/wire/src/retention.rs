//! What is kept of people, where, and until when. The page promises this by `/config`, and a test
//! of `vectorize-worker`, in its `bindings.rs`, compares it with the configuration.

/// The hour of the daily purge in UTC.
pub const PURGE_HOUR: u64 = 12;

/// The cron expression of the daily purge: [`PURGE_HOUR`] o'clock.
pub const PURGE_CRON: &str = "0 12 * * *";

/// The Vectorize index with the embeddings.
pub const INDEX_NAME: &str = "face-embeddings";

/// The R2 bucket with the pictures.
pub const BUCKET_NAME: &str = "faces";
