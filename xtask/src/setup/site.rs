//! The page's third-party files, copied from npm packages so that the page is served from one
//! origin and nothing of theirs is in the repository.

use std::fs;

use anyhow::Context as _;

use crate::project;

/// Files of npm packages, and the folder of the site that they go to.
const FILES: [(&str, &str); 7] = [
    ("@vladmandic/face-api/dist/face-api.esm.js", "vendor"),
    ("@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm", "vendor"),
    ("@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm", "vendor"),
    ("@vladmandic/face-api/model/tiny_face_detector_model.bin", "models"),
    ("@vladmandic/face-api/model/tiny_face_detector_model-weights_manifest.json", "models"),
    ("@vladmandic/face-api/model/face_landmark_68_tiny_model.bin", "models"),
    ("@vladmandic/face-api/model/face_landmark_68_tiny_model-weights_manifest.json", "models"),
];

/// Copies what is missing or different.
pub(crate) fn ensure() -> anyhow::Result<()> {
    let root = project::root();
    for (source, folder) in FILES {
        let source = root.join("node_modules").join(source);
        let content = fs::read(&source).with_context(|| format!("reading {}", source.display()))?;
        let folder = root.join("site").join(folder);
        let target = folder.join(source.file_name().unwrap_or_default());
        // An unchanged file keeps its time: wrangler watches the folder.
        if fs::read(&target).is_ok_and(|found| found == content) {
            continue;
        }
        fs::create_dir_all(&folder)
            .and_then(|()| fs::write(&target, &content))
            .with_context(|| format!("writing {}", target.display()))?;
    }
    Ok(())
}
