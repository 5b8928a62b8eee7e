//! `unfold.py` has made state dicts of PyTorch from the graph, by taking a batch norm out of every
//! convolution. They must give the records of the graph.

use std::path::{Path, PathBuf};

use facenet::image::Limits;
use facenet::simd::Simd;
use facenet::{Embedding, Face, Model};
use onnx_to_burn::checkpoint;

use crate::{MODEL, compare, path};

/// The crops that the engines are tested with.
const FACES: [&str; 5] = ["obama-1", "obama-2", "biden-1", "biden-2", "collins-1"];

fn face(name: &str) -> Face {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/facenet/tests/it/golden");
    let picture = std::fs::read(folder.join(format!("{name}.png"))).unwrap();
    Face::decode(&picture, &Limits::CROP).unwrap()
}

/// The embeddings of [`FACES`].
fn embeddings(model: &str, records: &[PathBuf; 2]) -> Vec<Embedding> {
    let [first, second] = records.each_ref().map(|file| std::fs::read(file).unwrap());
    let model = Model::load(&Simd::Float, model, [&first, &second]).unwrap();
    FACES.map(|name| model.embed(&face(name)).unwrap()).into()
}

#[test]
fn state_dicts_give_the_records_of_their_graph() {
    let folder = tempfile::tempdir().unwrap();
    let graph = checkpoint::convert(&path("CFACE_GRAPH"), MODEL, &folder.path().join("graph"));
    let graph = graph.unwrap();
    let expected = embeddings(MODEL, &graph);
    for container in ["zip.pt", "legacy.pt"] {
        let file = path("CFACE_STATE_DICTS").join(container);
        let out = folder.path().join(container);
        let records = checkpoint::convert(&file, "vggface2", &out).unwrap();
        for (record, graph) in records.iter().zip(&graph) {
            compare::records(record, graph);
        }
        let pairs = embeddings("vggface2", &records).into_iter().zip(&expected).zip(FACES);
        for ((embedding, expected), name) in pairs {
            let cosine = embedding.cosine(expected);
            println!("{container} {name}: 1 - cosine = {:.1e}", 1.0 - cosine);
            assert!(cosine >= 0.99999, "{container} {name}: {cosine}");
        }
    }
}
