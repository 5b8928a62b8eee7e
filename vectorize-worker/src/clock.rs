//! Times as texts, when the next purge comes, and the clock. Times are in milliseconds since 1970.
//! Whoever needs the present time is handed a [`Clock`], so tests can set it.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat};
pub(crate) use wire::retention::{last_purge_ms, next_purge_ms};
use worker::{Date, Delay};

/// The time as it passes.
pub(crate) trait Clock {
    /// The present time.
    fn now_ms(&self) -> u64;

    /// Waits.
    async fn pause(&self, pause_ms: u64);
}

/// The clock of the runtime. It stands still between two calls to the outside.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> u64 {
        Date::now().as_millis()
    }

    async fn pause(&self, pause_ms: u64) {
        Delay::from(Duration::from_millis(pause_ms)).await;
    }
}

/// A time as RFC 3339 writes it, to the second.
pub(crate) fn rfc3339(time_ms: u64) -> String {
    // A time that has no year of this calendar cannot come from R2.
    let time = DateTime::from_timestamp_millis(time_ms as i64).unwrap_or_default();
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(seconds: u64, text: &str, purge: &str) {
        assert_eq!(rfc3339(seconds * 1000), text);
        assert_eq!(rfc3339(next_purge_ms(seconds * 1000)), purge);
    }

    #[test]
    fn times_are_written_and_purges_foreseen() {
        check(0, "1970-01-01T00:00:00Z", "1970-01-01T12:00:00Z");
        check(951_825_599, "2000-02-29T11:59:59Z", "2000-02-29T12:00:00Z");
        check(951_825_600, "2000-02-29T12:00:00Z", "2000-03-01T12:00:00Z");
        check(1_798_761_599, "2026-12-31T23:59:59Z", "2027-01-01T12:00:00Z");
        check(1_835_395_200, "2028-02-29T00:00:00Z", "2028-02-29T12:00:00Z");
        check(4_107_542_400, "2100-03-01T00:00:00Z", "2100-03-01T12:00:00Z");
    }
}
