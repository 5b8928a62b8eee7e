//! The Durable Object that is the index: it answers requests from the vectors in memory and
//! keeps them in its [`storage`](crate::storage). Owns no rules: those are in
//! [`wire`](crate::wire), [`index`](crate::index) and [`control`](crate::control).

use std::cell::RefCell;

use serde_json::{Value, json};
use worker::{Date, DurableObject, Env, Request, Response, Result, State, Stub, durable_object};

use crate::{
    config::Config,
    control::{Control, Injected, Order},
    fault::Fault,
    index::Index,
    method::Method,
    storage::Storage,
    wire::{self, Command},
};

const BINDING: &str = "INDEX";

/// The path of control calls.
const CONTROL: &str = "control";

// Both belong to the isolate, since the object goes away whenever it is idle for some seconds,
// and with it neither what a test has ordered may go, nor what takes long to read. There is one
// object, so there is one of each. No borrow lives across an await.
thread_local! {
    static ORDERS: RefCell<Control> = RefCell::default();
    /// Filled by the first request.
    static LOADED: RefCell<Option<Index>> = const { RefCell::new(None) };
}

/// One Vectorize index. Answers the HTTP interface of [`wire`](crate::wire), and control calls.
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

    async fn fetch(&self, mut req: Request) -> Result<Response> {
        let path = req.path();
        let path = path.trim_start_matches('/');
        let content_type = req.headers().get("content-type")?.unwrap_or_default();
        let body = req.bytes().await?;
        if path == CONTROL {
            return self.control(&body);
        }
        let answer = || self.answer(path, content_type.starts_with(wire::NDJSON), &body);
        let called = Method::of_request(path, &body);
        match called.and_then(|method| ORDERS.with_borrow_mut(|orders| orders.call(method))) {
            None => match answer()? {
                Ok(value) => Response::from_json(&value),
                Err(fault) => refusal(&fault),
            },
            Some(Injected { fault, applied }) => {
                if applied {
                    let _ = answer()?;
                }
                match fault {
                    Some(fault) => refusal(&fault),
                    None => Response::error("Service Unavailable", 503),
                }
            }
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

fn refusal(fault: &Fault) -> Result<Response> {
    Ok(Response::from_json(fault)?.with_status(400))
}

impl VectorIndex {
    fn answer(
        &self,
        operation: &str,
        ndjson: bool,
        body: &[u8],
    ) -> Result<std::result::Result<Value, Fault>> {
        let now = Date::now().as_millis();
        self.with_index(now, |index| {
            let command = match wire::read(operation, ndjson, body, index.config()) {
                Ok(command) => command,
                Err(fault) => return Ok(Err(fault)),
            };
            Ok(match command {
                Command::Info => Ok(wire::info(index, &self.storage.processed()?)),
                Command::Query(query) => query.answer(index),
                Command::Get(ids) => Ok(wire::vectors(index, &ids)),
                Command::Write(write) => {
                    let late_ms = ORDERS.with_borrow(Control::late_ms);
                    let mutation = self.storage.accept(index, write, now, late_ms)?;
                    Ok(json!({ "mutationId": mutation }))
                }
            })
        })
    }

    fn control(&self, body: &[u8]) -> Result<Response> {
        let order = match body {
            [] => Ok(Order::default()),
            body => serde_json::from_slice::<Order>(body),
        };
        let order = match order {
            Ok(order) => order,
            Err(error) => return refusal(&Fault::new(format!("not a control call: {error}"))),
        };
        let now = Date::now().as_millis();
        if order.reset {
            self.with_index(now, |index| self.storage.hurry(index, now))?;
        }
        ORDERS.with_borrow_mut(|orders| orders.obey(order));
        let (vectors, waiting) =
            self.with_index(now, |index| Ok((index.len(), self.storage.waiting()?)))?;
        Response::from_json(&ORDERS.with_borrow(|orders| orders.report(vectors, waiting)))
    }

    /// Does something with the index as it is at this time.
    fn with_index<T>(&self, now: u64, act: impl FnOnce(&mut Index) -> Result<T>) -> Result<T> {
        LOADED.with_borrow_mut(|slot| {
            if slot.is_none() {
                *slot = Some(self.load()?);
            }
            let Some(index) = slot else { return Err("no index".into()) };
            let done = self.storage.apply_due(index, now).and_then(|()| act(index));
            if done.is_err() {
                // Memory and disk may differ now: the next request reads the disk.
                *slot = None;
            }
            done
        })
    }

    fn load(&self) -> Result<Index> {
        let var = |name: &str| self.env.var(name).map(|value| value.to_string());
        let metadata_indexes = var("METADATA_INDEXES").unwrap_or_default();
        let config = Config::read(&var("DIMENSIONS")?, &var("METRIC")?, &metadata_indexes)?;
        let mut index = Index::new(config);
        self.storage.load(&mut index)?;
        Ok(index)
    }
}
