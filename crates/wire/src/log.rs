//! The log of both Workers, and the one place that writes to it.
//!
//! A line is JSON, and says what became of a request. What belongs to no request has a line of its
//! own, such as a load or a phase of the purge. Lines hold routes, times, counts and the names of
//! API keys. They hold nothing that a caller has sent, no id of a face, and nothing that a search
//! has found.
//!
//! Cloudflare bills each line. So an ordinary request has one line, written by the public Worker,
//! which also says what the private Worker has called. Where there are many requests, `thinning`
//! leaves lines out. A request that fails, is refused, is slow or is an operator's has a line of
//! both Workers.

mod calls;
mod thinning;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::rc::Rc;

use serde::Serialize;
use worker::Date;

use crate::Problem;
use crate::limits::LOG_SLOW_MS;
pub use calls::{CALLS_HEADER, Call, Calls};
use thinning::Thinning;

thread_local! {
    static THINNING: RefCell<Thinning> = RefCell::default();
}

/// The Worker that writes a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Worker {
    /// The public one.
    #[serde(rename = "cface")]
    Public,
    /// The private one.
    #[serde(rename = "cface-vectorize")]
    Private,
}

/// How grave a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// All is as it should be, or the caller is at fault.
    Info,
    /// Something failed, and is tried again.
    Warn,
    /// Something failed.
    Error,
}

/// What becomes the line of a request.
#[derive(Debug)]
pub struct Record {
    worker: Worker,
    method: &'static str,
    route: &'static str,
    began_ms: u64,
    last_ms: Cell<u64>,
    stages: RefCell<Vec<(&'static str, u64)>>,
    problem: Cell<Option<&'static str>>,
    verdict: Cell<Option<&'static str>>,
    key: RefCell<Option<String>>,
    faults: RefCell<Vec<String>>,
    calls: Rc<Calls>,
    is_operators: Cell<bool>,
}

impl Record {
    /// Begins with a request. `route` is the pattern of its path, or `unknown`.
    #[must_use]
    pub fn begin(worker: Worker, method: &str, route: &'static str) -> Self {
        Self::begin_at(worker, method, route, Date::now().as_millis())
    }

    fn begin_at(worker: Worker, method: &str, route: &'static str, now_ms: u64) -> Self {
        // A caller may send any word in the place of a method.
        let known = ["GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT", "PATCH"];
        Self {
            worker,
            method: known.into_iter().find(|known| *known == method).unwrap_or("other"),
            route,
            began_ms: now_ms,
            last_ms: Cell::new(now_ms),
            stages: RefCell::default(),
            problem: Cell::default(),
            verdict: Cell::default(),
            key: RefCell::default(),
            faults: RefCell::default(),
            calls: Rc::default(),
            is_operators: Cell::default(),
        }
    }

    /// Ends a stage. The clock of a Worker moves only with I/O, not while it computes. So only
    /// waiting for others is measured, which takes nearly all of the time.
    pub fn stage(&self, name: &'static str) {
        self.stage_at(name, Date::now().as_millis());
    }

    fn stage_at(&self, name: &'static str, now_ms: u64) {
        let duration_ms = now_ms.saturating_sub(self.last_ms.replace(now_ms));
        self.stages.borrow_mut().push((name, duration_ms));
    }

    /// The stages so far, as the header `Server-Timing` has them.
    #[must_use]
    pub fn server_timing(&self) -> String {
        let mut header = String::new();
        for (name, duration_ms) in &*self.stages.borrow() {
            let separator = if header.is_empty() { "" } else { ", " };
            // Writing to a string does not fail.
            let _ = write!(header, "{separator}{name};dur={duration_ms}");
        }
        header
    }

    /// The verdict of the answer.
    pub fn verdict(&self, verdict: &'static str) {
        self.verdict.set(Some(verdict));
    }

    /// The name of the API key that the caller has.
    pub fn key(&self, name: Option<&str>) {
        *self.key.borrow_mut() = name.map(str::to_owned);
    }

