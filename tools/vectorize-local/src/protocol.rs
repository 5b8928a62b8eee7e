//! The HTTP interface of an index: reading and checking requests, and shaping answers. Pure: the
//! Durable Object brings the bytes and the storage.
//!
//! | request | body | answer |
//! | --- | --- | --- |
//! | `GET info` | | dimensions, count, last mutation |
//! | `POST query` | JSON: options and `vector` | matches |
//! | `POST getByIds` | JSON: `{ids}` | vectors |
//! | `POST deleteByIds` | JSON: `{ids}` | `{mutationId}` |
//! | `POST upsert` | NDJSON: a vector a line | `{mutationId}` |

use serde::de::{DeserializeOwned, Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

use crate::index::{Hit, Index, Vector, Write};
use crate::limits;
use crate::method::Method;
use crate::refusal::Refusal;

/// The media type of vectors that come one a line.
pub const NDJSON: &str = "application/x-ndjson";

/// A request that can be carried out.
#[derive(Debug, PartialEq)]
pub enum Command {
    /// Describes the index.
    Describe,
    /// Searches it.
    Query(Query),
    /// Reads vectors.
    Get(Vec<String>),
    /// Changes it.
    Write(Write),
}

/// A search.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Query {
    vector: Vec<f32>,
    top_k: Option<usize>,
    namespace: Option<String>,
    #[serde(default)]
    return_values: bool,
    #[serde(default)]
    return_metadata: ReturnMetadata,
    filter: Option<IgnoredAny>,
}

/// The last write that was applied.
#[derive(Debug, Default)]
pub struct Processed {
    /// When, RFC 3339.
    pub datetime: Option<String>,
    /// The mutation id that the write was answered with.
    pub mutation: Option<String>,
}

/// How much metadata matches bring back. There are no metadata indexes here, so `indexed` brings
/// nothing back; but it has other limits.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum ReturnMetadata {
    #[default]
    None,
    Indexed,
    All,
}

impl<'de> Deserialize<'de> for ReturnMetadata {
    /// Written by hand for the sake of the text: Vectorize names the field, serde would not.
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
struct Ids {
    ids: Vec<String>,
}

/// Reads a request for an index with so many dimensions.
///
/// # Errors
/// A refusal in the words of Vectorize.
pub fn read(method: Method, body: &[u8], dimensions: usize) -> Result<Command, Refusal> {
    Ok(match method {
        Method::Describe => Command::Describe,
        Method::Query => Command::Query(read_query(body, dimensions)?),
        Method::GetByIds => Command::Get(read_ids(body, limits::GET_IDS_MAX)?),
        Method::DeleteByIds => {
            Command::Write(Write::Delete(read_ids(body, limits::DELETE_IDS_MAX)?))
        }
        Method::Upsert => Command::Write(Write::Upsert(read_vectors(body, dimensions)?)),
    })
}

impl Query {
    /// The answer of an index.
    #[must_use]
    pub fn answer(&self, index: &Index) -> Value {
        let top_k = self.top_k();
        let hits = index.nearest(&self.vector, self.namespace.as_deref(), top_k);
        let matches: Vec<Value> = hits.iter().map(|hit| self.shape(hit)).collect();
        json!({ "count": matches.len(), "matches": matches })
    }

    fn top_k(&self) -> usize {
        self.top_k.unwrap_or(limits::TOP_K_DEFAULT)
    }

    fn shape(&self, hit: &Hit<'_>) -> Value {
        let Vector { id, values, namespace, metadata } = hit.vector;
        let mut shape = json!({ "id": id, "score": hit.score });
        if self.return_values {
            shape["values"] = json!(values);
        }
        if let (ReturnMetadata::All, Some(metadata)) = (self.return_metadata, metadata) {
            shape["metadata"] = json!(metadata);
        }
        if let Some(namespace) = namespace {
            shape["namespace"] = json!(namespace);
        }
        shape
    }
}

/// The answer to `info`.
#[must_use]
pub fn describe(index: &Index, processed: &Processed) -> Value {
    json!({
        "dimensions": index.dimensions(),
        "vectorCount": index.len(),
        "processedUpToDatetime": processed.datetime,
        "processedUpToMutation": processed.mutation,
    })
}

/// The answer to `getByIds`: those that exist, in the order asked for.
#[must_use]
pub fn vectors(index: &Index, ids: &[String]) -> Value {
    ids.iter().filter_map(|id| index.get(id)).map(|vector| json!(vector)).collect()
}

fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(Refusal::unreadable_body)
}

