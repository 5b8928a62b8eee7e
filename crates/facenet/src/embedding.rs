//! The output of FaceNet for a face: a point on the unit sphere. Faces of one person are near each
//! other.

/// Numbers in an embedding.
pub const DIMENSIONS: usize = 512;

/// Why numbers are not an embedding.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EmbeddingError {
    /// Not [`DIMENSIONS`] numbers.
    #[error("an embedding has {DIMENSIONS} numbers, not {0}")]
    Length(usize),
    /// A NaN or an infinity.
    #[error("an embedding has only finite numbers")]
    NotFinite,
    /// No direction: all numbers are zero, or so small that the norm loses its precision.
    #[error("an embedding has a direction, and these numbers have none")]
    NoDirection,
}

/// An L2-normalised embedding.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedding(Vec<f32>);

impl Embedding {
    /// Scales `numbers` to length 1.
    ///
    /// # Errors
    /// When they are not [`DIMENSIONS`] finite numbers with a direction.
    pub fn normalise(mut numbers: Vec<f32>) -> Result<Self, EmbeddingError> {
        if numbers.len() != DIMENSIONS {
            return Err(EmbeddingError::Length(numbers.len()));
        }
        if !numbers.iter().all(|number| number.is_finite()) {
            return Err(EmbeddingError::NotFinite);
        }
        let norm = numbers.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
        // Below this, even the largest of the numbers is a subnormal float.
        if norm < f64::from(f32::MIN_POSITIVE) {
            return Err(EmbeddingError::NoDirection);
        }
        for number in &mut numbers {
            *number = (f64::from(*number) / norm) as f32;
        }
        Ok(Self(numbers))
    }

    /// The 512 numbers.
    #[must_use]
    pub fn as_slice(&self) -> &[f32] {
        &self.0
    }

    /// The 512 numbers.
    #[must_use]
    pub fn into_vec(self) -> Vec<f32> {
        self.0
    }

    /// L2 distance, 0 to 2.
    #[must_use]
    pub fn distance(&self, other: &Self) -> f32 {
        let pairs = self.0.iter().zip(&other.0);
        pairs.map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)).sum::<f64>().sqrt() as f32
    }

    /// Cosine of the angle between two embeddings, -1 to 1.
    #[must_use]
    pub fn cosine(&self, other: &Self) -> f64 {
        self.0.iter().zip(&other.0).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(i: usize, length: f32) -> Vec<f32> {
        let mut numbers = vec![0.0; DIMENSIONS];
        numbers[i] = length;
        numbers
    }

    #[test]
    fn embeddings_have_length_one() {
        let a = Embedding::normalise(axis(3, 250.0)).unwrap();
        let b = Embedding::normalise(axis(7, -1e-30)).unwrap();
        assert!((a.cosine(&a) - 1.0).abs() < 1e-12);
        assert!((a.distance(&b) - 2f32.sqrt()).abs() < 1e-6);
        assert!(a.distance(&a).abs() < 1e-6);
    }

    #[test]
    fn what_is_no_direction_is_refused() {
        let refused = |numbers| Embedding::normalise(numbers).unwrap_err();
        assert_eq!(refused(vec![1.0; 511]), EmbeddingError::Length(511));
        assert_eq!(refused(axis(0, f32::NAN)), EmbeddingError::NotFinite);
        assert_eq!(refused(axis(0, f32::INFINITY)), EmbeddingError::NotFinite);
        assert_eq!(refused(axis(0, 0.0)), EmbeddingError::NoDirection);
        // The largest finite numbers still have a direction.
        assert!(Embedding::normalise(vec![f32::MAX; DIMENSIONS]).is_ok());
    }
}
