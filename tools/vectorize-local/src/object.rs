//! The Durable Object that is the index: it answers requests from the vectors in memory and
//! keeps them in its [`storage`](crate::storage). Owns no rules: those are in
//! [`protocol`], [`index`](crate::index) and [`control`](crate::control).

use std::cell::RefCell;

use serde_json::{Value, json};
use worker::{Date, DurableObject, Env, Request, Response, Result, State, Stub, durable_object};

use crate::control::{Control, Injected, Order};
use crate::index::Index;
use crate::limits;
use crate::method::Method;
use crate::protocol::{self, Command};
use crate::refusal::Refusal;
use crate::storage::Storage;

/// The name of the Durable Objects in wrangler.toml.
const BINDING: &str = "INDEX";

/// The variable in wrangler.toml that says how many numbers a vector has.
const DIMENSIONS: &str = "DIMENSIONS";

/// The path of control calls.
const CONTROL: &str = "control";

// Both belong to the isolate. The runtime removes an object that is idle for some seconds, but the
// orders of a test must stay, and the vectors take long to read again. There is one object, so
// there is one of each. No borrow lives across an await.
thread_local! {
    static ORDERS: RefCell<Control> = RefCell::default();
    /// Filled by the first request.
    static LOADED: RefCell<Option<Index>> = const { RefCell::new(None) };
}

/// One Vectorize index. Answers the requests of [`protocol`], and control calls.
#[durable_object(fetch)]
pub struct VectorIndex {
    storage: Storage,
    env: Env,
}

impl DurableObject for VectorIndex {
    fn new(state: State, env: Env) -> Self {
        // A new object may follow one whose last write was not committed.
        LOADED.take();
        Self { storage: Storage::new(state.storage().sql()), env }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let path = request.path();
        let path = path.trim_start_matches('/');
        let body = request.bytes().await?;
        if path == CONTROL {
            return self.control(&body);
        }
        let Some(method) = Method::of_path(path) else {
            return refuse(&Refusal::uncoded(format!("unknown operation \"{path}\"")));
        };
        let Some(injected) = ORDERS.with_borrow_mut(|orders| orders.call(method)) else {
            return match self.answer(method, &body)? {
                Ok(value) => Response::from_json(&value),
                Err(refusal) => refuse(&refusal),
            };
        };
        let Injected { refusal, applied } = injected;
        if applied {
            // The caller is not told how it went: that is what was ordered.
            let _ = self.answer(method, &body)?;
        }
        match refusal {
            Some(refusal) => refuse(&refusal),
            None => Response::error("Service Unavailable", 503),
        }
    }
}

/// The one index of this stand-in.
///
/// # Errors
/// When the binding is missing.
pub(crate) fn stub(env: &Env) -> Result<Stub> {
    env.durable_object(BINDING)?.get_by_name("index")
}

fn refuse(refusal: &Refusal) -> Result<Response> {
    Ok(Response::from_json(refusal)?.with_status(400))
}

impl VectorIndex {
    fn answer(&self, method: Method, body: &[u8]) -> Result<std::result::Result<Value, Refusal>> {
        let now_ms = Date::now().as_millis();
        self.with_index(now_ms, |index| {
            let command = match protocol::read(method, body, index.dimensions()) {
                Ok(command) => command,
                Err(refusal) => return Ok(Err(refusal)),
            };
            Ok(Ok(match command {
                Command::Describe => protocol::describe(index, &self.storage.processed()?),
                Command::Query(query) => query.answer(index),
                Command::Get(ids) => protocol::vectors(index, &ids),
                Command::Write(write) => {
                    let late_ms = ORDERS.with_borrow(Control::late_ms);
                    let mutation = self.storage.accept(index, write, now_ms, late_ms)?;
                    json!({ "mutationId": mutation })
                }
            }))
        })
    }

    fn control(&self, body: &[u8]) -> Result<Response> {
        let order = match body {
            [] => Ok(Order::default()),
            body => serde_json::from_slice::<Order>(body),
        };
        let order = match order {
            Ok(order) => order,
            Err(error) => {
                return refuse(&Refusal::uncoded(format!("not a control call: {error}")));
            }
        };
        let now_ms = Date::now().as_millis();
        if order.reset {
            self.with_index(now_ms, |index| self.storage.apply_all(index, now_ms))?;
        }
        ORDERS.with_borrow_mut(|orders| orders.obey(order));
        let (vectors, waiting) =
            self.with_index(now_ms, |index| Ok((index.len(), self.storage.waiting()?)))?;
        Response::from_json(&ORDERS.with_borrow(|orders| orders.report(vectors, waiting)))
    }

    /// Applies the writes that are due, then acts on the index.
    fn with_index<T>(&self, now_ms: u64, act: impl FnOnce(&mut Index) -> Result<T>) -> Result<T> {
        LOADED.with_borrow_mut(|loaded| {
            if loaded.is_none() {
                *loaded = Some(self.load()?);
            }
            let Some(index) = loaded else { return Err("no index".into()) };
            let outcome = self.storage.apply_due(index, now_ms).and_then(|()| act(index));
            if outcome.is_err() {
                // Memory and disk may differ now: the next request reads the disk.
                *loaded = None;
            }
            outcome
        })
    }

    fn load(&self) -> Result<Index> {
        let mut index = Index::new(dimensions(&self.env.var(DIMENSIONS)?.to_string())?);
        self.storage.load(&mut index)?;
        Ok(index)
    }
}

/// How many numbers a vector has, as the configuration says it.
fn dimensions(text: &str) -> std::result::Result<usize, String> {
    let max = limits::DIMENSIONS_MAX;
    let dimensions = text.parse().ok().filter(|n| (1..=max).contains(n));
    dimensions.ok_or_else(|| format!("{DIMENSIONS} must be a number from 1 to {max}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dimensions_are_those_that_vectorize_allows() {
        assert_eq!(dimensions("1"), Ok(1));
        assert_eq!(dimensions("1536"), Ok(1536));
        for text in ["0", "1537", "many", "-1", ""] {
            let expected = "DIMENSIONS must be a number from 1 to 1536";
            assert_eq!(dimensions(text).unwrap_err(), expected, "{text}");
        }
    }
}