fn read_query(body: &[u8], dimensions: usize) -> Result<Query, Refusal> {
    let query: Query = json(body)?;
    if query.vector.len() != dimensions {
        return Err(Refusal::query_dimensions(dimensions, query.vector.len()));
    }
    if query.vector.iter().any(|value| !value.is_finite()) {
        return Err(Refusal::unreadable_body("vector: a number is out of range"));
    }
    if query.filter.is_some() {
        return Err(Refusal::uncoded("filters are not emulated"));
    }
    let content = query.return_values || query.return_metadata == ReturnMetadata::All;
    check_top_k(query.top_k(), content)?;
    check_namespace(query.namespace.as_deref())?;
    Ok(query)
}

fn check_top_k(top_k: usize, content: bool) -> Result<(), Refusal> {
    if content && top_k > limits::TOP_K_WITH_CONTENT_MAX {
        return Err(Refusal::top_k_with_content(top_k));
    }
    if top_k > limits::TOP_K_MAX {
        return Err(Refusal::top_k(top_k));
    }
    if top_k == 0 {
        return Err(Refusal::uncoded("min top K is 1, but got 0"));
    }
    Ok(())
}

fn read_ids(body: &[u8], max: usize) -> Result<Vec<String>, Refusal> {
    let Ids { ids } = json(body)?;
    if ids.len() > max {
        return Err(Refusal::too_many_ids(max, ids.len()));
    }
    ids.iter().try_for_each(|id| check_id(id))?;
    Ok(ids)
}

fn check_id(id: &str) -> Result<(), Refusal> {
    if id.len() > limits::ID_BYTES_MAX {
        return Err(Refusal::long_id(id.len()));
    }
    if id.is_empty() {
        return Err(Refusal::uncoded("id is empty"));
    }
    Ok(())
}

fn read_vectors(body: &[u8], dimensions: usize) -> Result<Vec<Vector>, Refusal> {
    let lines = serde_json::Deserializer::from_slice(body).into_iter();
    let vectors: Vec<Vector> =
        lines.collect::<Result<_, _>>().map_err(|_| Refusal::unreadable_vectors())?;
    if vectors.len() > limits::WRITE_VECTORS_MAX {
        return Err(Refusal::too_many_vectors(vectors.len()));
    }
    vectors.iter().try_for_each(|vector| check_vector(vector, dimensions))?;
    Ok(vectors)
}

fn check_vector(vector: &Vector, dimensions: usize) -> Result<(), Refusal> {
    let Vector { id, values, namespace, metadata } = vector;
    check_id(id)?;
    if values.len() != dimensions {
        return Err(Refusal::vector_dimensions(id, dimensions, values.len()));
    }
    if values.iter().any(|value| !value.is_finite()) {
        let text = format!("invalid vector for id=\"{id}\", not a float32 number");
        return Err(Refusal::uncoded(text));
    }
    check_namespace(namespace.as_deref())?;
    check_metadata(id, metadata.as_ref())
}

fn check_namespace(namespace: Option<&str>) -> Result<(), Refusal> {
    match namespace.map(str::len) {
        Some(bytes) if bytes > limits::NAMESPACE_BYTES_MAX => Err(Refusal::long_namespace(bytes)),
        _ => Ok(()),
    }
}

fn check_metadata(id: &str, metadata: Option<&Map<String, Value>>) -> Result<(), Refusal> {
    let Some(metadata) = metadata else { return Ok(()) };
    let bad = |key: &&String| key.is_empty() || key.starts_with('$') || key.contains(['.', '"']);
    if let Some(key) = metadata.keys().find(bad) {
        return Err(Refusal::metadata_key(id, key));
    }
    let bytes = json!(metadata).to_string().len();
    if bytes > limits::METADATA_BYTES_MAX {
        return Err(Refusal::oversized_metadata(id, bytes));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