    /// A problem that is the answer, with its fault.
    pub fn problem(&self, problem: &Problem) {
        self.problem.set(Some(problem.kind.slug()));
        self.faults.borrow_mut().extend(problem.fault.clone());
    }

    /// Something that failed. Neither a name nor a picture, an embedding or a token may be in it.
    pub fn fault(&self, what: impl Display) {
        self.faults.borrow_mut().push(what.to_string());
    }

    /// Marks a request that only an operator may make, so it always has a line.
    pub fn operators(&self) {
        self.is_operators.set(true);
    }

    /// Counts a call.
    pub fn count(&self, call: Call) {
        self.calls.count(call);
    }

    /// The counts, for whoever makes the calls.
    #[must_use]
    pub fn calls(&self) -> Rc<Calls> {
        Rc::clone(&self.calls)
    }

    /// Writes the line of a request that is answered with this status, if it has one.
    pub fn write(&self, status: u16) {
        let now_ms = Date::now().as_millis();
        THINNING.with_borrow_mut(|thinning| self.write_at(status, now_ms, thinning, write));
    }

    fn write_at(
        &self,
        status: u16,
        now_ms: u64,
        thinning: &mut Thinning,
        write: impl FnOnce(Level, &str),
    ) {
        let total_ms = now_ms.saturating_sub(self.began_ms);
        let Some(stands_for) = self.stands_for(status, total_ms, now_ms, thinning) else { return };
        let faults = self.faults.borrow();
        let is_fault = status >= 500 || !faults.is_empty();
        let level = if is_fault { Level::Error } else { Level::Info };
        let mut ms = BTreeMap::from([("total", total_ms)]);
        for (name, duration_ms) in &*self.stages.borrow() {
            *ms.entry(name).or_default() += duration_ms;
        }
        let facts = RequestFacts {
            method: self.method,
            route: self.route,
            status,
            stands_for: (stands_for > 1).then_some(stands_for),
            problem: self.problem.get(),
            verdict: self.verdict.get(),
            key: self.key.borrow().clone(),
            ms,
            calls: &self.calls,
            faults: &faults,
        };
        write(level, &line(level, self.worker, "request", &facts));
    }

    /// How many requests the line stands for. Nothing when there is none.
    fn stands_for(
        &self,
        status: u16,
        total_ms: u64,
        now_ms: u64,
        thinning: &mut Thinning,
    ) -> Option<u32> {
        let is_ordinary = status < 400
            && total_ms < LOG_SLOW_MS
            && self.faults.borrow().is_empty()
            && !self.is_operators.get();
        match self.worker {
            _ if !is_ordinary => Some(1),
            Worker::Public => thinning.stands_for(self.method, self.route, now_ms),
            Worker::Private => None,
        }
    }
}

#[derive(Serialize)]
struct RequestFacts<'a> {
    method: &'static str,
    route: &'static str,
    status: u16,
    /// Ordinary requests of this route, this one and those before it that have no line.
    #[serde(skip_serializing_if = "Option::is_none")]
    stands_for: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    ms: BTreeMap<&'static str, u64>,
    #[serde(skip_serializing_if = "Calls::is_empty")]
    calls: &'a Calls,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    faults: &'a [String],
}

#[derive(Serialize)]
struct Line<'a, F> {
    worker: Worker,
    event: &'a str,
    level: Level,
    #[serde(flatten)]
    facts: &'a F,
}

/// Writes a line about an event that is not a request. `facts` is a struct; its fields are added.
pub fn event(level: Level, worker: Worker, event: &str, facts: &impl Serialize) {
    write(level, &line(level, worker, event, facts));
}

fn line(level: Level, worker: Worker, event: &str, facts: &impl Serialize) -> String {
    let line = Line { worker, event, level, facts };
    // Only facts that are not a struct could fail.
    serde_json::to_string(&line).unwrap_or_default()
}

/// Cloudflare sorts lines by the method that wrote them.
#[cfg(target_arch = "wasm32")]
fn write(level: Level, line: &str) {
    match level {
        Level::Info => worker::console_log!("{line}"),
        Level::Warn => worker::console_warn!("{line}"),
        Level::Error => worker::console_error!("{line}"),
    }
}

