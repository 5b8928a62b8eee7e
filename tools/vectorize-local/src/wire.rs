//! The HTTP interface of an index as JSON: reading and checking requests, deciding what a write
//! changes, and shaping answers. Pure: the Durable Object brings the bytes and the storage.
//!
//! | request | body | answer |
//! | --- | --- | --- |
//! | `GET info` | | dimensions, count, last mutation |
//! | `POST query` | options, and `vector` or `vectorId` | matches |
//! | `POST getByIds` | `{ids}` | vectors |
//! | `POST deleteByIds` | `{ids}` | `{mutationId}` |
//! | `POST insert`, `POST upsert` | `{vectors}`, or one per line as NDJSON | `{mutationId}` |

use std::collections::HashSet;

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error as _},
};
use serde_json::{Map, Value, json};

use crate::{
    config::Config,
    fault::Fault,
    filter::{self, Filter, Indexed},
    index::{Change, Hit, Index, Scope, Vector},
    limits,
};

/// The media type of vectors that come one per line.
pub const NDJSON: &str = "application/x-ndjson";

/// A request that can be carried out.
#[derive(Debug, PartialEq)]
pub enum Command {
    /// Describes the index.
    Info,
    /// Searches it.
    Query(Query),
    /// Reads vectors.
    Get(Vec<String>),
    /// Changes it.
    Write(Write),
}

/// A search.
#[derive(Debug, PartialEq)]
pub struct Query {
    target: Target,
    top_k: usize,
    namespace: Option<String>,
    filter: Option<Filter>,
    values: bool,
    metadata: ReturnMetadata,
}

/// A change of the index, before it is known what it holds.
#[derive(Debug, PartialEq)]
pub enum Write {
    /// Stores vectors whose ids are new.
    Insert(Vec<Vector>),
    /// Stores vectors.
    Upsert(Vec<Vector>),
    /// Removes vectors.
    Delete(Vec<String>),
}

/// A stored vector as callers write and read it.
#[derive(Debug, Serialize, Deserialize)]
pub struct JsonVector {
    id: String,
    values: Vec<f32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    metadata: Option<Map<String, Value>>,
}

/// The last write that was applied.
#[derive(Debug, Default)]
pub struct Processed {
    /// RFC 3339.
    pub datetime: Option<String>,
    /// What the write answered.
    pub mutation: Option<String>,
}

#[derive(Debug, PartialEq)]
enum Target {
    Vector(Vec<f32>),
    Id(String),
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum ReturnMetadata {
    #[default]
    None,
    Indexed,
    All,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonQuery {
    vector: Option<Vec<f32>>,
    vector_id: Option<String>,
    top_k: Option<usize>,
    namespace: Option<String>,
    #[serde(default)]
    return_values: bool,
    #[serde(default)]
    return_metadata: ReturnMetadata,
    filter: Option<Map<String, Value>>,
}

impl<'de> Deserialize<'de> for ReturnMetadata {
    /// By hand for the sake of the text: Vectorize names the field, serde would not.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)?.as_str() {
            Some("none") => Ok(Self::None),
            Some("indexed") => Ok(Self::Indexed),
            Some("all") => Ok(Self::All),
            _ => Err(D::Error::custom("returnMetadata: expected value")),
        }
    }
}

#[derive(Deserialize)]
struct JsonIds {
    ids: Vec<String>,
}

#[derive(Deserialize)]
struct JsonVectors {
    vectors: Vec<JsonVector>,
}

/// Reads a request for an index. `operation` is the last part of the path.
///
/// # Errors
/// A refusal in the words of Vectorize.
pub fn read(operation: &str, ndjson: bool, body: &[u8], config: &Config) -> Result<Command, Fault> {
    match operation {
        "info" => Ok(Command::Info),
        "query" => read_query(json(body)?, config.dimensions).map(Command::Query),
        "getByIds" => read_ids(body, limits::GET_IDS_MAX).map(Command::Get),
        "deleteByIds" => {
            let ids = read_ids(body, limits::DELETE_IDS_MAX)?;
            Ok(Command::Write(Write::Delete(ids)))
        }
        "insert" | "upsert" => {
            let vectors = read_vectors(operation, ndjson, body, config)?;
            Ok(Command::Write(match operation {
                "insert" => Write::Insert(vectors),
                _ => Write::Upsert(vectors),
            }))
        }
        _ => Err(Fault::new(format!("unknown operation \"{operation}\""))),
    }
}

