//! What a deployment costs: Cloudflare's prices, what requests call, and the tables of
//! `docs/costs.md` that follow from both.

use std::fmt::Write as _;

use wire::limits::{LOG_ONE_OF, LOG_WHOLE_LINES_MAX};

/// Days of a month.
const DAYS: f64 = 30.0;

/// What a part costs a month, in US dollars, as Cloudflare's pages of prices had it in autumn 2026.
#[derive(Clone, Copy)]
struct Price {
    /// So much is in the plan.
    included: f64,
    /// What one more costs.
    each: f64,
}

impl Price {
    const fn of(included: f64, dollars: f64, per: f64) -> Self {
        Self { included, each: dollars / per }
    }

    fn dollars(self, used: f64) -> f64 {
        (used - self.included).max(0.0) * self.each
    }
}

/// The plan Workers Paid.
const PLAN: f64 = 5.0;
const REQUESTS: Price = Price::of(10e6, 0.30, 1e6);
const CPU_MS: Price = Price::of(30e6, 0.02, 1e6);
const OBJECT_REQUESTS: Price = Price::of(1e6, 0.15, 1e6);
/// Gigabytes times seconds. An object counts as 128 MB.
const OBJECT_GB_S: Price = Price::of(400_000.0, 12.50, 1e6);
/// Of queries, together with those that are stored.
const QUERIED_DIMENSIONS: Price = Price::of(50e6, 0.01, 1e6);
const STORED_DIMENSIONS: Price = Price::of(10e6, 0.05, 100e6);
const CLASS_A: Price = Price::of(1e6, 4.50, 1e6);
const CLASS_B: Price = Price::of(10e6, 0.36, 1e6);
const STORED_GB: Price = Price::of(10.0, 0.015, 1.0);
/// From December 2026 on.
const LOGGED_GB: Price = Price::of(50.0, 0.25, 1.0);

/// Numbers of an embedding.
const DIMENSIONS: f64 = wire::limits::EMBEDDING_DIMENSIONS as f64;

/// Assumed: how long an embedding keeps both objects busy together, in seconds. `docs/capacity.md`
/// says why.
const EMBEDDING_S: f64 = 0.2;

/// Assumed: the size of a log line as Cloudflare bills it, with what it adds, in gigabytes.
const LINE_GB: f64 = 4.84e-6;

/// Assumed: the share of requests that are slow, fail or are refused. Both Workers log them.
const NOTABLE: f64 = 0.01;

/// A crop as JPEG with its metadata is smaller.
const PICTURE_GB: f64 = 10e-6;

/// The records of both shards.
const WEIGHTS_GB: f64 = 0.047;

/// What one request calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests to Durable Objects.
    pub objects: u64,
    /// Requests to the private Worker.
    pub services: u64,
    /// R2: lists and writes.
    pub class_a: u64,
    /// R2: reads.
    pub class_b: u64,
    /// R2: deletions, which are free.
    pub bucket_deletes: u64,
    /// Vectorize: queries.
    pub queries: u64,
    /// Vectorize: all other calls, which are free.
    pub index_others: u64,
    /// Lines in the log of both Workers, where they are all written.
    pub lines: u64,
}

/// The table of what requests call.
#[must_use]
pub fn requests_table(requests: &[(&str, Counts)]) -> String {
    let mut table =
        "| request | objects | private Worker | R2 class A | R2 class B | R2 deletions \
                     | Vectorize queries | its other calls | log lines |\n"
            .to_owned();
    table += "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n";
    for (request, counts) in requests {
        let Counts { objects, services, class_a, class_b, .. } = counts;
        let Counts { bucket_deletes, queries, index_others, lines, .. } = counts;
        // Writing to a string does not fail.
        let _ = writeln!(
            table,
            "| {request} | {objects} | {services} | {class_a} | {class_b} | {bucket_deletes} \
             | {queries} | {index_others} | {lines} |"
        );
    }
    table
}

/// So many requests of one kind a day.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// How many.
    pub per_day: f64,
    /// What each calls.
    pub counts: Counts,
    /// Assumed: milliseconds that each computes in both Workers, without the objects.
    pub cpu_ms: f64,
    /// Whether each stores a face, which stays until noon.
    pub stores: bool,
}

/// What a day's loads cost a month.
pub struct Month<'a> {
    /// What it is called.
    pub title: &'a str,
    /// The loads.
    pub loads: &'a [Load],
    /// Assumed: isolates of the public Worker that are there all the time, with equal shares of the
    /// requests. Each writes the first lines of an hour, and then thins them.
    pub isolates: f64,
}

