//! Control calls: what a test can order this index to do, and what it can ask. Pure: the Durable
//! Object brings the clock and the storage.
//!
//! Orders are in memory and end with the server. Writes that wait because of an order are stored,
//! so they survive a restart.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::method::Method;
use crate::refusal::Refusal;

/// The body of a control call. All parts may be missing; `{}` only asks.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// Writes that come from now on are applied so many milliseconds late. Writes that wait
    /// already keep their time.
    pub late_ms: Option<u32>,
    /// Makes calls of a method fail, in place of an earlier order for that method.
    pub fail: Option<Failure>,
    /// Takes all orders back, sets the counts to 0, and applies at once what waits. This is done
    /// before the rest of the order.
    #[serde(default)]
    pub reset: bool,
}

/// Calls that fail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// The method.
    pub method: Method,
    /// How many calls fail.
    #[serde(default = "once")]
    pub times: u32,
    /// How many calls pass before.
    #[serde(default)]
    pub after: u32,
    /// Vectorize's code for the failure. Without one the answer has the status 503 and no JSON, as
    /// from a server that is down.
    pub code: Option<u32>,
    /// Whether the call is carried out all the same, and only its answer is lost.
    #[serde(default)]
    pub applied: bool,
}

fn once() -> u32 {
    1
}

/// How a call fails.
#[derive(Debug, PartialEq)]
pub struct Injected {
    /// The answer; `None` means status 503 without JSON.
    pub refusal: Option<Refusal>,
    /// Whether the call is carried out all the same.
    pub applied: bool,
}

/// The orders in force, and the counts.
#[derive(Debug, Default)]
pub struct Control {
    late_ms: u32,
    failures: BTreeMap<Method, Failure>,
    calls: BTreeMap<Method, u64>,
}

impl Control {
    /// Carries out an order. Applying the writes that wait is left to the caller.
    pub fn obey(&mut self, order: Order) {
        if order.reset {
            *self = Self::default();
        }
        if let Some(late_ms) = order.late_ms {
            self.late_ms = late_ms;
        }
        if let Some(failure) = order.fail {
            self.failures.insert(failure.method, failure);
        }
    }

    /// By how many milliseconds writes are late.
    #[must_use]
    pub fn late_ms(&self) -> u32 {
        self.late_ms
    }

    /// Counts a call, and says whether it has to fail.
    pub fn call(&mut self, method: Method) -> Option<Injected> {
        *self.calls.entry(method).or_default() += 1;
        let failure = self.failures.get_mut(&method)?;
        if failure.after > 0 {
            failure.after -= 1;
            return None;
        }
        let injected = Injected {
            refusal: failure.code.map(|code| Refusal::example(code, method)),
            applied: failure.applied,
        };
        let left = failure.times.checked_sub(1);
        match left {
            Some(left) if left > 0 => failure.times = left,
            _ => drop(self.failures.remove(&method)),
        }
        left.map(|_| injected)
    }

    /// The answer to a control call, about an index that holds `vectors` vectors, with `pending`
    /// writes that wait.
    #[must_use]
    pub fn report(&self, vectors: usize, pending: usize) -> Value {
        let count = |method: Method| self.calls.get(&method).copied().unwrap_or_default();
        let calls: BTreeMap<_, _> =
            Method::ALL.into_iter().map(|method| (method.name(), count(method))).collect();
        json!({
            "vectors": vectors,
            "pending": pending,
            "late_ms": self.late_ms,
            "fail": self.failures.values().collect::<Vec<_>>(),
            "calls": calls,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered(order: Value) -> Control {
        let mut control = Control::default();
        control.obey(serde_json::from_value(order).unwrap());
        control
    }

    /// Which of the next calls of `upsert` fail.
    fn failing<const N: usize>(control: &mut Control) -> [bool; N] {
        [(); N].map(|()| control.call(Method::Upsert).is_some())
    }

    #[test]
    fn calls_fail_as_often_as_ordered() {
        let order = json!({"fail": {"method": "upsert", "times": 2, "code": 40041}});
        let mut control = ordered(order);
        assert_eq!(control.call(Method::Query), None);
        let refusal = control.call(Method::Upsert).unwrap().refusal.unwrap();
        assert_eq!((refusal.code, refusal.error.as_str()), (Some(40041), "Too Many Requests"));
        assert_eq!(failing(&mut control), [true, false, false]);

        let mut control = ordered(json!({"fail": {"method": "upsert", "after": 2}}));
        assert_eq!(failing(&mut control), [false, false, true, false]);
        let mut control = ordered(json!({"fail": {"method": "upsert", "times": 0}}));
        assert_eq!(failing(&mut control), [false, false]);
    }

    #[test]
    fn a_failure_without_a_code_has_no_text() {
        let mut control = ordered(json!({"fail": {"method": "deleteByIds", "applied": true}}));
        let injected = control.call(Method::DeleteByIds);
        assert_eq!(injected, Some(Injected { refusal: None, applied: true }));
    }

    #[test]
    fn reports_show_orders_and_counts_until_reset() {
        let order = json!({"late_ms": 50, "fail": {"method": "query", "times": 3, "code": 40006}});
        let mut control = ordered(order);
        control.call(Method::Query);
        control.call(Method::Describe);
        let report = control.report(7, 1);
        assert_eq!(report["vectors"], 7);
        assert_eq!(report["pending"], 1);
        assert_eq!(report["late_ms"], 50);
        assert_eq!(report["fail"][0]["times"], 2);
        assert_eq!(report["calls"]["query"], 1);
        assert_eq!(report["calls"]["upsert"], 0);
        control.obey(Order { reset: true, ..Order::default() });
        let report = control.report(7, 0);
        assert_eq!(report["late_ms"], 0);
        assert_eq!(report["fail"], json!([]));
        assert_eq!(report["calls"]["query"], 0);
    }

    #[test]
    fn unknown_orders_are_refused() {
        for order in [json!({"late": 1}), json!({"fail": {"method": "list"}}), json!({"fail": {}})]
        {
            assert!(serde_json::from_value::<Order>(order.clone()).is_err(), "{order}");
        }
    }
}