/// Unit tests have no runtime, and no log.
#[cfg(not(target_arch = "wasm32"))]
fn write(_: Level, _: &str) {}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::Kind;

    /// The line of a request, in an isolate that has not written any before.
    fn written(record: &Record, status: u16, now_ms: u64) -> Value {
        line_of(record, status, now_ms, &mut Thinning::default()).unwrap()
    }

    fn line_of(
        record: &Record,
        status: u16,
        now_ms: u64,
        thinning: &mut Thinning,
    ) -> Option<Value> {
        let mut line = None;
        record.write_at(status, now_ms, thinning, |_, text| {
            line = Some(serde_json::from_str(text).unwrap());
        });
        line
    }

    #[test]
    fn a_request_has_one_line_with_what_became_of_it() {
        let record = Record::begin_at(Worker::Public, "POST", "/match", 1_000);
        record.stage_at("model", 1_070);
        record.stage_at("search", 1_090);
        record.verdict("match");
        record.key(Some("door"));
        record.count(Call::Store);
        assert_eq!(record.server_timing(), "model;dur=70, search;dur=20");
        let expected = json!({
            "worker": "cface", "event": "request", "level": "info", "method": "POST",
            "route": "/match", "status": 200, "verdict": "match", "key": "door",
            "ms": {"total": 95, "model": 70, "search": 20}, "calls": {"store": 1},
        });
        assert_eq!(written(&record, 200, 1_095), expected);
    }

    #[test]
    fn faults_make_an_error_of_a_line() {
        let record = Record::begin_at(Worker::Private, "POST", "/match", 0);
        assert_eq!(written(&record, 404, 0)["level"], "info");
        let problem = Problem::new(Kind::Unavailable, "Try again.");
        record.problem(&Problem { fault: Some("r2 get: down".into()), ..problem });
        let line = written(&record, 503, 0);
        assert_eq!((&line["level"], &line["problem"]), (&json!("error"), &json!("unavailable")));
        assert_eq!(line["faults"], json!(["r2 get: down"]));
    }

    #[test]
    fn a_method_is_a_known_word() {
        for (sent, told) in [("DELETE", "DELETE"), ("delete", "other"), ("Ada Lovelace", "other")] {
            let record = Record::begin_at(Worker::Public, sent, "unknown", 0);
            assert_eq!(written(&record, 405, 0)["method"], told);
        }
    }

    #[test]
    fn of_ordinary_requests_only_the_public_line_is_written_and_not_always() {
        let mut thinning = Thinning::default();
        let mut ordinary = |worker| {
            let record = Record::begin_at(worker, "POST", "/match", 0);
            line_of(&record, 200, LOG_SLOW_MS - 1, &mut thinning)
        };
        assert_eq!(ordinary(Worker::Private), None);
        let lines: Vec<_> = (0..80).filter_map(|_| ordinary(Worker::Public)).collect();
        assert_eq!(lines.len(), 62);
        assert!(lines[..60].iter().all(|line| line["stands_for"].is_null()));
        assert!(lines[60..].iter().all(|line| line["stands_for"] == 10));
    }

    #[test]
    fn what_is_worth_a_look_has_its_line_in_both_workers() {
        let mut thinning = Thinning::default();
        let cases = [
            (400, 0, "refused"),
            (429, 0, "refused"),
            (503, 0, "failed"),
            (200, LOG_SLOW_MS, "slow"),
            (202, 0, "with a fault"),
            (200, 0, "for an operator"),
        ];
        for worker in [Worker::Public, Worker::Private] {
            for (status, total_ms, how) in cases {
                for _ in 0..100 {
                    let record = Record::begin_at(worker, "DELETE", "/faces", 0);
                    match how {
                        "with a fault" => record.fault("vectorize delete: down"),
                        "for an operator" => record.operators(),
                        _ => (),
                    }
                    let line = line_of(&record, status, total_ms, &mut thinning);
                    let line = line.unwrap_or_else(|| panic!("{worker:?}: {how}"));
                    assert_eq!(line["stands_for"], Value::Null);
                }
            }
        }
    }
}