impl Month<'_> {
    /// How many there are in a month, when each request has so many.
    fn total(&self, each: impl Fn(&Load) -> f64) -> f64 {
        self.loads.iter().map(|load| load.per_day * DAYS * each(load)).sum()
    }

    /// How many lines the log has in a month.
    fn lines(&self) -> f64 {
        let whole_max = f64::from(LOG_WHOLE_LINES_MAX) * 24.0 * DAYS * self.isolates;
        let ordinary = |load: &Load| {
            let requests = load.per_day * DAYS;
            let whole = requests.min(whole_max);
            (whole + (requests - whole) / f64::from(LOG_ONE_OF)) * load.counts.lines as f64
        };
        // One of the public Worker, and one for each call of the private one.
        let notable =
            self.total(|load| NOTABLE * (load.counts.lines + load.counts.services) as f64);
        self.loads.iter().map(ordinary).sum::<f64>() + notable
    }

    /// What each part costs, in dollars.
    fn parts(&self) -> [(&'static str, f64); 11] {
        let count = |of: fn(&Counts) -> u64| self.total(|load| of(&load.counts) as f64);
        let objects = count(|counts| counts.objects);
        // Each embedding is a request to either object.
        let object_gb_s = objects / 2.0 * EMBEDDING_S * 0.128;
        let faces: f64 =
            self.loads.iter().filter(|load| load.stores).map(|load| load.per_day).sum();
        let queried = (count(|counts| counts.queries) + faces) * DIMENSIONS;
        [
            ("plan", PLAN),
            ("requests", REQUESTS.dollars(self.total(|_| 1.0))),
            ("CPU", CPU_MS.dollars(self.total(|load| load.cpu_ms))),
            ("object requests", OBJECT_REQUESTS.dollars(objects)),
            ("object duration", OBJECT_GB_S.dollars(object_gb_s)),
            ("Vectorize queries", QUERIED_DIMENSIONS.dollars(queried)),
            ("Vectorize storage", STORED_DIMENSIONS.dollars(faces * DIMENSIONS)),
            ("R2 class A", CLASS_A.dollars(count(|counts| counts.class_a))),
            ("R2 class B", CLASS_B.dollars(count(|counts| counts.class_b))),
            ("R2 storage", STORED_GB.dollars(faces * PICTURE_GB + WEIGHTS_GB)),
            ("logs", LOGGED_GB.dollars(self.lines() * LINE_GB)),
        ]
    }

    /// What all parts cost together, in dollars.
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.parts().iter().map(|(_, dollars)| dollars).sum()
    }
}

/// The table of what months cost.
#[must_use]
pub fn months_table(months: &[Month<'_>]) -> String {
    let titles: Vec<&str> = months.iter().map(|month| month.title).collect();
    let columns = " ---: |".repeat(months.len());
    let mut table = format!("| a day | {} |\n| --- |{columns}\n", titles.join(" | "));
    let parts: Vec<_> = months.iter().map(Month::parts).collect();
    let Some(first) = parts.first() else { return table };
    for (row, (name, _)) in first.iter().enumerate() {
        let cells = parts.iter().filter_map(|parts| parts.get(row));
        let cells: Vec<_> = cells.map(|(_, dollars)| format!("${dollars:.2}")).collect();
        // Writing to a string does not fail.
        let _ = writeln!(table, "| {name} | {} |", cells.join(" | "));
    }
    let sums: Vec<_> = months.iter().map(|month| format!("**${:.2}**", month.sum())).collect();
    let _ = writeln!(table, "| **a month** | {} |", sums.join(" | "));
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_included_costs_nothing_and_the_rest_its_price() {
        assert!(REQUESTS.dollars(10e6).abs() < 1e-9);
        assert!((REQUESTS.dollars(30e6) - 6.0).abs() < 1e-9);
        // Queries and stored vectors count alike: (30 M + 10,000) x 512 dimensions.
        let dollars = QUERIED_DIMENSIONS.dollars(30.01e6 * 512.0);
        assert!((dollars - 153.15).abs() < 0.01, "{dollars}");
    }

    /// What a pair is taken to compute is the budget of all callers, and what is paid for.
    #[test]
    fn the_budget_of_all_callers_keeps_a_pair_busy() {
        let config = include_str!("../../wrangler.toml");
        let budget = config.split("EMBEDDINGS_IN_ALL").nth(1).unwrap();
        let limit = budget.split("limit = ").nth(1).unwrap().split(',').next().unwrap();
        let busy_s = limit.parse::<f64>().unwrap() * EMBEDDING_S / 2.0;
        assert!((busy_s - f64::from(wire::limits::RATE_LIMIT_PERIOD_S)).abs() < 1e-9, "{busy_s}");
    }

    #[test]
    fn lines_are_thinned_where_an_isolate_has_many() {
        let counts = Counts { lines: 1, services: 1, ..Counts::default() };
        let loads = [Load { per_day: 1e6, counts, cpu_ms: 0.0, stores: false }];
        let lines = |isolates| Month { title: "", loads: &loads, isolates }.lines();
        // 60 an hour for 720 hours, a tenth of the others, and twice a hundredth of all.
        let few = 43_200.0 + (30e6 - 43_200.0) / 10.0 + 600_000.0;
        assert!((lines(1.0) - few).abs() < 1.0, "{}", lines(1.0));
        assert!((lines(1e6) - 30.6e6).abs() < 1.0, "{}", lines(1e6));
    }
}
