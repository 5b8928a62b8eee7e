//! What a deployment costs: Cloudflare's prices, what requests call, and the tables of
//! `docs/costs.md` that follow from both.

use std::fmt::Write as _;

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

/// Assumed: how long an embedding keeps both objects busy together, in seconds.
const EMBEDDING_S: f64 = 0.2;

/// Assumed: what a line of the log is billed as, with what Cloudflare adds.
const LINE_GB: f64 = 4.84e-6;

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
    /// Lines in the log of both Workers.
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
    /// The share of requests whose lines are logged: `head_sampling_rate`.
    pub logged: f64,
}

impl Month<'_> {
    /// How many there are in a month, when each request has so many.
    fn total(&self, each: impl Fn(&Load) -> f64) -> f64 {
        self.loads.iter().map(|load| load.per_day * DAYS * each(load)).sum()
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
            ("logs", LOGGED_GB.dollars(count(|counts| counts.lines) * LINE_GB * self.logged)),
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
}
