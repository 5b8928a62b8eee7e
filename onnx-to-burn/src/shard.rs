//! The weights of one shard on their way from a checkpoint to a record.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use burn_pack::{Bytes, DType, TENSOR_ALIGNMENT, Tensor, Writer};
use facenet::Shard;
use facenet::layers::Layer;
use facenet::record::{Checksum, Header, PACKING, PACKING_F32};
use half::f16;

/// A tensor in float32, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Its dimensions.
    pub shape: Vec<usize>,
    /// Its elements.
    pub data: Vec<f32>,
}

/// The tensors of one shard by their names in the record.
pub type Tensors = BTreeMap<String, Array>;

/// How a record holds its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// 16 bits, for the Worker.
    F16,
    /// 32 bits, as in the checkpoint. Only the Burn engine reads such records, to compare with.
    F32,
}

/// Writes the record of a shard: every tensor of [`Shard::layers`] in that order, as float16.
///
/// # Errors
/// When a tensor is missing, has a wrong shape, does not fit into float16, or is not of the
/// shard; and when the file cannot be written.
pub fn write(shard: Shard, model: &str, tensors: Tensors, file: &Path) -> anyhow::Result<()> {
    write_as(Precision::F16, shard, model, tensors, file)
}

/// As [`write()`], in either precision.
///
/// # Errors
/// As [`write()`].
pub fn write_as(
    precision: Precision,
    shard: Shard,
    model: &str,
    mut tensors: Tensors,
    file: &Path,
) -> anyhow::Result<()> {
    let (packing, kind) = match precision {
        Precision::F16 => (PACKING, DType::F16),
        Precision::F32 => (PACKING_F32, DType::F32),
    };
    let mut packed = Vec::new();
    let mut data = Data::default();
    for (name, shape) in shard.layers().iter().flat_map(Layer::tensors) {
        let array = tensors.remove(&name).with_context(|| format!("`{name}` is missing"))?;
        ensure!(
            array.shape == shape,
            "`{name}` has the shape {:?} where the network has {shape:?}",
            array.shape
        );
        let bytes = match precision {
            Precision::F16 => to_f16(&array.data).with_context(|| format!("`{name}`"))?,
            Precision::F32 => array.data.iter().flat_map(|value| value.to_le_bytes()).collect(),
        };
        data.push(&bytes);
        packed.push(Tensor::new(name, kind, shape, None, Bytes::from_bytes_vec(bytes)));
    }
    if let Some(name) = tensors.keys().next() {
        bail!("`{name}` is not a tensor of {}", shard.name());
    }
    let header = Header::new(model, shard).with_packing(packing);
    let writer = header
        .entries()
        .iter()
        .fold(Writer::new(packed), |writer, (key, value)| writer.with_metadata(key, value))
        .with_metadata(Checksum::ENTRY, &data.checksum.entry());
    writer
        .write_to_file(file)
        .map_err(|error| anyhow::anyhow!("{error:?}"))
        .with_context(|| format!("writing {}", file.display()))
}

/// Computes the checksum of the data section as the writer will write it.
#[derive(Default)]
struct Data {
    length: usize,
    checksum: Checksum,
}

impl Data {
    /// Adds a tensor, on the next multiple of the alignment, and the zeros before it.
    fn push(&mut self, tensor: &[u8]) {
        const ZEROS: [u8; TENSOR_ALIGNMENT as usize] = [0; TENSOR_ALIGNMENT as usize];
        let padding = self.length.next_multiple_of(ZEROS.len()) - self.length;
        self.checksum.update(&ZEROS[..padding]);
        self.checksum.update(tensor);
        self.length += padding + tensor.len();
    }
}

/// Rounds to the nearest float16. Subnormals become zero: as weights they have almost no effect,
/// and arithmetic on them is slow on many processors.
fn to_f16(values: &[f32]) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(values.len() * 2);
    for &value in values {
        let half = f16::from_f32(value);
        ensure!(half.is_finite(), "{value} does not fit into a 16-bit float");
        let half = if half.is_normal() { half } else { f16::ZERO };
        bytes.extend_from_slice(&half.to_le_bytes());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use burn_pack::{HEADER_SIZE, Reader, aligned_data_section_start};

    use super::*;

    #[test]
    fn halves_are_rounded_flushed_and_bounded() {
        let bytes = to_f16(&[1.0, -0.333_333_34, 1e-7, 0.0]).unwrap();
        let halves: Vec<_> =
            bytes.chunks(2).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32()).collect();
        assert!((halves[0] - 1.0).abs() < 1e-9);
        assert!((halves[1] + 1.0 / 3.0).abs() < 2e-4);
        assert_eq!(halves[2..], [0.0, 0.0]);
        assert!(to_f16(&[1e6]).is_err());
        assert!(to_f16(&[f32::NAN]).is_err());
    }

    #[test]
    fn what_does_not_fit_the_network_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("shard2.bin");
        let all: Tensors = Shard::Shard2
            .layers()
            .iter()
            .flat_map(Layer::tensors)
            .map(|(name, shape)| {
                let data = vec![0.5; shape.iter().product()];
                (name, Array { shape, data })
            })
            .collect();
        let refused = |tensors| {
            let error = write(Shard::Shard2, "casia-webface", tensors, &file).unwrap_err();
            assert!(!file.exists());
            format!("{error:#}")
        };

        let mut less = all.clone();
        less.remove("block8_conv2d.bias");
        assert_eq!(refused(less), "`block8_conv2d.bias` is missing");

        let mut other = all.clone();
        other.get_mut("last_bn.beta").unwrap().shape = vec![256, 2];
        let text = refused(other);
        assert!(text.contains("`last_bn.beta`") && text.contains("[256, 2]"), "{text}");

        let mut more = all.clone();
        more.insert("logits.weight".into(), Array { shape: vec![1], data: vec![0.0] });
        assert_eq!(refused(more), "`logits.weight` is not a tensor of shard2");

        write(Shard::Shard2, "casia-webface", all, &file).unwrap();
        assert!(file.exists());
    }

    #[test]
    fn the_checksum_is_that_of_the_data_section() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("shard2.bin");
        let layers = Shard::Shard2.layers();
        let all = layers.iter().flat_map(Layer::tensors).map(|(name, shape)| {
            let data = (0..shape.iter().product()).map(|i: usize| (i % 251) as f32).collect();
            (name, Array { shape, data })
        });
        write(Shard::Shard2, "casia-webface", all.collect(), &file).unwrap();
        let record = std::fs::read(&file).unwrap();
        let metadata = u32::from_le_bytes(*record[..HEADER_SIZE].last_chunk().unwrap());
        let mut checksum = Checksum::default();
        checksum.update(&record[aligned_data_section_start(metadata as usize)..]);
        let reader = Reader::from_file(&file).unwrap();
        assert_eq!(Checksum::announced(reader.metadata()).map(|it| checksum.check(it)), Ok(Ok(())));
        assert_eq!(reader.metadata()[Checksum::ENTRY], checksum.entry());
    }
}
