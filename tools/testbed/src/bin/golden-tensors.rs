//! Writes the golden crops as the input tensors of an engine, `[1, 3, 160, 160]` in float32,
//! little-endian: `NAME.f32` in the folder that is the one argument.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use facenet::image::{Face, Limits};

fn main() -> anyhow::Result<()> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from).context("no folder was named")?;
    for golden in testbed::golden::all()? {
        let context = || format!("writing the tensor of {}", golden.name);
        let picture = fs::read(&golden.picture).with_context(context)?;
        let tensor = Face::decode(&picture, &Limits::CROP).with_context(context)?.input();
        let bytes: Vec<u8> = tensor.iter().flat_map(|number| number.to_le_bytes()).collect();
        let file = folder.join(&golden.name).with_extension("f32");
        fs::write(file, bytes).with_context(context)?;
    }
    Ok(())
}
