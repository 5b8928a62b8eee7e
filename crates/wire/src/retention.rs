//! What is kept of people, where, and until when. The page promises this by `/config`, and the
//! tests of `facenet-worker` compare it with the configuration of `vectorize-worker`.

/// The hour of the daily purge in UTC.
pub const PURGE_HOUR: u64 = 12;

/// The cron expression of the daily purge.
pub const PURGE_CRON: &str = "0 12 * * *";

/// The Vectorize index with the embeddings.
pub const INDEX_NAME: &str = "face-embeddings";

/// The R2 bucket with the pictures.
pub const BUCKET_NAME: &str = "faces";
