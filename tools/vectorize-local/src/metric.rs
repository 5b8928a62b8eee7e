//! Distance metrics: how the score of a match is computed and which scores come first.

use std::cmp::Ordering;

use crate::kernels;

/// How an index compares vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// L2 distance: 0 for identical vectors, smaller is nearer.
    Euclidean,
    /// Cosine of the angle: 1 for the same direction, larger is nearer.
    Cosine,
    /// Dot product with its sign turned: smaller is nearer.
    DotProduct,
}

impl Metric {
    /// The metric that `wrangler vectorize create --metric` knows by this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "euclidean" => Some(Self::Euclidean),
            "cosine" => Some(Self::Cosine),
            "dot-product" => Some(Self::DotProduct),
            _ => None,
        }
    }

    /// A number that is smaller the nearer `row` is to `query`, in float32 for the sake of speed.
    /// `norm` is that of `row`. Both have the same length.
    #[must_use]
    pub fn rank(self, query: &[f32], row: &[f32], norm: f32) -> f32 {
        match self {
            Self::Euclidean => kernels::squared_distance(query, row),
            Self::Cosine if norm == 0.0 => 0.0,
            Self::Cosine => -kernels::dot(query, row) / norm,
            Self::DotProduct => -kernels::dot(query, row),
        }
    }

    /// The score of `b` for the query `a`, rounded once. Both have the same length.
    #[must_use]
    pub fn score(self, a: &[f32], b: &[f32]) -> f32 {
        let score = match self {
            Self::Euclidean => sum(a, b, |x, y| (x - y) * (x - y)).sqrt(),
            Self::Cosine => {
                let norms = (dot(a, a) * dot(b, b)).sqrt();
                if norms == 0.0 { 0.0 } else { (dot(a, b) / norms).clamp(-1.0, 1.0) }
            }
            Self::DotProduct => -dot(a, b),
        };
        score as f32
    }

    /// The order of two scores, nearest first.
    #[must_use]
    pub fn order(self, a: f32, b: f32) -> Ordering {
        match self {
            Self::Euclidean | Self::DotProduct => a.total_cmp(&b),
            Self::Cosine => b.total_cmp(&a),
        }
    }
}

/// The length of a vector.
#[must_use]
pub fn norm(values: &[f32]) -> f32 {
    dot(values, values).sqrt() as f32
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    sum(a, b, |x, y| x * y)
}

fn sum(a: &[f32], b: &[f32], term: impl Fn(f64, f64) -> f64) -> f64 {
    a.iter().zip(b).map(|(&x, &y)| term(x.into(), y.into())).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(metric: Metric, a: &[f32], b: &[f32], expected: f32) {
        let score = metric.score(a, b);
        assert!((score - expected).abs() < 1e-6, "{metric:?}: {score}, not {expected}");
    }

    #[test]
    fn scores_are_those_of_the_documentation() {
        check(Metric::Euclidean, &[0.0, 3.0], &[4.0, 0.0], 5.0);
        check(Metric::Euclidean, &[0.1; 19], &[0.1; 19], 0.0);
        check(Metric::Cosine, &[1.0, 0.0], &[3.0, 0.0], 1.0);
        check(Metric::Cosine, &[1.0, 0.0], &[-2.0, 0.0], -1.0);
        check(Metric::Cosine, &[0.0, 0.0], &[1.0, 0.0], 0.0);
        check(Metric::DotProduct, &[2.0; 17], &[3.0; 17], -102.0);
    }

    #[test]
    fn ranks_are_in_the_order_of_scores() {
        let vector = |seed: usize| -> Vec<f32> {
            (0..37).map(|i| ((i * 31 + seed * 17) % 64) as f32 / 32.0 - 1.0).collect()
        };
        let query = vector(0);
        for metric in [Metric::Euclidean, Metric::Cosine, Metric::DotProduct] {
            let mut rows: Vec<Vec<f32>> = (1..50).map(vector).collect();
            rows.push(vec![0.0; 37]);
            let rank = |row: &Vec<f32>| metric.rank(&query, row, norm(row));
            rows.sort_by(|a, b| rank(a).total_cmp(&rank(b)));
            for pair in rows.windows(2) {
                let [near, far] = [0, 1].map(|i| metric.score(&query, &pair[i]));
                let level = (near - far).abs() < 1e-4;
                assert!(level || metric.order(near, far).is_lt(), "{metric:?}: {near}, {far}");
            }
        }
    }

    #[test]
    fn nearest_comes_first() {
        assert_eq!(Metric::Euclidean.order(0.1, 0.2), Ordering::Less);
        assert_eq!(Metric::Cosine.order(0.9, 0.2), Ordering::Less);
        assert_eq!(Metric::DotProduct.order(-900.0, -2.0), Ordering::Less);
    }

    #[test]
    fn metrics_have_the_names_of_wrangler() {
        assert_eq!(Metric::from_name("dot-product"), Some(Metric::DotProduct));
        assert_eq!(Metric::from_name("l2"), None);
    }
}