impl Query {
    /// The answer of an index.
    ///
    /// # Errors
    /// When the query names a vector that the index does not hold.
    pub fn answer(&self, index: &Index) -> Result<Value, Fault> {
        let stored;
        let vector = match &self.target {
            Target::Vector(values) => values,
            Target::Id(id) => {
                let missing = || Fault::new(format!("no vector with id \"{id}\""));
                stored = index.get(id).ok_or_else(missing)?.values;
                &stored
            }
        };
        let scope = Scope { namespace: self.namespace.as_deref(), filter: self.filter.as_ref() };
        let hits = index.nearest(vector, scope, self.top_k);
        let matches: Vec<Value> = hits.into_iter().map(|hit| self.shape(hit)).collect();
        Ok(json!({ "count": matches.len(), "matches": matches }))
    }

    fn shape(&self, hit: Hit) -> Value {
        let mut shape = json!({ "id": hit.vector.id, "score": hit.score });
        if self.values {
            shape["values"] = json!(hit.vector.values);
        }
        let indexed = &hit.vector.indexed;
        let metadata = match self.metadata {
            ReturnMetadata::None => None,
            ReturnMetadata::Indexed => (!indexed.is_empty()).then(|| filter::unfold(indexed)),
            ReturnMetadata::All => hit.vector.metadata,
        };
        if let Some(metadata) = metadata {
            shape["metadata"] = Value::Object(metadata);
        }
        if let Some(namespace) = hit.vector.namespace {
            shape["namespace"] = Value::String(namespace);
        }
        shape
    }
}

impl Write {
    /// What this write changes in an index: an insert leaves ids alone that exist, or that the
    /// same insert has brought before.
    #[must_use]
    pub fn changes(self, index: &Index) -> Vec<Change> {
        match self {
            Self::Upsert(vectors) => vectors.into_iter().map(Change::Put).collect(),
            Self::Delete(ids) => ids.into_iter().map(Change::Remove).collect(),
            Self::Insert(vectors) => {
                let mut seen = HashSet::new();
                vectors
                    .into_iter()
                    .filter(|vector| !index.contains(&vector.id) && seen.insert(vector.id.clone()))
                    .map(Change::Put)
                    .collect()
            }
        }
    }
}

/// The answer to `info`.
#[must_use]
pub fn info(index: &Index, processed: &Processed) -> Value {
    json!({
        "dimensions": index.config().dimensions,
        "vectorCount": index.len(),
        "processedUpToDatetime": processed.datetime,
        "processedUpToMutation": processed.mutation,
    })
}

/// The answer to `getByIds`: those that exist, in the order asked for.
#[must_use]
pub fn vectors(index: &Index, ids: &[String]) -> Value {
    let found = ids.iter().filter_map(|id| index.get(id));
    let shaped = found.map(|Vector { id, values, namespace, metadata, .. }| {
        json!(JsonVector { id, values, namespace, metadata })
    });
    Value::Array(shaped.collect())
}

fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(body).map_err(Fault::unreadable_body)
}

fn read_query(query: JsonQuery, dimensions: usize) -> Result<Query, Fault> {
    let target = match (query.vector, query.vector_id) {
        (Some(vector), None) => {
            if vector.len() != dimensions {
                return Err(Fault::query_dimensions(dimensions, vector.len()));
            }
            if vector.iter().any(|value| !value.is_finite()) {
                return Err(Fault::unreadable_body("vector: a number is out of range"));
            }
            Target::Vector(vector)
        }
        (None, Some(id)) => Target::Id(check_id(id)?),
        _ => return Err(Fault::new("either vector or vectorId is required")),
    };
    let content = query.return_values || query.return_metadata == ReturnMetadata::All;
    let top_k = query.top_k.unwrap_or(limits::TOP_K_DEFAULT);
    check_top_k(top_k, content)?;
    check_namespace(query.namespace.as_deref())?;
    Ok(Query {
        target,
        top_k,
        namespace: query.namespace,
        filter: query.filter.as_ref().map(Filter::read).transpose()?,
        values: query.return_values,
        metadata: query.return_metadata,
    })
}

