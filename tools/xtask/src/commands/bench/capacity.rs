//! What a pair of Durable Objects serves, and what more pairs add. People send one picture after
//! the other for some seconds, each from their own address.
//!
//! workerd runs all isolates of a process on one thread, and all objects of a class in one isolate.
//! So replicas in one workerd show what they add where Cloudflare puts them in one isolate, and
//! several processes show what they add where it does not.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use testbed::bucket::Pace;
use testbed::golden::Golden;
use testbed::workerd::Workerd;

use super::report::Sample;
use crate::commands::scene::Scene;

/// What is measured: replicas that the Worker may use, processes, and people.
const CASES: [(&str, usize, usize); 8] = [
    ("1", 1, 1),
    ("1", 1, 4),
    ("1", 1, 16),
    ("1", 1, 32),
    ("1", 1, 96),
    ("2", 1, 16),
    ("1", 2, 16),
    ("1", 2, 64),
];

/// How long a request may take.
const REQUEST_MAX: Duration = Duration::from_mins(1);

/// One of the cases.
struct Case {
    replicas: &'static str,
    processes: usize,
    people: usize,
    seconds: f64,
    /// Milliseconds of those that were served.
    served: Sample,
    /// Answers of other statuses.
    refused: BTreeMap<u16, usize>,
}

/// All that was measured.
#[derive(Default)]
pub(super) struct Capacity(Vec<Case>);

/// Measures each case for some seconds.
pub(super) fn run(golden: &Golden, each: Duration) -> anyhow::Result<Capacity> {
    let scene = Scene::new()?;
    let bucket = scene.bucket(Pace::UNBOUNDED)?;
    let picture = fs::read(&golden.picture).context("no golden picture")?;
    let mut cases = Vec::new();
    for (replicas, processes, people) in CASES {
        let start = |_| scene.start(bucket, &[("REPLICAS", replicas)]);
        let servers = (0..processes).map(start).collect::<anyhow::Result<Vec<_>>>()?;
        for server in &servers {
            // V8 compiles what runs often again.
            (0..20).try_for_each(|_| post(&agent(), server, 0, &picture).map(drop))?;
        }
        let began = Instant::now();
        let answers = ask(&servers, people, &picture, began + each)?;
        let seconds = began.elapsed().as_secs_f64();
        let mut case = Case {
            replicas,
            processes,
            people,
            seconds,
            served: Sample::default(),
            refused: BTreeMap::new(),
        };
        for (status, ms) in answers {
            match status {
                200 => case.served.0.push(ms),
                _ => *case.refused.entry(status).or_default() += 1,
            }
        }
        cases.push(case);
    }
    Ok(Capacity(cases))
}

/// Statuses and milliseconds of all answers to so many people, who ask until some time.
fn ask(
    servers: &[Workerd],
    people: usize,
    picture: &[u8],
    until: Instant,
) -> anyhow::Result<Vec<(u16, f64)>> {
    let person = |index: usize| {
        let server = &servers[index % servers.len()];
        let agent = agent();
        let mut answers = Vec::new();
        while Instant::now() < until {
            let began = Instant::now();
            let (status, wait_s) = post(&agent, server, index, picture)?;
            ensure!([200, 429, 503].contains(&status), "the server answers {status}");
            answers.push((status, began.elapsed().as_secs_f64() * 1e3));
            // As the page and well-behaved programs do.
            thread::sleep(Duration::from_secs(wait_s).min(until - Instant::now()));
        }
        anyhow::Ok(answers)
    };
    thread::scope(|scope| {
        let person = &person;
        let all: Vec<_> = (0..people).map(|index| scope.spawn(move || person(index))).collect();
        let mut answers = Vec::new();
        for one in all {
            answers.extend(one.join().map_err(|_| anyhow::anyhow!("a thread panicked"))??);
        }
        Ok(answers)
    })
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().http_status_as_error(false);
    // The runtime closes a connection that was idle for five seconds.
    let config = config.max_idle_age(Duration::from_secs(1));
    config.timeout_global(Some(REQUEST_MAX)).build().into()
}

/// Sends a picture. Gives the status, and the seconds of `Retry-After`.
fn post(
    agent: &ureq::Agent,
    server: &Workerd,
    person: usize,
    picture: &[u8],
) -> anyhow::Result<(u16, u64)> {
    let address = format!("198.51.{}.{}", person / 250, person % 250 + 1);
    let request = agent.post(server.url(0, "/embed")).header("cf-connecting-ip", address);
    let mut answer = request.send(picture)?;
    let wait = answer.headers().get("retry-after").and_then(|wait| wait.to_str().ok());
    let wait_s = wait.and_then(|wait| wait.parse().ok()).unwrap_or(0);
    answer.body_mut().read_to_vec()?;
    Ok((answer.status().as_u16(), wait_s))
}

impl Case {
    fn per_second(&self) -> f64 {
        self.served.0.len() as f64 / self.seconds
    }
}

impl Capacity {
    pub(super) fn json(&self) -> Value {
        let case = |case: &Case| {
            json!({
                "replicas": case.replicas,
                "processes": case.processes,
                "people": case.people,
                "per_second": case.per_second(),
                "served_ms": case.served.json(),
                "served_ms_p95": case.served.share(0.95),
                "served_ms_p99": case.served.share(0.99),
                "refused": case.refused,
            })
        };
        self.0.iter().map(case).collect()
    }
}

impl fmt::Display for Capacity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "\nPeople who send one picture after the other, none from the same address")?;
        writeln!(
            out,
            "{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}  refused",
            "replicas", "processes", "people", "a second", "median", "95 %", "99 %"
        )?;
        for case in &self.0 {
            let Case { replicas, processes, people, served, refused, .. } = case;
            let [median, most, all] = [0.5, 0.95, 0.99].map(|share| served.share(share));
            writeln!(
                out,
                "{replicas:>10}{processes:>10}{people:>10}{:10.1}{median:10.0}{most:10.0}\
                 {all:10.0}  {refused:?}",
                case.per_second()
            )?;
        }
        Ok(())
    }
}
