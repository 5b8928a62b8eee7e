//! What goes into a Vectorize index and what comes out. Plain data.

use serde::{Deserialize, Deserializer, Serialize};

/// Metadata of a vector: an object of JSON, at most 10 KiB of it. Keys are not empty, do not start
/// with `$`, and hold neither `.` nor `"`.
pub type Metadata = serde_json::Map<String, serde_json::Value>;

/// A vector as it is stored.
///
/// ```
/// use vectorize_worker::vectorize::{Metadata, Vector};
///
/// let metadata = Metadata::from_iter([("year".to_owned(), 1503.into())]);
/// let values = vec![0.25; 512];
/// let vector = Vector::new("mona-lisa", values).namespace("paintings").metadata(metadata);
/// assert_eq!(vector.values.len(), 512);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vector {
    /// Unique in the index, at most 64 bytes.
    pub id: String,
    /// As many as the index has dimensions; stored as float32. Not-a-number and infinities are
    /// refused by the index.
    #[serde(default)]
    pub values: Vec<f32>,
    /// The part of the index that the vector lies in, at most 64 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// What matches can bring back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
}

impl Vector {
    /// A vector without namespace and metadata.
    pub fn new(id: impl Into<String>, values: Vec<f32>) -> Self {
        Self { id: id.into(), values, namespace: None, metadata: None }
    }

    /// Puts the vector into a namespace.
    #[must_use]
    pub fn namespace(self, namespace: impl Into<String>) -> Self {
        Self { namespace: Some(namespace.into()), ..self }
    }

    /// Gives the vector metadata.
    #[must_use]
    pub fn metadata(self, metadata: Metadata) -> Self {
        Self { metadata: Some(metadata), ..self }
    }
}

/// What a query asks for, besides the vector.
///
/// ```
/// use vectorize_worker::vectorize::QueryOptions;
///
/// let options = QueryOptions::new().top_k(10).namespace("paintings").return_metadata();
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryOptions {
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    return_values: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    return_metadata: Option<&'static str>,
}

impl QueryOptions {
    /// Five matches from all namespaces, with ids and scores only.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many matches to return at most: from 1 to
    /// [`TOP_K_MAX`](super::limits::TOP_K_MAX), and to
    /// [`TOP_K_WITH_CONTENT_MAX`](super::limits::TOP_K_WITH_CONTENT_MAX) when values or
    /// metadata are returned.
    #[must_use]
    pub fn top_k(self, top_k: u32) -> Self {
        Self { top_k: Some(top_k), ..self }
    }

    /// Searches one namespace only.
    #[must_use]
    pub fn namespace(self, namespace: impl Into<String>) -> Self {
        Self { namespace: Some(namespace.into()), ..self }
    }

    /// Returns values too, which makes scores exact and the search better and slower. Bounds
    /// `top_k` to 50.
    #[must_use]
    pub fn return_values(self) -> Self {
        Self { return_values: Some(true), ..self }
    }

    /// Returns all metadata too. Bounds `top_k` to 50.
    #[must_use]
    pub fn return_metadata(self) -> Self {
        Self { return_metadata: Some("all"), ..self }
    }
}

/// What a query found, nearest first.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Matches {
    /// The vectors found.
    pub matches: Vec<Match>,
}

/// A vector that a query found.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Match {
    /// As stored.
    pub id: String,
    /// As the metric of the index defines it; approximate unless values were asked for.
    pub score: f64,
    /// As stored, if asked for.
    #[serde(default)]
    pub values: Option<Vec<f32>>,
    /// As stored, if asked for.
    #[serde(default)]
    pub metadata: Option<Metadata>,
}

/// A write that was accepted, and may not be applied yet.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mutation {
    /// Appears as [`IndexInfo::processed_up_to_mutation`] when the write is the last applied.
    pub mutation_id: String,
}

/// The state of an index. What the index does not say is 0 or `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IndexInfo {
    /// Numbers per vector.
    pub dimensions: usize,
    /// Vectors in the index, of all namespaces.
    pub vector_count: Option<u64>,
    /// The last write that was applied; `None` before the first.
    #[serde(deserialize_with = "text")]
    pub processed_up_to_mutation: Option<String>,
}

/// Reads a text, or a number as a text. The index sends texts where Cloudflare's types declare
/// numbers.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::String(text) => Some(text),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn options_left_alone_are_not_sent() {
        assert_eq!(serde_json::to_value(QueryOptions::new()).unwrap(), json!({}));
        let vector = serde_json::to_value(Vector::new("a", vec![0.5])).unwrap();
        assert_eq!(vector, json!({"id": "a", "values": [0.5]}));
    }

    #[test]
    fn options_have_the_names_of_vectorize() {
        let options = QueryOptions::new().top_k(3).namespace("n").return_values().return_metadata();
        let expected = json!({
            "topK": 3, "namespace": "n", "returnValues": true, "returnMetadata": "all",
        });
        assert_eq!(serde_json::to_value(options).unwrap(), expected);
    }

    #[test]
    fn answers_are_read_with_and_without_content() {
        let answer = json!({"count": 2, "matches": [
            {"id": "a", "score": 0.5, "values": [1, 2.5], "metadata": {"k": "v"}, "namespace": "n"},
            {"id": "b", "score": 1},
        ]});
        let matches: Matches = serde_json::from_value(answer).unwrap();
        assert_eq!(matches.matches[0].values, Some(vec![1.0, 2.5]));
        assert_eq!(matches.matches[1].metadata, None);

        let info = json!({
            "dimensions": 2, "vectorCount": 7, "processedUpToDatetime": null,
            "processedUpToMutation": "0000aaaa-11bb-22cc-33dd-444444eeeeee",
        });
        let info: IndexInfo = serde_json::from_value(info).unwrap();
        let mutation = info.processed_up_to_mutation.as_deref();
        assert_eq!((info.dimensions, info.vector_count), (2, Some(7)));
        assert_eq!(mutation, Some("0000aaaa-11bb-22cc-33dd-444444eeeeee"));
    }

    #[test]
    fn answers_may_have_less_or_more_than_is_known() {
        let info: IndexInfo = serde_json::from_value(json!({"processedUpToMutation": 7})).unwrap();
        assert_eq!(info.processed_up_to_mutation.as_deref(), Some("7"));
        assert_eq!(info.dimensions, 0);
        let odd = json!({"dimensions": 1, "processedUpToMutation": {}, "shards": [1, 2]});
        let expected = IndexInfo { dimensions: 1, ..IndexInfo::default() };
        assert_eq!(serde_json::from_value::<IndexInfo>(odd).unwrap(), expected);

        let answer = json!({"matches": [
            {"id": "a", "score": -1, "namespace": null, "metadata": null, "distance": 2},
        ], "took": "1 ms"});
        let matches: Matches = serde_json::from_value(answer).unwrap();
        let first = (matches.matches[0].id.as_str(), matches.matches[0].score);
        assert_eq!(first, ("a", -1.0));
        let vector: Vector = serde_json::from_value(json!({"id": "a", "sparse": {}})).unwrap();
        assert_eq!(vector, Vector::new("a", vec![]));
        let mutation = json!({"mutationId": "0000aaaa-11bb-22cc-33dd-444444eeeeee", "count": 1});
        assert!(serde_json::from_value::<Mutation>(mutation).is_ok());
    }
}