fn check_top_k(top_k: usize, content: bool) -> Result<(), Fault> {
    if content && top_k > limits::TOP_K_WITH_CONTENT_MAX {
        return Err(Fault::top_k_with_content(top_k));
    }
    if top_k > limits::TOP_K_MAX {
        return Err(Fault::top_k(top_k));
    }
    if top_k == 0 {
        return Err(Fault::new("min top K is 1, but got 0"));
    }
    Ok(())
}

fn read_ids(body: &[u8], max: usize) -> Result<Vec<String>, Fault> {
    let JsonIds { ids } = json(body)?;
    if ids.len() > max {
        return Err(Fault::too_many_ids(max, ids.len()));
    }
    ids.into_iter().map(check_id).collect()
}

fn check_id(id: String) -> Result<String, Fault> {
    if id.len() > limits::ID_BYTES_MAX {
        return Err(Fault::long_id(id.len()));
    }
    if id.is_empty() {
        return Err(Fault::new("id is empty"));
    }
    Ok(id)
}

fn read_vectors(
    operation: &str,
    ndjson: bool,
    body: &[u8],
    config: &Config,
) -> Result<Vec<Vector>, Fault> {
    let unreadable = |_| Fault::unreadable_vectors(operation);
    let vectors: Vec<JsonVector> = if ndjson {
        let lines = serde_json::Deserializer::from_slice(body).into_iter();
        lines.collect::<Result<_, _>>().map_err(unreadable)?
    } else {
        serde_json::from_slice::<JsonVectors>(body).map_err(unreadable)?.vectors
    };
    let (max, got) = (limits::WRITE_VECTORS_MAX, vectors.len());
    if got > max {
        let text = format!("too many vectors in payload; max vector count is {max}, got {got}");
        return Err(Fault::new(text));
    }
    vectors.into_iter().map(|vector| check_vector(vector, config)).collect()
}

fn check_vector(vector: JsonVector, config: &Config) -> Result<Vector, Fault> {
    let JsonVector { id, values, namespace, metadata } = vector;
    let id = check_id(id)?;
    if values.len() != config.dimensions {
        return Err(Fault::vector_dimensions(&id, config.dimensions, values.len()));
    }
    if values.iter().any(|value| !value.is_finite()) {
        return Err(Fault::new(format!("invalid vector for id=\"{id}\", not a float32 number")));
    }
    check_namespace(namespace.as_deref())?;
    check_metadata(&id, metadata.as_ref())?;
    let indexed = metadata
        .as_ref()
        .map_or_else(Indexed::new, |metadata| filter::indexed(metadata, &config.metadata_indexes));
    Ok(Vector { id, values, namespace, metadata, indexed })
}

fn check_namespace(namespace: Option<&str>) -> Result<(), Fault> {
    match namespace.map(str::len) {
        Some(bytes) if bytes > limits::NAMESPACE_BYTES_MAX => Err(Fault::long_namespace(bytes)),
        _ => Ok(()),
    }
}

fn check_metadata(id: &str, metadata: Option<&Map<String, Value>>) -> Result<(), Fault> {
    let Some(metadata) = metadata else { return Ok(()) };
    let bad = |key: &&String| key.is_empty() || key.starts_with('$') || key.contains(['.', '"']);
    if let Some(key) = metadata.keys().find(bad) {
        return Err(Fault::metadata_key(id, key));
    }
    let bytes = json!(metadata).to_string().len();
    if bytes > limits::METADATA_BYTES_MAX {
        return Err(Fault::oversized_metadata(id, bytes));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
