//! Which lines of ordinary requests are left out, so that the log costs little when there are many.
//! Requests that are not ordinary never come here.

use std::collections::BTreeMap;

use crate::limits::{LOG_ONE_OF, LOG_WHOLE_LINES_MAX};

/// After how many milliseconds counting begins anew.
const HOUR_MS: u64 = 3_600_000;

/// What an isolate has counted.
#[derive(Debug, Default)]
pub(super) struct Thinning {
    hour_began_ms: u64,
    /// The ordinary requests of this hour, by method and route.
    counts: BTreeMap<(&'static str, &'static str), u32>,
}

impl Thinning {
    /// How many requests a line stands for, its own included. Nothing when the request has no line.
    ///
    /// The first [`LOG_WHOLE_LINES_MAX`] of an hour have one each. Then one of [`LOG_ONE_OF`] has,
    /// the last of them, and stands for those before it.
    pub(super) fn stands_for(
        &mut self,
        method: &'static str,
        route: &'static str,
        now_ms: u64,
    ) -> Option<u32> {
        if now_ms.saturating_sub(self.hour_began_ms) >= HOUR_MS {
            self.hour_began_ms = now_ms;
            self.counts.clear();
        }
        let count = self.counts.entry((method, route)).or_default();
        *count = count.saturating_add(1);
        match count.checked_sub(LOG_WHOLE_LINES_MAX) {
            None | Some(0) => Some(1),
            Some(beyond) => (beyond % LOG_ONE_OF == 0).then_some(LOG_ONE_OF),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A time long after 1970, as clocks have it.
    const NOW_MS: u64 = 1_700_000_000_000;

    /// What the next requests of a kind stand for.
    fn next(thinning: &mut Thinning, route: &'static str, count: u32, now_ms: u64) -> Vec<u32> {
        (0..count).filter_map(|_| thinning.stands_for("GET", route, now_ms)).collect()
    }

    #[test]
    fn the_first_of_an_hour_have_a_line_each_and_then_one_of_ten() {
        let mut thinning = Thinning::default();
        let whole = LOG_WHOLE_LINES_MAX;
        assert_eq!(next(&mut thinning, "/a", whole, NOW_MS), vec![1; whole as usize]);
        assert!(next(&mut thinning, "/a", 9, NOW_MS).is_empty());
        assert_eq!(next(&mut thinning, "/a", 25, NOW_MS), [10, 10, 10]);
        // Another route has lines of its own.
        assert_eq!(next(&mut thinning, "/b", 3, NOW_MS), [1, 1, 1]);
        assert!(next(&mut thinning, "/a", 2, NOW_MS + HOUR_MS - 1).is_empty());
        assert_eq!(next(&mut thinning, "/a", 2, NOW_MS + HOUR_MS), [1, 1]);
    }

    #[test]
    fn lines_together_stand_for_all_but_the_last_few_requests() {
        let mut thinning = Thinning::default();
        for requests in 1..=300 {
            let told: u32 = next(&mut thinning, "/a", requests, NOW_MS).iter().sum();
            assert!(told <= requests && requests - told < LOG_ONE_OF, "{told} of {requests}");
            thinning = Thinning::default();
        }
    }

    #[test]
    fn a_clock_that_goes_back_thins_on() {
        let mut thinning = Thinning::default();
        next(&mut thinning, "/a", LOG_WHOLE_LINES_MAX, NOW_MS);
        assert!(next(&mut thinning, "/a", 9, NOW_MS - 5).is_empty());
    }
}
