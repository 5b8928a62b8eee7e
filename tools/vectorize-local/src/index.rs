//! The vectors in memory and the exact search among them. Knows nothing of requests or storage.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A vector with what is stored beside it, in the JSON form in which callers write and read it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vector {
    /// Unique in the index.
    pub id: String,
    /// As many as the index has dimensions.
    pub values: Vec<f32>,
    /// The part of the index that it lies in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// What the caller wants back with a match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map<String, Value>>,
}

/// A change of the index.
#[derive(Debug, PartialEq)]
pub enum Write {
    /// Stores vectors, each in place of one with the same id.
    Upsert(Vec<Vector>),
    /// Removes the vectors of these ids. An id without a vector is no error.
    Delete(Vec<String>),
}

/// A vector that a search found.
#[derive(Debug, PartialEq)]
pub struct Hit<'a> {
    /// The L2 distance to the query: 0 for the same vector, smaller is nearer.
    pub score: f32,
    /// The vector.
    pub vector: &'a Vector,
}

/// All vectors of one index.
#[derive(Debug)]
pub struct Index {
    dimensions: usize,
    vectors: BTreeMap<String, Vector>,
}

impl Index {
    /// An empty index of vectors with so many numbers.
    #[must_use]
    pub fn new(dimensions: usize) -> Self {
        Self { dimensions, vectors: BTreeMap::new() }
    }

    /// Numbers per vector.
    #[must_use]
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// Vectors held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.vectors.len()
    }

    /// Whether no vector is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.vectors.is_empty()
    }

    /// The vector of this id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Vector> {
        self.vectors.get(id)
    }

    /// Carries out a write.
    pub fn apply(&mut self, write: Write) {
        match write {
            Write::Upsert(vectors) => {
                self.vectors.extend(vectors.into_iter().map(|vector| (vector.id.clone(), vector)));
            }
            Write::Delete(ids) => {
                for id in &ids {
                    self.vectors.remove(id);
                }
            }
        }
    }

    /// The `top_k` vectors nearest to `query`, in one namespace or in all. Nearest first, and by
    /// id where the distance is the same.
    #[must_use]
    pub fn nearest(&self, query: &[f32], namespace: Option<&str>, top_k: usize) -> Vec<Hit<'_>> {
        let searched = self
            .vectors
            .values()
            .filter(|vector| namespace.is_none() || namespace == vector.namespace.as_deref());
        let mut hits: Vec<_> =
            searched.map(|vector| Hit { score: distance(query, &vector.values), vector }).collect();
        // The vectors come in the order of their ids, and a stable sort keeps it.
        hits.sort_by(|a, b| a.score.total_cmp(&b.score));
        hits.truncate(top_k);
        hits
    }
}

/// The L2 distance of two vectors of the same length, computed in float64 and rounded once.
fn distance(a: &[f32], b: &[f32]) -> f32 {
    let square = |(x, y): (&f32, &f32)| (f64::from(*x) - f64::from(*y)).powi(2);
    a.iter().zip(b).map(square).sum::<f64>().sqrt() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(id: &str, values: [f32; 2], namespace: Option<&str>) -> Vector {
        let namespace = namespace.map(Into::into);
        Vector { id: id.into(), values: values.to_vec(), namespace, metadata: None }
    }

    fn index<const N: usize>(vectors: [Vector; N]) -> Index {
        let mut index = Index::new(2);
        index.apply(Write::Upsert(vectors.into()));
        index
    }

    #[track_caller]
    fn check(index: &Index, namespace: Option<&str>, top_k: usize, expected: &[&str]) {
        let hits = index.nearest(&[0.0, 0.0], namespace, top_k);
        let ids: Vec<&str> = hits.iter().map(|hit| hit.vector.id.as_str()).collect();
        assert_eq!(ids, expected);
    }

    #[test]
    fn search_is_ordered_and_bounded() {
        let index = index([
            vector("far", [3.0, 4.0], None),
            vector("near", [0.0, 1.0], None),
            vector("middle", [2.0, 0.0], None),
            vector("also near", [-1.0, 0.0], None),
        ]);
        check(&index, None, 9, &["also near", "near", "middle", "far"]);
        check(&index, None, 2, &["also near", "near"]);
        check(&index, None, 0, &[]);
        let score = index.nearest(&[0.0, 0.0], None, 9)[3].score;
        assert!((score - 5.0).abs() < 1e-6, "the square root is taken");
    }

    #[test]
    fn namespaces_divide_the_index() {
        let index = index([
            vector("a", [1.0, 0.0], Some("one")),
            vector("b", [2.0, 0.0], Some("two")),
            vector("c", [3.0, 0.0], None),
        ]);
        check(&index, Some("two"), 5, &["b"]);
        check(&index, Some("three"), 5, &[]);
        check(&index, None, 5, &["a", "b", "c"]);
    }

    #[test]
    fn an_upsert_replaces_the_whole_vector() {
        let mut index = index([vector("a", [1.0, 0.0], Some("one"))]);
        index.apply(Write::Upsert(vec![vector("a", [0.0, 2.0], None)]));
        assert_eq!(index.len(), 1);
        assert_eq!(index.get("a"), Some(&vector("a", [0.0, 2.0], None)));
    }

    #[test]
    fn a_deletion_removes_what_there_is() {
        let mut index =
            index([vector("a", [1.0, 0.0], None), vector("b", [2.0, 0.0], Some("one"))]);
        index.apply(Write::Delete(vec!["missing".into(), "a".into()]));
        assert_eq!((index.len(), index.is_empty()), (1, false));
        check(&index, None, 5, &["b"]);
        index.apply(Write::Delete(vec!["b".into()]));
        assert!(index.is_empty());
    }
}
