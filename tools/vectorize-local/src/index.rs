//! The vectors in memory and the exact search among them. Knows nothing of requests or storage.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::{
    config::Config,
    filter::{Filter, Indexed},
};

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
    /// What of it can be filtered by, decided when the vector is written.
    pub indexed: Indexed,
}

impl Vector {
    /// An id with nothing else.
    pub(crate) fn bare(id: String) -> Self {
        Self { id, values: vec![], namespace: None, metadata: None, indexed: Indexed::new() }
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
    /// As the index's [`Metric`](crate::metric::Metric) defines it.
    pub score: f32,
    /// The vector.
    pub vector: Vector,
}

/// All vectors of one index. Values lie in one block, row after row, for the sake of the search.
#[derive(Debug)]
pub struct Index {
    config: Config,
    rows: Vec<Row>,
    values: Vec<f32>,
    row_of_id: HashMap<String, usize>,
}

#[derive(Debug)]
struct Row {
    id: String,
    namespace: Option<String>,
    metadata: Option<Map<String, Value>>,
    indexed: Indexed,
    /// Its length, which the cosine divides by.
    norm: f32,
}

/// Which vectors a search looks at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scope<'a> {
    /// Those of one namespace, or all.
    pub namespace: Option<&'a str>,
    /// Those that this lets through, or all.
    pub filter: Option<&'a Filter>,
}

impl Scope<'_> {
    fn holds(&self, row: &Row) -> bool {
        (self.namespace.is_none() || self.namespace == row.namespace.as_deref())
            && self.filter.is_none_or(|filter| filter.matches(&row.indexed))
    }
}

/// Candidates beyond those asked for, so that the rounding of the fast search cannot keep out a
/// vector that the exact score lets in.
const SPARE: usize = 16;

impl Index {
    /// An empty index.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self { config, rows: vec![], values: vec![], row_of_id: HashMap::new() }
    }

    /// How it is set up.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
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

    /// The `top_k` vectors of the scope nearest to `query`, nearest first and by id where scores
    /// are equal. All vectors are ranked in float32; the scores of the nearest are computed anew
    /// in float64.
    #[must_use]
    pub fn nearest(&self, query: &[f32], scope: Scope<'_>, top_k: usize) -> Vec<Hit> {
        let metric = self.config.metric;
        let mut ranked: Vec<(f32, usize)> = self
            .rows
            .iter()
            .zip(self.values.chunks_exact(self.config.dimensions))
            .enumerate()
            .filter(|(_, (row, _))| scope.holds(row))
            .map(|(i, (row, values))| (metric.rank(query, values, row.norm), i))
            .collect();
        let candidates = top_k + SPARE;
        if candidates < ranked.len() {
            ranked.select_nth_unstable_by(candidates, |a, b| a.0.total_cmp(&b.0));
            ranked.truncate(candidates);
        }
        let mut scored: Vec<(f32, usize)> =
            ranked.into_iter().map(|(_, i)| (metric.score(query, self.row_values(i)), i)).collect();
        scored.sort_unstable_by(|a, b| {
            metric.order(a.0, b.0).then_with(|| self.rows[a.1].id.cmp(&self.rows[b.1].id))
        });
        scored.truncate(top_k);
        scored.into_iter().map(|(score, i)| Hit { score, vector: self.vector(i) }).collect()
    }

    fn put(&mut self, vector: Vector) {
        if vector.values.len() != self.config.dimensions {
            return;
        }
        let Vector { id, values, namespace, metadata, indexed } = vector;
        let norm = crate::metric::norm(&values);
        let row = Row { id: id.clone(), namespace, metadata, indexed, norm };
        if let Some(&i) = self.row_of_id.get(&id) {
            let start = i * values.len();
            self.values[start..start + values.len()].copy_from_slice(&values);
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
        let dimensions = self.config.dimensions;
        self.values.copy_within(last * dimensions.., i * dimensions);
        self.values.truncate(last * dimensions);
        if let Some(moved) = self.rows.get(i) {
            self.row_of_id.insert(moved.id.clone(), i);
        }
    }

    fn vector(&self, i: usize) -> Vector {
        let row = &self.rows[i];
        Vector {
            id: row.id.clone(),
            values: self.row_values(i).to_vec(),
            namespace: row.namespace.clone(),
            metadata: row.metadata.clone(),
            indexed: row.indexed.clone(),
        }
    }

    fn row_values(&self, i: usize) -> &[f32] {
        let dimensions = self.config.dimensions;
        &self.values[i * dimensions..][..dimensions]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Metric;

    fn vector(id: &str, values: [f32; 2], namespace: Option<&str>) -> Vector {
        Vector {
            id: id.into(),
            values: values.to_vec(),
            namespace: namespace.map(Into::into),
            metadata: None,
            indexed: Indexed::new(),
        }
    }

    fn index(vectors: impl IntoIterator<Item = Vector>) -> Index {
        let mut index = Index::new(Config::new(2, Metric::Euclidean));
        vectors.into_iter().for_each(|vector| index.apply(Change::Put(vector)));
        index
    }

    #[track_caller]
    fn check(index: &Index, namespace: Option<&str>, top_k: usize, expected: &[&str]) {
        let hits = index.nearest(&[0.0, 0.0], Scope { namespace, filter: None }, top_k);
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
        let score = index.nearest(&[0.0, 0.0], Scope::default(), 9)[3].score;
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
