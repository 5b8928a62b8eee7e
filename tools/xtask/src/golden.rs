//! The golden crops of `facenet`: as tensors for an engine, with what it must make of them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use facenet::image::{Face, Limits};
use serde_json::Value;

use crate::project;

/// The least cosine between an engine's embedding and the golden one.
const COSINE_MIN: f64 = 0.99999;

/// A golden crop.
pub(crate) struct Golden {
    pub(crate) name: String,
    /// The picture.
    pub(crate) picture: PathBuf,
    embedding: Vec<f64>,
}

/// All of them.
pub(crate) fn all() -> anyhow::Result<Vec<Golden>> {
    let folder = project::root().join("crates/facenet/tests/it/golden");
    let text =
        fs::read_to_string(folder.join("embeddings.json")).context("no golden embeddings")?;
    let json: Value = serde_json::from_str(&text)?;
    let faces = json["faces"].as_object().context("no golden faces")?;
    let golden = |(name, numbers): (&String, &Value)| {
        let embedding = serde_json::from_value(numbers.clone())?;
        Ok(Golden { name: name.clone(), picture: folder.join(format!("{name}.png")), embedding })
    };
    faces.iter().map(golden).collect()
}

impl Golden {
    /// Writes the picture as the engines' input tensor.
    pub(crate) fn write_tensor(&self, file: &Path) -> anyhow::Result<()> {
        let limits = Limits {
            side_min: 160,
            side_max: 160,
            pixels_max: 160 * 160,
            decoded_bytes_max: 1 << 20,
        };
        let picture = fs::read(&self.picture).with_context(|| format!("no {}", self.name))?;
        let tensor = Face::decode(&picture, &limits)?.input();
        let bytes: Vec<u8> = tensor.iter().flat_map(|number| number.to_le_bytes()).collect();
        fs::write(file, bytes).with_context(|| format!("writing {}", file.display()))
    }

    /// An error unless an embedding, normalised or not, is the golden one. Gives 1 - cosine.
    pub(crate) fn check(&self, whose: &str, embedding: &[f64]) -> anyhow::Result<f64> {
        ensure!(embedding.len() == self.embedding.len(), "{whose}: {} numbers", embedding.len());
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let (own, golden) = (dot(embedding, embedding), dot(&self.embedding, &self.embedding));
        let cosine = dot(embedding, &self.embedding) / (own * golden).sqrt();
        ensure!(cosine >= COSINE_MIN, "{whose} and {}: the cosine is {cosine}", self.name);
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
        assert!(all[0].check("itself", &scaled).unwrap() < 1e-12);
        assert!(all[1].check("another", &scaled).is_err());
        assert!(all[0].check("none", &[f64::NAN; 512]).is_err());
        assert!(all[0].check("short", &scaled[..511]).is_err());
    }
}
