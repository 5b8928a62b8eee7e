//! The golden crops of `facenet`, and the embeddings that an engine must compute from them. An
//! independent runtime has computed these from the original graph in float32.

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use serde_json::Value;

/// The least cosine between an engine's embedding and the golden one. Rounding the weights to
/// float16 alone leaves 0.999998.
pub const COSINE_MIN: f64 = 0.99999;

/// The same of an engine that computes in integers.
pub const INTEGERS_COSINE_MIN: f64 = 0.999;

/// The same of a server with the default engine.
pub const SERVED_COSINE_MIN: f64 = INTEGERS_COSINE_MIN;

/// A golden crop.
pub struct Golden {
    /// The name of its file without the ending.
    pub name: String,
    /// The picture, a PNG of 160x160 pixels.
    pub picture: PathBuf,
    embedding: Vec<f64>,
}

/// A file beside the golden crops.
#[must_use]
pub fn file(name: &str) -> PathBuf {
    crate::root().join("crates/facenet/tests/it/golden").join(name)
}

/// All golden crops.
///
/// # Errors
/// When the golden files are not as they should be.
pub fn all() -> anyhow::Result<Vec<Golden>> {
    let text = std::fs::read_to_string(file("embeddings.json")).context("no golden embeddings")?;
    let json: Value = serde_json::from_str(&text)?;
    let faces = json["faces"].as_object().context("no golden faces")?;
    ensure!(!faces.is_empty(), "no golden faces");
    let golden = |(name, numbers): (&String, &Value)| {
        let numbers = numbers.as_array().context("an embedding is no list")?.iter();
        let embedding = numbers
            .map(|number| number.as_f64().context("no number"))
            .collect::<anyhow::Result<_>>()?;
        Ok(Golden { name: name.clone(), picture: file(&format!("{name}.png")), embedding })
    };
    faces.iter().map(golden).collect()
}

impl Golden {
    /// Checks that an embedding, normalised or not, is the golden one, and gives 1 - cosine. The
    /// cosine has to be at least `cosine_min`.
    ///
    /// # Errors
    /// When it is not; the error names whose embedding it is.
    pub fn check(&self, whose: &str, embedding: &[f64], cosine_min: f64) -> anyhow::Result<f64> {
        ensure!(embedding.len() == self.embedding.len(), "{whose}: {} numbers", embedding.len());
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let (own, golden) = (dot(embedding, embedding), dot(&self.embedding, &self.embedding));
        let cosine = dot(embedding, &self.embedding) / (own * golden).sqrt();
        ensure!(cosine >= cosine_min, "{whose} and {}: the cosine is {cosine}", self.name);
        Ok(1.0 - cosine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_golden_embedding_is_golden() {
        let all = all().unwrap();
        assert_eq!(all.len(), 5);
        let scaled: Vec<f64> = all[0].embedding.iter().map(|number| 3.0 * number).collect();
        assert!(all[0].check("itself", &scaled, COSINE_MIN).unwrap() < 1e-12);
        assert!(all[1].check("another", &scaled, INTEGERS_COSINE_MIN).is_err());
        assert!(all[0].check("none", &[f64::NAN; 512], INTEGERS_COSINE_MIN).is_err());
        assert!(all[0].check("short", &scaled[..511], INTEGERS_COSINE_MIN).is_err());
    }
}
