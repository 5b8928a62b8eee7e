//! State dicts of PyTorch give the records of the graph that `unfold.py` has made them of, by
//! taking the batch norm out of every convolution.

use std::path::{Path, PathBuf};

use facenet::image::{Face, Limits};
use facenet::simd::{LoadedShard, Loader};
use facenet::{Embedding, Shard};
use onnx_to_burn::checkpoint;

use crate::{MODEL, compare, path};

/// The crops that the engines are tested with.
const FACES: [&str; 5] = ["obama-1", "obama-2", "biden-1", "biden-2", "collins-1"];

fn face(name: &str) -> Face {
    let limits =
        Limits { side_min: 160, side_max: 160, pixels_max: 160 * 160, decoded_bytes_max: 1 << 20 };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/facenet/tests/it/golden");
    Face::decode(&std::fs::read(folder.join(format!("{name}.png"))).unwrap(), &limits).unwrap()
}

fn shard(part: Shard, model: &str, record: &Path) -> LoadedShard {
    let bytes = std::fs::read(record).unwrap();
    let mut loader = Loader::new(part, model, bytes.len()).unwrap();
    loader.push(&bytes).unwrap();
    loader.finish().unwrap()
}

/// The embeddings of [`FACES`].
fn embeddings(model: &str, [shard1, shard2]: [PathBuf; 2]) -> Vec<Embedding> {
    let (shard1, shard2) =
        (shard(Shard::Shard1, model, &shard1), shard(Shard::Shard2, model, &shard2));
    let embed = |name| {
        let boundary = shard1.run(&face(name).input()).unwrap();
        Embedding::normalise(shard2.run(&boundary).unwrap()).unwrap()
    };
    FACES.map(embed).into()
}

#[test]
fn state_dicts_give_the_records_of_their_graph() {
    let folder = tempfile::tempdir().unwrap();
    let graph = checkpoint::convert(&path("CFACE_GRAPH"), MODEL, &folder.path().join("graph"));
    let graph = graph.unwrap();
    let expected = embeddings(MODEL, graph.clone());
    for container in ["zip.pt", "legacy.pt"] {
        let file = path("CFACE_STATE_DICTS").join(container);
        let out = folder.path().join(container);
        let records = checkpoint::convert(&file, "vggface2", &out).unwrap();
        for (record, graph) in records.iter().zip(&graph) {
            compare::records(record, graph);
        }
        let pairs = embeddings("vggface2", records).into_iter().zip(&expected).zip(FACES);
        for ((embedding, expected), name) in pairs {
            let cosine = embedding.cosine(expected);
            println!("{container} {name}: 1 - cosine = {:.1e}", 1.0 - cosine);
            assert!(cosine >= 0.99999, "{container} {name}: {cosine}");
        }
    }
}
