//! From the bytes of a record to a Burn module.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor};
use burn::tensor::{Bytes, DType};
use burn_pack::{HEADER_SIZE, Reader, Tensor, aligned_data_section_start};
use burn_store::{FloatCastAdapter, ModuleSnapshot};

use crate::record::{Checksum, Digest, Header, PACKING_F32, RecordError};

/// The digest and the tensors of a record, after its header and its checksum were checked.
pub(super) fn read(bytes: Vec<u8>, header: &Header) -> Result<(Digest, Vec<Tensor>), RecordError> {
    let unreadable = |error| RecordError::Unreadable(format!("{error:?}"));
    let mut checksum = Checksum::default();
    checksum.update(data_section(&bytes).unwrap_or_default());
    let reader = Reader::from_bytes(Bytes::from_bytes_vec(bytes)).map_err(unreadable)?;
    // This engine computes in float32, so it also takes weights that were never rounded.
    if Header::is_packed(reader.metadata(), PACKING_F32) {
        header.clone().with_packing(PACKING_F32).check(reader.metadata())?;
    } else {
        header.check(reader.metadata())?;
    }
    checksum.check(Checksum::announced(reader.metadata())?)?;
    let digest = Digest::announced(reader.metadata())?;
    Ok((digest, reader.into_tensors().map_err(unreadable)?))
}

/// The bytes after the metadata, whose length stands at the end of the header.
fn data_section(record: &[u8]) -> Option<&[u8]> {
    let metadata = record.get(..HEADER_SIZE)?.last_chunk()?;
    let metadata = usize::try_from(u32::from_le_bytes(*metadata)).ok()?;
    record.get(aligned_data_section_start(metadata)..)
}

/// Fills a module with the tensors. The module must need each of them, and no other.
pub(super) fn apply<M: Module>(mut module: M, mut tensors: Vec<Tensor>) -> Result<M, RecordError> {
    let mut paths = Paths::default();
    module.visit(&mut paths);
    for tensor in &mut tensors {
        let (layer, name) = tensor.name.split_once('.').unwrap_or((&tensor.name, ""));
        let path = paths.by_layer.get(layer);
        let path = path.ok_or_else(|| RecordError::Tensors(format!("`{layer}` is no layer")))?;
        tensor.name = format!("{path}.{name}");
    }
    let adapter = FloatCastAdapter::to(DType::F32);
    let result = module.apply(tensors, None, Some(Box::new(adapter)), false);
    if let Some(error) = result.errors.first() {
        return Err(RecordError::Tensors(error.to_string()));
    }
    if let Some((name, _)) = result.missing.first() {
        return Err(RecordError::Tensors(format!("`{name}` is missing")));
    }
    if let Some(name) = result.unused.first() {
        return Err(RecordError::Tensors(format!("`{name}` is not used")));
    }
    Ok(module)
}

/// Where each layer is in the module. The generated code divides a large network into submodules.
/// Records name layers without them.
#[derive(Default)]
struct Paths {
    stack: Vec<String>,
    by_layer: BTreeMap<String, String>,
}

impl ModuleVisitor for Paths {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.stack.push(name.to_owned());
        self.by_layer.insert(name.to_owned(), self.stack.join("."));
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.stack.pop();
    }
}
