//! Times as texts, and when the next purge comes. The functions read no clock: callers bring the
//! time, in milliseconds since 1970, and those who must read one are handed a [`Clock`].

pub(crate) use wire::retention::PURGE_HOUR;

const SECOND: u64 = 1000;
const HOUR: u64 = 3600 * SECOND;
const DAY: u64 = 24 * HOUR;

/// The time as it passes.
pub(crate) trait Clock {
    /// Milliseconds since 1970.
    fn now(&self) -> u64;

    /// Waits.
    async fn pause(&self, millis: u64);
}

/// The first purge after `now`.
pub(crate) fn next_purge(now: u64) -> u64 {
    let today = now / DAY * DAY + PURGE_HOUR * HOUR;
    if now < today { today } else { today + DAY }
}

/// A time as RFC 3339 writes it, to the second.
pub(crate) fn rfc3339(millis: u64) -> String {
    let (year, month, day) = date(millis / DAY);
    let seconds = millis % DAY / SECOND;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The Gregorian date of a day since 1970. Counts in eras of 400 years, which all have the same
/// number of days, and in years that begin with March, so that the leap day comes last.
fn date(days: u64) -> (u64, u64, u64) {
    const DAYS_FROM_MARCH_0000: u64 = 719_468;
    let day = days + DAYS_FROM_MARCH_0000;
    let (era, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(seconds: u64, text: &str, purge: &str) {
        assert_eq!(rfc3339(seconds * SECOND), text);
        assert_eq!(rfc3339(next_purge(seconds * SECOND)), purge);
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

    #[test]
    fn parts_of_a_second_do_not_move_the_purge() {
        assert_eq!(next_purge(12 * HOUR - 1), 12 * HOUR);
        assert_eq!(next_purge(12 * HOUR), 36 * HOUR);
    }
}
