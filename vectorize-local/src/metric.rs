//! Distance metrics: how the score of a match is computed and which scores come first.

use std::cmp::Ordering;

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

    /// The score of `b` for the query `a`. Both have the same length.
    #[must_use]
    pub fn score(self, a: &[f32], b: &[f32]) -> f32 {
        match self {
            Self::Euclidean => sum(a, b, |x, y| (x - y) * (x - y)).sqrt(),
            Self::Cosine => {
                let norms = (dot(a, a) * dot(b, b)).sqrt();
                if norms == 0.0 { 0.0 } else { (dot(a, b) / norms).clamp(-1.0, 1.0) }
            }
            Self::DotProduct => -dot(a, b),
        }
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

fn dot(a: &[f32], b: &[f32]) -> f32 {
    sum(a, b, |x, y| x * y)
}

/// Sums `term` over both slices in eight lanes, so that the compiler can use SIMD: one running
/// sum would fix the order of additions.
fn sum(a: &[f32], b: &[f32], term: impl Fn(f32, f32) -> f32) -> f32 {
    let (a_chunks, a_rest) = a.as_chunks::<8>();
    let (b_chunks, b_rest) = b.as_chunks::<8>();
    let mut lanes = [0.0; 8];
    for (x, y) in a_chunks.iter().zip(b_chunks) {
        for ((lane, x), y) in lanes.iter_mut().zip(x).zip(y) {
            *lane += term(*x, *y);
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(x, y)| term(*x, *y)).sum();
    lanes.iter().sum::<f32>() + rest
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
