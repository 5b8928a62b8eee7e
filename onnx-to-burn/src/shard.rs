//! The weights of both shards on their way from a checkpoint to records.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use burn_pack::{Bytes, DType, TENSOR_ALIGNMENT, Tensor, Writer};
use facenet::Shard;
use facenet::layers::Layer;
use facenet::record::{Checksum, Digest, Header, PACKING, PACKING_F32};
use half::f16;
use sha2::{Digest as _, Sha256};

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

/// Writes the records of both shards of a model into a folder. A record has every tensor of
/// [`Shard::layers`], in that order. `tensors` are in the order of [`Shard::ALL`].
///
/// # Errors
/// When a tensor is missing, has a wrong shape, does not fit into float16, or is not of the
/// shard; and when a file cannot be written.
pub fn write(
    precision: Precision,
    model: &str,
    tensors: [Tensors; 2],
    out_dir: &Path,
) -> anyhow::Result<[PathBuf; 2]> {
    let mut digest = Sha256::new();
    let mut pack = |shard: Shard, tensors| {
        Packed::of(precision, shard, model, tensors, &mut digest)
            .with_context(|| format!("{} cannot be made", shard.file()))
    };
    let [tensors1, tensors2] = tensors;
    let (shard1, shard2) = (pack(Shard::Shard1, tensors1)?, pack(Shard::Shard2, tensors2)?);
    let digest = Digest::from(<[u8; 32]>::from(digest.finalize()));
    std::fs::create_dir_all(out_dir).with_context(|| format!("creating {}", out_dir.display()))?;
    let files = Shard::ALL.map(|shard| out_dir.join(shard.file()));
    shard1.write(digest, &files[0])?;
    shard2.write(digest, &files[1])?;
    Ok(files)
}

/// A record without its digest, which depends on the other record too.
struct Packed {
    header: Header,
    checksum: Checksum,
    tensors: Vec<Tensor>,
}

impl Packed {
    fn of(
        precision: Precision,
        shard: Shard,
        model: &str,
        mut tensors: Tensors,
        digest: &mut Sha256,
    ) -> anyhow::Result<Self> {
        let (packing, kind) = match precision {
            Precision::F16 => (PACKING, DType::F16),
            Precision::F32 => (PACKING_F32, DType::F32),
        };
        let header = Header::new(model, shard).with_packing(packing);
        for (key, value) in header.entries() {
            digest.update(format!("{key}={value}\n"));
        }
        let mut packed = Vec::new();
        let mut data = Data { length: 0, checksum: Checksum::default(), digest };
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
        Ok(Self { header, checksum: data.checksum, tensors: packed })
    }

    fn write(self, digest: Digest, file: &Path) -> anyhow::Result<()> {
        let Self { header, checksum, tensors } = self;
        header
            .entries()
            .iter()
            .fold(Writer::new(tensors), |writer, (key, value)| writer.with_metadata(key, value))
            .with_metadata(Checksum::ENTRY, &checksum.entry())
            .with_metadata(Digest::ENTRY, &digest.to_string())
            .write_to_file(file)
            .map_err(|error| anyhow::anyhow!("{error:?}"))
            .with_context(|| format!("writing {}", file.display()))
    }
}

/// Computes checksum and digest of the data section as the writer will write it.
struct Data<'a> {
    length: usize,
    checksum: Checksum,
    digest: &'a mut Sha256,
}

