//! The Durable Object that keeps the index: rows in `SQLite`, and all of them in memory for the
//! search. Owns no rules: those are in [`wire`](crate::wire) and [`index`](crate::index).

use std::{cell::RefCell, fmt::Write as _};

use serde_json::{Map, Value};
use worker::{
    Date, DurableObject, Env, Request, Response, Result, SqlStorage, SqlStorageValue, State, Stub,
    durable_object, js_sys,
};

use crate::{
    fault::Fault,
    index::{Change, Index, Vector},
    limits,
    metric::Metric,
    wire::{self, Command, Processed, Write},
};

const BINDING: &str = "INDEX";

/// One Vectorize index. Answers the HTTP interface of [`wire`](crate::wire).
#[durable_object(fetch)]
pub struct VectorIndex {
    sql: SqlStorage,
    env: Env,
    /// Filled by the first request. Never borrowed across an await: reading the body is the
    /// only one, and `SQLite` answers synchronously.
    index: RefCell<Option<Index>>,
}

impl DurableObject for VectorIndex {
    fn new(state: State, env: Env) -> Self {
        Self { sql: state.storage().sql(), env, index: RefCell::new(None) }
    }

    async fn fetch(&self, mut req: Request) -> Result<Response> {
        let path = req.path();
        let operation = path.trim_start_matches('/');
        let content_type = req.headers().get("content-type")?.unwrap_or_default();
        let body = req.bytes().await?;
        let answer = self.answer(operation, content_type.starts_with(wire::NDJSON), &body)?;
        match answer {
            Ok(value) => Response::from_json(&value),
            Err(fault) => Ok(Response::from_json(&fault)?.with_status(400)),
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

impl VectorIndex {
    fn answer(
        &self,
        operation: &str,
        ndjson: bool,
        body: &[u8],
    ) -> Result<std::result::Result<Value, Fault>> {
        let mut slot = self.index.borrow_mut();
        let index = match &mut *slot {
            Some(index) => index,
            empty => empty.insert(load(&self.sql, &self.env)?),
        };
        let command = match wire::read(operation, ndjson, body, index.dimensions()) {
            Ok(command) => command,
            Err(fault) => return Ok(Err(fault)),
        };
        Ok(match command {
            Command::Info => Ok(wire::info(index, &processed(&self.sql)?)),
            Command::Query(query) => query.answer(index),
            Command::Get(ids) => Ok(wire::vectors(index, &ids)),
            Command::Write(write) => {
                let written = store(&self.sql, index, write);
                if written.is_err() {
                    // Memory and disk may differ now: the next request reads the disk.
                    *slot = None;
                }
                Ok(serde_json::json!({ "mutationId": written? }))
            }
        })
    }
}

/// Reads the whole index, making the tables where there are none.
fn load(sql: &SqlStorage, env: &Env) -> Result<Index> {
    let dimensions = env.var("DIMENSIONS")?.to_string();
    let dimensions = dimensions.parse().ok().filter(|n| (1..=limits::DIMENSIONS_MAX).contains(n));
    let dimensions = dimensions.ok_or("DIMENSIONS must be a number from 1 to 1536")?;
    let metric = Metric::from_name(&env.var("METRIC")?.to_string());
    let metric = metric.ok_or("METRIC must be euclidean, cosine or dot-product")?;

    sql.exec(
        "CREATE TABLE IF NOT EXISTS vectors (
           id TEXT PRIMARY KEY, namespace TEXT, metadata TEXT, vector BLOB NOT NULL
         );
         CREATE TABLE IF NOT EXISTS processed (
           one INTEGER PRIMARY KEY CHECK (one = 1), mutation TEXT NOT NULL, datetime TEXT NOT NULL
         );",
        None,
    )?;
    let mut index = Index::new(dimensions, metric);
    for row in sql.exec("SELECT id, namespace, metadata, vector FROM vectors", None)?.raw() {
        let vector = read_row(row?)?;
        if vector.values.len() != dimensions {
            return Err("the stored vectors have other DIMENSIONS; start with a new state".into());
        }
        index.apply(Change::Put(vector));
    }
    Ok(index)
}

/// Applies a write to disk, then to memory, and returns its mutation id. There is no await, so
/// the Durable Object commits all of it or nothing.
fn store(sql: &SqlStorage, index: &mut Index, write: Write) -> Result<String> {
    let changes = write.changes(index);
    for change in &changes {
        match change {
            Change::Put(vector) => sql.exec(
                "INSERT OR REPLACE INTO vectors (id, namespace, metadata, vector)
                 VALUES (?, ?, ?, ?)",
                write_row(vector)?,
            )?,
            Change::Remove(id) => {
                sql.exec("DELETE FROM vectors WHERE id = ?", vec![id.as_str().into()])?
            }
        };
    }
    let mutation = mutation_id()?;
    let now = js_sys::Date::from(Date::now()).to_iso_string();
    sql.exec(
        "INSERT OR REPLACE INTO processed (one, mutation, datetime) VALUES (1, ?, ?)",
        vec![mutation.as_str().into(), String::from(now).into()],
    )?;
    for change in changes {
        index.apply(change);
    }
    Ok(mutation)
}

fn processed(sql: &SqlStorage) -> Result<Processed> {
    let mut rows = sql.exec("SELECT datetime, mutation FROM processed", None)?.raw();
    let mut row = rows.next().transpose()?.unwrap_or_default().into_iter();
    let mut text = || match row.next() {
        Some(SqlStorageValue::String(text)) => Some(text),
        _ => None,
    };
    Ok(Processed { datetime: text(), mutation: text() })
}

fn write_row(vector: &Vector) -> Result<Vec<SqlStorageValue>> {
    let metadata = vector.metadata.as_ref().map(serde_json::to_string).transpose()?;
    let bytes: Vec<u8> = vector.values.iter().flat_map(|value| value.to_le_bytes()).collect();
    Ok(vec![
        vector.id.as_str().into(),
        vector.namespace.clone().into(),
        metadata.into(),
        bytes.into(),
    ])
}

fn read_row(row: Vec<SqlStorageValue>) -> Result<Vector> {
    use SqlStorageValue::{Blob, Null, String as Text};
    let Ok([Text(id), namespace, metadata, Blob(bytes)]) = <[_; 4]>::try_from(row) else {
        return Err("a stored vector has unknown columns".into());
    };
    let namespace = match namespace {
        Text(text) => Some(text),
        _ => None,
    };
    let metadata: Option<Map<std::string::String, Value>> = match metadata {
        Text(text) => Some(serde_json::from_str(&text)?),
        Null => None,
        _ => return Err("stored metadata is not text".into()),
    };
    let (numbers, _) = bytes.as_chunks::<4>();
    let values = numbers.iter().map(|number| f32::from_le_bytes(*number)).collect();
    Ok(Vector { id, values, namespace, metadata })
}

/// A random UUID, the form of Vectorize's mutation ids.
fn mutation_id() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| error.to_string())?;
    // Version 4, variant 1.
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut uuid = String::with_capacity(36);
    for (i, byte) in bytes.iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            uuid.push('-');
        }
        write!(uuid, "{byte:02x}").map_err(|error| error.to_string())?;
    }
    Ok(uuid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_survive_storage() {
        let vector = Vector {
            id: "a".into(),
            values: vec![0.1, -2.5e-38, 3.0e38],
            namespace: Some("n".into()),
            metadata: serde_json::json!({"name": "Žofie", "n": 1.5}).as_object().cloned(),
        };
        assert_eq!(read_row(write_row(&vector).unwrap()).unwrap(), vector);
        let bare = Vector { namespace: None, metadata: None, ..vector };
        assert_eq!(read_row(write_row(&bare).unwrap()).unwrap(), bare);
    }

    #[test]
    fn mutation_ids_are_random_uuids() {
        let (a, b) = (mutation_id().unwrap(), mutation_id().unwrap());
        assert_ne!(a, b);
        let parts: Vec<usize> = a.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
        assert_eq!(&a[14..15], "4");
        assert!("89ab".contains(&a[19..20]));
    }
}
