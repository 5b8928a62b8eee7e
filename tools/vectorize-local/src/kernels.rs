//! The inner loops of the search: safe code whose sums run in lanes, so that the compiler makes
//! vector instructions of it. One running sum would fix the order of additions.

/// Sums that run beside each other: four vectors of WebAssembly, enough to hide how long an
/// addition takes.
const LANES: usize = 16;

/// The sum of the products. Both have the same length.
#[must_use]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    sum(a, b, |x, y| x * y)
}

/// The sum of the squared differences. Both have the same length.
#[must_use]
pub fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    sum(a, b, |x, y| (x - y) * (x - y))
}

#[inline]
fn sum(a: &[f32], b: &[f32], term: impl Fn(f32, f32) -> f32) -> f32 {
    let (a_chunks, a_rest) = a.as_chunks::<LANES>();
    let (b_chunks, b_rest) = b.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
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

    #[test]
    fn lanes_and_rest_are_summed() {
        for length in [0, 1, 15, 16, 17, 31, 32, 97, 512] {
            let a: Vec<f32> = (0..length).map(|i| i as f32 * 0.25 - 9.0).collect();
            let b: Vec<f32> = (0..length).map(|i| ((i * 7) % 13) as f32).collect();
            let plain = |term: fn(f64, f64) -> f64| -> f64 {
                a.iter().zip(&b).map(|(&x, &y)| term(x.into(), y.into())).sum()
            };
            let close = |got: f32, wanted: f64| {
                let error = (f64::from(got) - wanted).abs();
                assert!(error <= 1e-5 * wanted.abs().max(1.0), "{length}: {got}, {wanted}");
            };
            close(dot(&a, &b), plain(|x, y| x * y));
            close(squared_distance(&a, &b), plain(|x, y| (x - y) * (x - y)));
        }
    }
}
