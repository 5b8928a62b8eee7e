//! The core of this stand-in as a target: no Worker, no storage, no network.

use std::cell::{Cell, RefCell};

use serde_json::{Value, json};

use super::{Method, Target};
use crate::{
    config::Config,
    fault::Fault,
    index::Index,
    wire::{self, Command, Processed},
};

/// An index in this process.
pub struct Native {
    index: RefCell<Index>,
    writes: Cell<u64>,
}

impl Native {
    /// An empty one.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self { index: RefCell::new(Index::new(config)), writes: Cell::new(0) }
    }

    fn mutation(&self) -> String {
        format!("{:032x}", self.writes.get())
    }
}

impl Target for Native {
    fn call(&self, method: Method, arguments: &[Value]) -> Result<Value, Fault> {
        let body = body(method, arguments).to_string();
        let mut index = self.index.borrow_mut();
        let command = wire::read(method.path(), false, body.as_bytes(), index.config())?;
        match command {
            Command::Info => {
                let mutation = (self.writes.get() > 0).then(|| self.mutation());
                Ok(wire::info(&index, &Processed { datetime: mutation.clone(), mutation }))
            }
            Command::Query(query) => query.answer(&index),
            Command::Get(ids) => Ok(wire::vectors(&index, &ids)),
            Command::Write(write) => {
                write.changes(&index).into_iter().for_each(|change| index.apply(change));
                self.writes.set(self.writes.get() + 1);
                Ok(json!({ "mutationId": self.mutation() }))
            }
        }
    }

    fn pause(&self) {}

    fn is_binding(&self) -> bool {
        false
    }
}

/// The body of the request that a call becomes, but for what the binding changes.
#[must_use]
pub(super) fn body(method: Method, arguments: &[Value]) -> Value {
    let first = arguments.first().cloned().unwrap_or_default();
    let mut options = match arguments.get(1) {
        Some(Value::Object(options)) => options.clone(),
        _ => serde_json::Map::new(),
    };
    let key = match method {
        Method::Describe => return Value::Null,
        Method::Query => "vector",
        Method::QueryById => "vectorId",
        Method::Insert | Method::Upsert => "vectors",
        Method::GetByIds | Method::DeleteByIds => "ids",
    };
    options.insert(key.to_owned(), first);
    Value::Object(options)
}
