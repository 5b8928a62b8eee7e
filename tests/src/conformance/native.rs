//! The core of `vectorize-local` as a target: no Worker, no storage, no network.

use std::cell::{Cell, RefCell};

use serde_json::{Map, Value, json};
use vectorize_local::index::Index;
use vectorize_local::method::Method;
use vectorize_local::protocol::{self, Command, Processed};

use super::{Answer, DIMENSIONS, Target};

/// An index in this process.
pub struct Native {
    index: RefCell<Index>,
    writes: Cell<u64>,
}

impl Native {
    /// An empty index.
    #[must_use]
    pub fn new() -> Self {
        Self { index: RefCell::new(Index::new(DIMENSIONS)), writes: Cell::new(0) }
    }

    /// The mutation id of the last write.
    fn mutation(&self) -> String {
        format!("{:032x}", self.writes.get())
    }
}

impl Default for Native {
    fn default() -> Self {
        Self::new()
    }
}

impl Target for Native {
    fn call(&self, method: Method, arguments: &[Value]) -> anyhow::Result<Answer> {
        let command = match protocol::read(method, body(method, arguments).as_bytes(), DIMENSIONS) {
            Ok(command) => command,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let mut index = self.index.borrow_mut();
        Ok(Ok(match command {
            Command::Describe => {
                let mutation = (self.writes.get() > 0).then(|| self.mutation());
                let processed = Processed { datetime: mutation.clone(), mutation };
                protocol::describe(&index, &processed)
            }
            Command::Query(query) => query.answer(&index),
            Command::Get(ids) => protocol::vectors(&index, &ids),
            Command::Write(write) => {
                index.apply(write);
                self.writes.set(self.writes.get() + 1);
                json!({ "mutationId": self.mutation() })
            }
        }))
    }

    fn pause(&self) {}

    fn is_binding(&self) -> bool {
        false
    }
}

/// The body of the request that the binding makes of a call.
fn body(method: Method, arguments: &[Value]) -> String {
    let first = arguments.first().cloned().unwrap_or_default();
    match method {
        Method::Describe => String::new(),
        Method::GetByIds | Method::DeleteByIds => json!({ "ids": first }).to_string(),
        Method::Upsert => {
            let vectors = first.as_array().into_iter().flatten();
            vectors.map(Value::to_string).collect::<Vec<_>>().join("\n")
        }
        Method::Query => {
            let options = arguments.get(1).and_then(Value::as_object).cloned();
            let mut options = options.unwrap_or_else(Map::new);
            options.insert("vector".to_owned(), first);
            Value::Object(options).to_string()
        }
    }
}
