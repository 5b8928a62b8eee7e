//! Reads a record (burnpack) as it arrives: its [`head`], then the tensors in the order of
//! [`Shard::layers`], each on a multiple of 256 bytes with zeros between.
//!
//! Only the packed weights are kept; the metadata until it is checked. It must describe exactly the
//! tensors of the shard, at the places where the converter puts them.

use std::collections::BTreeMap;

use super::choice::Simd;
use super::weights::{Packed, Packer};
use crate::Shard;
use crate::layers::Layer;
use crate::record::head::{self, Head, METADATA_BYTES_MAX, Tensor};
use crate::record::{self, ALIGNMENT, Checksum, Digest, HEADER_BYTES, Header, RecordError};

/// The state of reading a record.
pub(super) struct Reader {
    shard: Shard,
    simd: Simd,
    header: Header,
    /// What the record must name, if that is known.
    digest: Option<Digest>,
    length: usize,
    received: usize,
    /// Bytes before the data section, as far as they have come.
    head: Vec<u8>,
    /// The data section, once all of the head was read.
    body: Option<Body>,
}

impl Reader {
    pub(super) fn new(shard: Shard, model: &str, length: usize) -> Result<Self, RecordError> {
        let expected = record::length(shard, METADATA_BYTES_MAX);
        if length > expected {
            return Err(RecordError::Length { expected, actual: length });
        }
        let header = Header::new(model, shard);
        let (simd, head, body) = (Simd::default(), Vec::new(), None);
        Ok(Self { shard, simd, header, digest: None, length, received: 0, head, body })
    }

    /// Packs for another arithmetic. Nothing must have been pushed yet.
    pub(super) fn with_simd(self, simd: Simd) -> Self {
        Self { simd, ..self }
    }

    pub(super) fn with_digest(self, digest: Digest) -> Self {
        Self { digest: Some(digest), ..self }
    }

    pub(super) fn push(&mut self, mut chunk: &[u8]) -> Result<(), RecordError> {
        self.received = self.received.saturating_add(chunk.len());
        if self.received > self.length {
            return Err(RecordError::Length { expected: self.length, actual: self.received });
        }
        while self.body.is_none() && !chunk.is_empty() {
            let missing = head::length(&self.head)? - self.head.len();
            let (now, later) = chunk.split_at(missing.min(chunk.len()));
            self.head.extend_from_slice(now);
            chunk = later;
            if self.head.len() > HEADER_BYTES && head::length(&self.head)? == self.head.len() {
                self.body = Some(self.read_head()?);
                self.head = Vec::new();
            }
        }
        self.body.as_mut().map_or(Ok(()), |body| body.push(chunk))
    }

    /// Checks the metadata against the shard.
    fn read_head(&self) -> Result<Body, RecordError> {
        let Head { tensors, metadata } = Head::read(&self.head)?;
        self.header.check(&metadata)?;
        let digest = Digest::announced(&metadata)?;
        digest.check(self.digest.unwrap_or(digest))?;
        let checksum = Checksum::announced(&metadata)?;
        let layers = self.shard.layers();
        check_tensors(&layers, tensors)?;
        let expected = record::length(self.shard, head::metadata_bytes(&self.head)?);
        if self.length != expected {
            return Err(RecordError::Length { expected, actual: self.length });
        }
        Ok(Body::new(layers, self.simd, digest, checksum))
    }

    /// The digest that the record names, and its weights.
    pub(super) fn finish(self) -> Result<(Digest, Vec<Packed>), RecordError> {
        if self.received != self.length {
            return Err(RecordError::Length { expected: self.length, actual: self.received });
        }
        let empty = || RecordError::Unreadable("no data".into());
        self.body.ok_or_else(empty)?.finish()
    }
}

/// The tensors of a record by their names, as its metadata must have them.
fn tensors(layers: &[Layer]) -> impl Iterator<Item = (String, Tensor)> {
    record::places(layers).map(|(name, shape, place)| {
        let data_offsets = (place.start, place.end);
        (name, Tensor { dtype: "F16".into(), shape, data_offsets })
    })
}

