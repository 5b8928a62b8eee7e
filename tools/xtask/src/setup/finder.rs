//! The weights of the face finder as one file, made from those that face-api.js publishes. They
//! come with its npm package, under the MIT licence.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use face_finder::weights::{self, Network, TENSORS, Tensor};
use serde_json::Value;

use crate::fingerprint::check_sha256;
use crate::project;

/// The folder of the package with the networks.
const MODELS: &str = "node_modules/@vladmandic/face-api/model";

/// The files of one network.
struct Source {
    network: Network,
    /// What both files are called, without the endings.
    name: &'static str,
    weights_sha256: &'static str,
    manifest_sha256: &'static str,
}

const SOURCES: [Source; 2] = [
    Source {
        network: Network::Detector,
        name: "tiny_face_detector_model",
        weights_sha256: "b7503ce7df31039b1c43316a9b865cab6a70dd748cc602d3fa28b551503c3871",
        manifest_sha256: "5d1af4849ac48d5b985f4a9b16010c512353ddd6fcc63d50fd0bc9e9e64296e5",
    },
    Source {
        network: Network::Landmarks,
        name: "face_landmark_68_tiny_model",
        weights_sha256: "b98e9f2f7da76f8a6dda9741a36ed485b224b889d552de2b2c1bb16217f67bfc",
        manifest_sha256: "9a1a5dd19fd814fd5095c3cb58f8e0d3193b8c5b9a6715b30a69d559aea31ad4",
    },
];

/// Where the file is.
pub(crate) fn file() -> PathBuf {
    project::local().join("finder/face-finder.bin")
}

/// Makes the file, unless it is there. The npm packages have to be installed.
pub(crate) fn ensure() -> anyhow::Result<PathBuf> {
    let mut contents = Vec::new();
    for source in SOURCES {
        let read = |ending: &str, sha256| {
            let name = format!("{}{ending}", source.name);
            let path = project::root().join(MODELS).join(&name);
            let bytes = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
            check_sha256(&name, &bytes, sha256)?;
            anyhow::Ok(bytes)
        };
        let manifest = read("-weights_manifest.json", source.manifest_sha256)?;
        contents.push((source.network, manifest, read(".bin", source.weights_sha256)?));
    }
    let mut all = Vec::new();
    for (network, manifest, bytes) in &contents {
        all.extend(tensors(*network, manifest, bytes)?);
    }
    let all = <[Tensor<'_>; TENSORS.len()]>::try_from(all).ok().context("other tensors")?;
    let (file, bytes) = (file(), weights::write(&all)?);
    if fs::read(&file).is_ok_and(|found| found == bytes) {
        return Ok(file);
    }
    let write = || {
        fs::create_dir_all(file.parent().unwrap_or(&file))?;
        fs::write(&file, &bytes)
    };
    write().with_context(|| format!("writing {}", file.display()))?;
    Ok(file)
}

/// The tensors of a network, as its manifest describes its bytes.
fn tensors<'a>(
    network: Network,
    manifest: &[u8],
    mut bytes: &'a [u8],
) -> anyhow::Result<Vec<Tensor<'a>>> {
    let manifest: Value = serde_json::from_slice(manifest).context("a manifest is no JSON")?;
    let listed = manifest[0]["weights"].as_array().context("a manifest without weights")?;
    let shapes = TENSORS.iter().filter(|shape| shape.network == network);
    ensure!(listed.len() == shapes.clone().count(), "{network:?} has {} tensors", listed.len());
    let mut all = Vec::new();
    for (shape, entry) in shapes.zip(listed) {
        let name = shape.name;
        ensure!(entry["name"] == name, "{} stands where {name} should be", entry["name"]);
        ensure!(entry["shape"] == Value::from(shape.dimensions), "{name} is {}", entry["shape"]);
        let range = &entry["quantization"];
        ensure!(range["dtype"] == "uint8", "{name} has weights of {}", range["dtype"]);
        let number = |key| range[key].as_f64().with_context(|| format!("{name} has no {key}"));
        let (own, rest) = bytes
            .split_at_checked(shape.len())
            .with_context(|| format!("the bytes of {name} are missing"))?;
        bytes = rest;
        all.push(Tensor { scale: number("scale")?, min: number("min")?, bytes: own });
    }
    ensure!(bytes.is_empty(), "{} bytes are left over", bytes.len());
    Ok(all)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A manifest as face-api's, and bytes for it.
    fn detector() -> (Value, Vec<u8>) {
        let own = TENSORS.iter().filter(|shape| shape.network == Network::Detector);
        let length = own.clone().map(weights::Shape::len).sum();
        let entry = |shape: &weights::Shape| {
            json!({
                "name": shape.name,
                "shape": shape.dimensions,
                "quantization": {"dtype": "uint8", "scale": 0.5, "min": -1.5},
            })
        };
        (json!([{ "weights": own.map(entry).collect::<Vec<_>>() }]), vec![7; length])
    }

    #[test]
    fn tensors_are_read_as_the_manifest_says() {
        let (manifest, bytes) = detector();
        let read = tensors(Network::Detector, manifest.to_string().as_bytes(), &bytes).unwrap();
        assert_eq!(read.len(), 19);
        assert_eq!(read[1], Tensor { scale: 0.5, min: -1.5, bytes: &[7; 16] });
    }

    #[test]
    fn other_networks_are_refused() {
        let refused = |change: fn(&mut Value, &mut Vec<u8>)| {
            let (mut manifest, mut bytes) = detector();
            change(&mut manifest, &mut bytes);
            let manifest = manifest.to_string();
            tensors(Network::Detector, manifest.as_bytes(), &bytes).unwrap_err().to_string()
        };
        assert_eq!(refused(|_, bytes| bytes.push(0)), "1 bytes are left over");
        let missing = "the bytes of conv8/bias are missing";
        assert_eq!(refused(|_, bytes| bytes.truncate(bytes.len() - 1)), missing);
        let error = refused(|manifest, _| manifest[0]["weights"] = json!([]));
        assert_eq!(error, "Detector has 0 tensors");
        let error = refused(|manifest, _| manifest[0]["weights"][0]["name"] = json!("conv9"));
        assert_eq!(error, "\"conv9\" stands where conv0/filters should be");
        let error = refused(|manifest, _| manifest[0]["weights"][0]["shape"] = json!([3, 3]));
        assert_eq!(error, "conv0/filters is [3,3]");
        let error = refused(|manifest, _| {
            manifest[0]["weights"][0]["quantization"]["dtype"] = json!("uint16");
        });
        assert_eq!(error, "conv0/filters has weights of \"uint16\"");
        let error = refused(|manifest, _| {
            manifest[0]["weights"][0]["quantization"]["scale"] = json!(null);
        });
        assert_eq!(error, "conv0/filters has no scale");
    }
}
