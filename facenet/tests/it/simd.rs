//! The SIMD engine against the golden embeddings, and against records that do not fit.

use facenet::record::RecordError;
use facenet::simd::{Loader, Shard};
use facenet::{Embedding, Part};

use crate::golden;

const MODEL: &str = "casia-webface";

fn load(part: Part, model: &str, bytes: &[u8], chunk: usize) -> Result<Shard, RecordError> {
    let mut loader = Loader::new(part, model, bytes.len())?;
    for chunk in bytes.chunks(chunk) {
        loader.push(chunk)?;
    }
    loader.finish()
}

#[test]
fn simd_gives_the_golden_embeddings() {
    let shards = Part::ALL.map(|part| load(part, MODEL, &golden::record(part), 65_521).unwrap());
    for name in golden::NAMES {
        let boundary = shards[0].run(&golden::face(name).input()).unwrap();
        let output = shards[1].run(&boundary).unwrap();
        let cosine = Embedding::normalise(output).unwrap().cosine(&golden::embedding(name));
        println!("simd {name}: 1 - cosine = {:.1e}", 1.0 - cosine);
        assert!(cosine >= 0.99999, "simd {name}: {cosine}");
    }
}