fn check_tensors(
    layers: &[Layer],
    mut actual: BTreeMap<String, Tensor>,
) -> Result<(), RecordError> {
    for (name, expected) in tensors(layers) {
        let wrong = |what| Err(RecordError::Tensors(format!("`{name}` {what}")));
        match actual.remove(&name) {
            None => return wrong("is missing"),
            Some(tensor) if tensor.shape != expected.shape => return wrong("has another shape"),
            Some(tensor) if tensor.dtype != expected.dtype => return wrong("is not of float16"),
            Some(tensor) if tensor != expected => return wrong("is at another place"),
            Some(_) => {}
        }
    }
    match actual.keys().next() {
        Some(name) => Err(RecordError::Tensors(format!("`{name}` is no tensor of the shard"))),
        None => Ok(()),
    }
}

/// The state of reading the data section.
struct Body {
    layers: std::vec::IntoIter<Layer>,
    simd: Simd,
    packer: Option<Packer>,
    packed: Vec<Packed>,
    /// Zero bytes that are still to come before the next tensor.
    padding: usize,
    /// The first byte of a number whose second byte is in the next chunk.
    carry: Option<u8>,
    /// Bytes of the data section so far.
    position: usize,
    digest: Digest,
    /// The checksum that the metadata has.
    announced: u32,
    checksum: Checksum,
}

impl Body {
    fn new(layers: Vec<Layer>, simd: Simd, digest: Digest, announced: u32) -> Self {
        let mut layers = layers.into_iter();
        let packer = layers.next().map(|layer| Packer::new(&layer, simd));
        Self {
            layers,
            simd,
            packer,
            packed: Vec::new(),
            padding: 0,
            carry: None,
            position: 0,
            digest,
            announced,
            checksum: Checksum::default(),
        }
    }

    fn push(&mut self, mut chunk: &[u8]) -> Result<(), RecordError> {
        self.checksum.update(chunk);
        while !chunk.is_empty() {
            let taken = self.step(chunk)?;
            self.position += taken;
            chunk = &chunk[taken..];
        }
        Ok(())
    }

    /// Takes some bytes from the beginning of the chunk. Returns how many.
    fn step(&mut self, chunk: &[u8]) -> Result<usize, RecordError> {
        if self.padding > 0 {
            let padding = &chunk[..self.padding.min(chunk.len())];
            if padding.iter().any(|&byte| byte != 0) {
                return Err(RecordError::Unreadable("bytes between tensors".into()));
            }
            self.padding -= padding.len();
            return Ok(padding.len());
        }
        let Some(packer) = &mut self.packer else {
            return Err(RecordError::Unreadable("bytes after the tensors".into()));
        };
        let carried = usize::from(self.carry.is_some());
        let missing = packer.missing_bytes().unwrap_or_default() - carried;
        let bytes = &chunk[..missing.min(chunk.len())];
        if let (Some(first), Some(&second)) = (self.carry.take(), bytes.first()) {
            packer.push(&[[first, second]])?;
        }
        let (halves, rest) = bytes[carried.min(bytes.len())..].as_chunks::<2>();
        packer.push(halves)?;
        self.carry = rest.first().copied();
        if missing == bytes.len() {
            let end = self.position + bytes.len();
            self.padding = end.next_multiple_of(ALIGNMENT) - end;
            if packer.missing_bytes().is_none() {
                self.next_layer()?;
            }
        }
        Ok(bytes.len())
    }

    fn next_layer(&mut self) -> Result<(), RecordError> {
        let packed = self.packer.take().and_then(Packer::finish);
        let missing = || RecordError::Tensors("a layer is not complete".into());
        self.packed.push(packed.ok_or_else(missing)?);
        self.packer = self.layers.next().map(|layer| Packer::new(&layer, self.simd));
        Ok(())
    }

    fn finish(self) -> Result<(Digest, Vec<Packed>), RecordError> {
        if self.packer.is_some() {
            return Err(RecordError::Unreadable("tensors are missing".into()));
        }
        self.checksum.check(self.announced)?;
        Ok((self.digest, self.packed))
    }
}
