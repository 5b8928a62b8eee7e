//! What is kept of people, where, and until when. The page promises this by `/config`, and a test
//! of `vectorize-worker`, in its `bindings.rs`, compares it with the configuration.

/// The hour of the daily purge in UTC.
pub const PURGE_HOUR: u64 = 12;

/// The cron expression of the daily purge: [`PURGE_HOUR`] o'clock.
pub const PURGE_CRON: &str = "0 12 * * *";

/// The cron expression of the further triggers. They go on with the purge until it is complete, and
/// repeat deletions that the index did not take. None is on the hour, where it would run beside the
/// purge.
pub const REPEAT_CRON: &str = "15,30,45 * * * *";

/// The Vectorize index with the embeddings, in the usual installation.
pub const INDEX_NAME: &str = "cface-embeddings";

/// The R2 bucket with the pictures, in the usual installation.
pub const BUCKET_NAME: &str = "cface-faces";

const HOUR_MS: u64 = 3600 * 1000;
const DAY_MS: u64 = 24 * HOUR_MS;

/// When the first purge after `time_ms` is due. Both are milliseconds since 1970.
#[must_use]
pub const fn next_purge_ms(time_ms: u64) -> u64 {
    let today_ms = time_ms / DAY_MS * DAY_MS + PURGE_HOUR * HOUR_MS;
    if time_ms < today_ms { today_ms } else { today_ms + DAY_MS }
}

/// When the last purge before or at `time_ms` was due. Both are milliseconds since 1970.
#[must_use]
pub const fn last_purge_ms(time_ms: u64) -> u64 {
    next_purge_ms(time_ms).saturating_sub(DAY_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_decide_which_purge_is_the_next() {
        assert_eq!(next_purge_ms(12 * HOUR_MS - 1), 12 * HOUR_MS);
        assert_eq!(next_purge_ms(12 * HOUR_MS), 36 * HOUR_MS);
        assert_eq!(last_purge_ms(36 * HOUR_MS - 1), 12 * HOUR_MS);
        assert_eq!(last_purge_ms(36 * HOUR_MS), 36 * HOUR_MS);
        assert_eq!(last_purge_ms(0), 0, "before the first noon");
    }

    #[test]
    fn the_crons_are_those_of_the_hour() {
        assert_eq!(PURGE_CRON, format!("0 {PURGE_HOUR} * * *"));
        assert!(!REPEAT_CRON.split(' ').next().is_some_and(|m| m.split(',').any(|m| m == "0")));
    }
}