impl Data<'_> {
    /// Adds a tensor, on the next multiple of the alignment, and the zeros before it.
    fn push(&mut self, tensor: &[u8]) {
        const ZEROS: [u8; TENSOR_ALIGNMENT as usize] = [0; TENSOR_ALIGNMENT as usize];
        let padding = self.length.next_multiple_of(ZEROS.len()) - self.length;
        for bytes in [&ZEROS[..padding], tensor] {
            self.checksum.update(bytes);
            self.digest.update(bytes);
            self.length += bytes.len();
        }
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

    /// Tensors of a shard in which numbers follow from their places and `seed`.
    fn tensors(shard: Shard, seed: usize) -> Tensors {
        let layers = shard.layers();
        let tensors = layers.iter().flat_map(Layer::tensors).map(|(name, shape)| {
            let numbers = 0..shape.iter().product();
            let data = numbers.map(|i: usize| ((i + seed) % 251) as f32).collect();
            (name, Array { shape, data })
        });
        tensors.collect()
    }

    fn write_f16(model: &str, tensors: [Tensors; 2], dir: &Path) -> anyhow::Result<[PathBuf; 2]> {
        write(Precision::F16, model, tensors, dir)
    }

    #[test]
    fn what_does_not_fit_the_network_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let [first, all] = Shard::ALL.map(|shard| tensors(shard, 0));
        let refused = |second| {
            let error = write_f16("casia-webface", [first.clone(), second], dir.path());
            assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
            let text = format!("{:#}", error.unwrap_err());
            text.strip_prefix("shard2.bin cannot be made: ").unwrap().to_owned()
        };

        let mut less = all.clone();
        less.remove("block8_conv2d.bias");
        assert_eq!(refused(less), "`block8_conv2d.bias` is missing");

        let mut other = all.clone();
        other.get_mut("last_bn.beta").unwrap().shape = vec![256, 2];
        let text = refused(other);
        assert!(text.contains("`last_bn.beta`") && text.contains("[256, 2]"), "{text}");

        let mut more = all;
        more.insert("logits.weight".into(), Array { shape: vec![1], data: vec![0.0] });
        assert_eq!(refused(more), "`logits.weight` is not a tensor of shard2");
    }

    /// The data section of a record, and the rest of what it says.
    fn read(file: &Path) -> (Vec<u8>, BTreeMap<String, String>) {
        let record = std::fs::read(file).unwrap();
        let metadata = u32::from_le_bytes(*record[..HEADER_SIZE].last_chunk().unwrap());
        let data = record[aligned_data_section_start(metadata as usize)..].to_vec();
        (data, Reader::from_file(file).unwrap().metadata().clone())
    }

    #[test]
    fn checksum_and_digest_are_those_of_the_data_sections() {
        let dir = tempfile::tempdir().unwrap();
        let both = Shard::ALL.map(|shard| tensors(shard, 1));
        let files = write_f16("casia-webface", both, dir.path()).unwrap();
        let mut digest = Sha256::new();
        let records = files.map(|file| read(&file));
        for (shard, (data, metadata)) in Shard::ALL.into_iter().zip(&records) {
            let mut checksum = Checksum::default();
            checksum.update(data);
            assert_eq!(Checksum::announced(metadata).map(|it| checksum.check(it)), Ok(Ok(())));
            let name = shard.name();
            digest.update(format!(
                "cface.model=casia-webface\ncface.pipeline={}\ncface.packing=f16-oihw\n\
                 cface.shard={name}\n",
                facenet::PIPELINE
            ));
            digest.update(data);
        }
        let digest = Digest::from(<[u8; 32]>::from(digest.finalize()));
        for (_, metadata) in &records {
            assert_eq!(Digest::announced(metadata), Ok(digest));
        }
    }

    /// Whatever differs, the digest of both records does.
    #[test]
    fn other_weights_have_another_digest() {
        let dir = tempfile::tempdir().unwrap();
        let digest = |precision, model, seeds: [usize; 2]| {
            let [first, second] = seeds;
            let both = [tensors(Shard::Shard1, first), tensors(Shard::Shard2, second)];
            let files = write(precision, model, both, dir.path()).unwrap();
            let [one, other] = files.map(|file| Digest::announced(&read(&file).1).unwrap());
            assert_eq!(one, other);
            one.to_string()
        };
        let f16 = Precision::F16;
        let usual = digest(f16, "casia-webface", [0, 0]);
        assert_eq!(digest(f16, "casia-webface", [0, 0]), usual);
        let others = [
            digest(f16, "casia-webface", [1, 0]),
            digest(f16, "casia-webface", [0, 1]),
            digest(f16, "vggface2", [0, 0]),
            digest(Precision::F32, "casia-webface", [0, 0]),
        ];
        assert!(!others.contains(&usual), "{others:?}");
    }
}
