//! What the engines have in common, and the whole model on one of them.

use crate::Shard;
use crate::embedding::{Embedding, EmbeddingError};
use crate::image::Face;
use crate::record::{Digest, RecordError};

/// An engine: it packs the record of a shard as its bytes arrive, and runs the shard.
///
/// The engines are [`Simd`](crate::simd::Simd) and [`Backend`](crate::burn::Backend). For both
/// shards in one place there is [`Model`]. A program with one shard only, as an object of the
/// Worker, uses the loaders of [`simd`](crate::simd) and [`burn`](crate::burn), which this trait
/// calls.
pub trait Engine {
    /// Takes the bytes of one record.
    type Loader;
    /// A shard that is ready to run.
    type LoadedShard;

    /// Starts to load a shard of `model` from a record of `length` bytes.
    ///
    /// # Errors
    /// When the length cannot be that of a record.
    fn loader(&self, shard: Shard, model: &str, length: usize)
    -> Result<Self::Loader, RecordError>;

    /// Takes the next bytes of the record, as many as there are.
    ///
    /// # Errors
    /// When they cannot belong to the record.
    fn push(loader: &mut Self::Loader, chunk: &[u8]) -> Result<(), RecordError>;

    /// Makes a shard of the record.
    ///
    /// # Errors
    /// When bytes are missing or damaged, or are of another record.
    fn finish(loader: Self::Loader) -> Result<Self::LoadedShard, RecordError>;

    /// The digest that the record of a shard names. Both shards of a model have the same.
    fn digest(shard: &Self::LoadedShard) -> Digest;

    /// Computes [`Shard::output_len`] numbers from [`Shard::input_len`] numbers, or nothing when
    /// the input has another length.
    fn run(shard: &Self::LoadedShard, input: &[f32]) -> Option<Vec<f32>>;
}

/// Both shards on one engine: a picture in, an embedding out.
pub struct Model<E: Engine> {
    shards: [E::LoadedShard; 2],
}

impl<E: Engine> Model<E> {
    /// Loads the records of `model`, in the order of [`Shard::ALL`].
    ///
    /// # Errors
    /// When one is not the record of its shard and of this model, or is damaged, and when they were
    /// not made together.
    pub fn load(engine: &E, model: &str, records: [&[u8]; 2]) -> Result<Self, RecordError> {
        let load = |shard, record: &[u8]| {
            let mut loader = engine.loader(shard, model, record.len())?;
            E::push(&mut loader, record)?;
            E::finish(loader)
        };
        let [first, second] = records;
        Self::new([load(Shard::Shard1, first)?, load(Shard::Shard2, second)?])
    }

    /// The model of two shards that were loaded one by one, in the order of [`Shard::ALL`].
    ///
    /// # Errors
    /// When their records were not made together.
    pub fn new(shards: [E::LoadedShard; 2]) -> Result<Self, RecordError> {
        let [first, second] = &shards;
        E::digest(second).check(E::digest(first))?;
        Ok(Self { shards })
    }

    /// Computes the embedding of a face.
    ///
    /// # Errors
    /// When the weights give no finite numbers.
    pub fn embed(&self, face: &Face) -> Result<Embedding, EmbeddingError> {
        self.embed_input(&face.input())
    }

    /// Computes the embedding of an input tensor, [`Face::input`].
    ///
    /// # Errors
    /// When the input has another length (an embedding of 0 numbers is reported then), and when
    /// the weights give no finite numbers.
    pub fn embed_input(&self, input: &[f32]) -> Result<Embedding, EmbeddingError> {
        let [shard1, shard2] = &self.shards;
        let boundary = E::run(shard1, input);
        let numbers = boundary.and_then(|boundary| E::run(shard2, &boundary));
        Embedding::normalise(numbers.unwrap_or_default())
    }
}
