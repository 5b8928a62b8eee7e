//! The vectors in memory and the exact search among them. Knows nothing of requests or storage.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::metric::Metric;

/// A vector with what is stored beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct Vector {
    /// Unique in the index.
    pub id: String,
    /// As many as the index has dimensions.
    pub values: Vec<f32>,
    /// The part of the index that it lies in.
    pub namespace: Option<String>,
    /// What the caller wants back with a match.
    pub metadata: Option<Map<String, Value>>,
}

impl Vector {
    /// An id with nothing else.
    pub(crate) fn bare(id: String) -> Self {
        Self { id, values: vec![], namespace: None, metadata: None }
    }
}

/// A step of a write, already decided: applying it cannot fail.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Stores a vector, in place of one with the same id.
    Put(Vector),
    /// Removes the vector of this id, if there is one.
    Remove(String),
}

/// A found vector.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// As the index's [`Metric`] defines it.
    pub score: f32,
    /// The vector.
    pub vector: Vector,
}

/// All vectors of one index. Values lie in one block, row after row, for the sake of the search.
#[derive(Debug)]
pub struct Index {
    dimensions: usize,
    metric: Metric,
    rows: Vec<Row>,
    values: Vec<f32>,
    row_of_id: HashMap<String, usize>,
}

#[derive(Debug)]
struct Row {
    id: String,
    namespace: Option<String>,
    metadata: Option<Map<String, Value>>,
}

impl Index {
    /// An empty index.
    #[must_use]
    pub fn new(dimensions: usize, metric: Metric) -> Self {
        Self { dimensions, metric, rows: vec![], values: vec![], row_of_id: HashMap::new() }
    }

    /// Numbers per vector.
    #[must_use]
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// Vectors held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether no vector is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether a vector of this id is held.
    #[must_use]
    pub fn contains(&self, id: &str) -> bool {
        self.row_of_id.contains_key(id)
    }

    /// The vector of this id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Vector> {
        self.row_of_id.get(id).map(|&row| self.vector(row))
    }

    /// Applies one step of a write. A vector of the wrong length is ignored: requests and
    /// storage are checked before.
    pub fn apply(&mut self, change: Change) {
        match change {
            Change::Put(vector) => self.put(vector),
            Change::Remove(id) => self.remove(&id),
        }
    }

    /// The `top_k` vectors nearest to `query`, in all namespaces or in one, nearest first and
    /// by id where scores are equal.
    #[must_use]
    pub fn nearest(&self, query: &[f32], namespace: Option<&str>, top_k: usize) -> Vec<Hit> {
        let mut scored: Vec<(f32, usize)> = self
            .rows
            .iter()
            .zip(self.values.chunks_exact(self.dimensions))
            .enumerate()
            .filter(|(_, (row, _))| namespace.is_none() || row.namespace.as_deref() == namespace)
            .map(|(i, (_, values))| (self.metric.score(query, values), i))
            .collect();
        let order = |a: &(f32, usize), b: &(f32, usize)| {
            self.metric.order(a.0, b.0).then_with(|| self.rows[a.1].id.cmp(&self.rows[b.1].id))
        };
        if top_k > 0 && top_k < scored.len() {
            scored.select_nth_unstable_by(top_k - 1, order);
        }
        scored.truncate(top_k);
        scored.sort_unstable_by(order);
        scored.into_iter().map(|(score, i)| Hit { score, vector: self.vector(i) }).collect()
    }

    fn put(&mut self, vector: Vector) {
        if vector.values.len() != self.dimensions {
            return;
        }
        let Vector { id, values, namespace, metadata } = vector;
        let row = Row { id: id.clone(), namespace, metadata };
        if let Some(&i) = self.row_of_id.get(&id) {
            self.values[i * self.dimensions..][..self.dimensions].copy_from_slice(&values);
            self.rows[i] = row;
        } else {
            self.row_of_id.insert(id, self.rows.len());
            self.rows.push(row);
            self.values.extend_from_slice(&values);
        }
    }

    /// Moves the last row into the place of the removed one.
    fn remove(&mut self, id: &str) {
        let Some(i) = self.row_of_id.remove(id) else { return };
        let last = self.rows.len() - 1;
        self.rows.swap_remove(i);
        self.values.copy_within(last * self.dimensions.., i * self.dimensions);
        self.values.truncate(last * self.dimensions);
        if let Some(moved) = self.rows.get(i) {
            self.row_of_id.insert(moved.id.clone(), i);
        }
    }

    fn vector(&self, i: usize) -> Vector {
        let row = &self.rows[i];
        Vector {
            id: row.id.clone(),
            values: self.values[i * self.dimensions..][..self.dimensions].to_vec(),
            namespace: row.namespace.clone(),
            metadata: row.metadata.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(id: &str, values: [f32; 2], namespace: Option<&str>) -> Vector {
        Vector {
            id: id.into(),
            values: values.to_vec(),
            namespace: namespace.map(Into::into),
            metadata: None,
        }
    }

    fn index(vectors: impl IntoIterator<Item = Vector>) -> Index {
        let mut index = Index::new(2, Metric::Euclidean);
        vectors.into_iter().for_each(|vector| index.apply(Change::Put(vector)));
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
    fn rows_stay_whole_when_others_go() {
        let names = ["a", "b", "c", "d", "e"];
        for removed in names {
            let mut index = index(
                names.iter().enumerate().map(|(i, id)| vector(id, [i as f32, 0.0], Some(id))),
            );
            index.apply(Change::Remove(removed.into()));
            index.apply(Change::Remove(removed.into()));
            assert_eq!(index.len(), 4);
            for (i, id) in names.iter().enumerate() {
                let expected = (*id != removed).then(|| vector(id, [i as f32, 0.0], Some(id)));
                assert_eq!(index.get(id), expected);
            }
        }
    }

    #[test]
    fn a_put_replaces_the_whole_vector() {
        let mut index = index([vector("a", [1.0, 0.0], Some("one"))]);
        index.apply(Change::Put(vector("a", [0.0, 2.0], None)));
        assert_eq!(index.len(), 1);
        assert_eq!(index.get("a"), Some(vector("a", [0.0, 2.0], None)));
    }
}
