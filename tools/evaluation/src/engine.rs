//! From a crop to its embedding: by our own engine, by the Burn engine with float32 weights, or by
//! a running server.

mod server;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
#[cfg(feature = "f32")]
use facenet::burn::Backend;
use facenet::image::Limits;
use facenet::layers::INPUT_SIDE;
use facenet::simd::Simd;
use facenet::{Embedding, Face, Model, Shard};
use indicatif::ProgressBar;
use wire::limits::{
    IMAGE_DECODED_BYTES_MAX, IMAGE_PIXELS_MAX, IMAGE_SIDE_MAX, IMAGE_SIDE_MIN, REQUESTS_AT_ONCE_MAX,
};

use self::server::Server;
use crate::parallel;

/// Which pictures the Worker accepts as a crop.
const LIMITS: Limits = Limits {
    side_min: IMAGE_SIDE_MIN,
    side_max: IMAGE_SIDE_MAX,
    pixels_max: IMAGE_PIXELS_MAX,
    decoded_bytes_max: IMAGE_DECODED_BYTES_MAX,
};

/// What computes embeddings.
#[derive(Clone, Debug)]
pub enum Source {
    /// The SIMD engine with the records of a model in a folder.
    Simd {
        /// The engine's arithmetic.
        simd: Simd,
        /// The model's name, which the records must have.
        model: String,
        /// The folder with both records.
        weights: PathBuf,
    },
    /// The Burn engine with float32 records of a model in a folder.
    #[cfg(feature = "f32")]
    F32 {
        /// The model's name, which the records must have.
        model: String,
        /// The folder with both records.
        weights: PathBuf,
    },
    /// A server with the route `/embed`.
    Server(String),
}

impl Source {
    /// The pipeline that its embeddings are of.
    ///
    /// # Errors
    /// When a server does not say.
    pub fn pipeline(&self) -> anyhow::Result<String> {
        match self {
            Self::Simd { simd, .. } => Ok(simd.pipeline().to_owned()),
            #[cfg(feature = "f32")]
            Self::F32 { .. } => Ok(facenet::PIPELINE.to_owned()),
            Self::Server(url) => Server::new(url).pipeline(),
        }
    }
}

/// What a picture is, and what is embedded of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// A crop.
    Crop,
    /// A crop, and its mirror image: the embedding is the normalised sum of both.
    CropAndMirror,
    /// A whole photograph, of which the main face is embedded. Only a server can do that.
    Photograph,
}

/// A source that is ready.
enum Engine {
    Simd(Box<Model<Simd>>),
    #[cfg(feature = "f32")]
    Burn(Box<Model<Backend>>),
    Server(Server),
}

impl Engine {
    fn open(source: &Source) -> anyhow::Result<Self> {
        match source {
            Source::Simd { simd, model, weights } => {
                Ok(Self::Simd(Box::new(load(simd, model, weights)?)))
            }
            #[cfg(feature = "f32")]
            Source::F32 { model, weights } => {
                Ok(Self::Burn(Box::new(load(&Backend::default(), model, weights)?)))
            }
            Source::Server(url) => Ok(Self::Server(Server::new(url))),
        }
    }

    fn embed(&self, picture: &[u8], look: Look) -> anyhow::Result<Embedding> {
        if let Self::Server(server) = self {
            return match look {
                Look::Crop => server.embed(picture),
                Look::Photograph => server.embed_main_face(picture),
                Look::CropAndMirror => bail!("a server embeds pictures as they are"),
            };
        }
        ensure!(look != Look::Photograph, "only a server finds faces: name it by --server");
        let face = Face::decode(picture, &LIMITS)?;
        let embedding = self.embed_face(&face)?;
        if look == Look::Crop {
            return Ok(embedding);
        }
        let mirrored = self.embed_face(&mirror(&face)?)?;
        let sum = embedding.as_slice().iter().zip(mirrored.as_slice()).map(|(a, b)| a + b);
        Ok(Embedding::normalise(sum.collect())?)
    }

    fn embed_face(&self, face: &Face) -> anyhow::Result<Embedding> {
        match self {
            Self::Simd(model) => Ok(model.embed(face)?),
            #[cfg(feature = "f32")]
            Self::Burn(model) => Ok(model.embed(face)?),
            Self::Server(_) => bail!("a server embeds files"),
        }
    }
}

/// Loads both shards of a model from the records in a folder.
fn load<E: facenet::Engine>(engine: &E, model: &str, weights: &Path) -> anyhow::Result<Model<E>> {
    let [record1, record2] = Shard::ALL.map(|shard| {
        let file = weights.join(shard.file());
        std::fs::read(&file)
            .with_context(|| format!("reading {}; `cargo xtask weights` makes it", file.display()))
    });
    Ok(Model::load(engine, model, [&record1?, &record2?])?)
}

/// Left and right exchanged.
fn mirror(face: &Face) -> anyhow::Result<Face> {
    let rows = face.rgb().chunks(INPUT_SIDE * 3);
    let pixels = rows.flat_map(|row| row.rchunks(3).flatten().copied());
    Face::from_rgb(pixels.collect()).context("a face keeps its size")
}

/// Embeds pictures on all cores. `read` gives the bytes of a picture. One that cannot be read or
/// embedded gives an error in its place.
///
/// # Errors
/// When the source cannot be used at all.
pub fn embed_all(
    source: &Source,
    count: usize,
    look: Look,
    bar: &ProgressBar,
    read: impl Fn(usize) -> anyhow::Result<Vec<u8>> + Sync,
) -> anyhow::Result<Vec<anyhow::Result<Embedding>>> {
    let is_server = matches!(source, Source::Server(_));
    let threads = parallel::cores().min(if is_server { REQUESTS_AT_ONCE_MAX } else { usize::MAX });
    // Runs of one engine take turns, so every thread has its own.
    let open = || Engine::open(source);
    parallel::map(count, threads, bar, open, |engine, index| {
        read(index).and_then(|picture| engine.embed(&picture, look))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_exchanges_left_and_right() {
        let mut pixels = vec![0; INPUT_SIDE * INPUT_SIDE * 3];
        pixels[..6].copy_from_slice(&[1, 2, 3, 4, 5, 6]);
        let face = Face::from_rgb(pixels).unwrap();
        let mirrored = mirror(&face).unwrap();
        let row = &mirrored.rgb()[..INPUT_SIDE * 3];
        assert_eq!(row[row.len() - 6..], [4, 5, 6, 1, 2, 3]);
        assert_eq!(mirror(&mirrored).unwrap(), face);
    }
}
