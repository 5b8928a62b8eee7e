//! The network that PyTorch exports is that of the committed code, and it gives the same records as
//! the direct conversion of the checkpoint.

use std::path::PathBuf;

use facenet::Shard;
use onnx_to_burn::{checkpoint, onnx};

use crate::{MODEL, compare, path};

#[test]
fn generated_code_is_current() {
    for shard in Shard::ALL {
        let code = onnx::convert(shard, &path("CFACE_ONNX_DIR")).unwrap().code;
        let file = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join(format!("../crates/facenet/src/burn/{}.rs", shard.name()));
        let committed = std::fs::read_to_string(file).unwrap();
        assert!(committed == code, "{} is stale: run `cargo xtask generate`", shard.name());
    }
}

#[test]
fn both_ways_give_the_same_records() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let files = checkpoint::convert(&path("CFACE_GRAPH"), MODEL, one.path()).unwrap();
    let others = onnx::write_records(&path("CFACE_ONNX_DIR"), MODEL, other.path()).unwrap();
    for (file, other) in files.iter().zip(&others) {
        compare::records(file, other);
    }
}
