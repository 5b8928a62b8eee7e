//! The golden outputs of every layer for one crop, and how far an engine's are from them.
//!
//! PyTorch has computed them in float64 from weights rounded as those of a record, so an engine's
//! difference does not come from the rounding of the weights. The generator of the file,
//! `onnx-to-burn/pytorch/activations.py`, describes its format.

use std::fmt::Write as _;

use crate::Shard;

/// The golden crop that the outputs are of.
pub const CROP: &str = "collins-1";

const SEED: u64 = 20_180_408;
const PROJECTIONS: usize = 8;
const SAMPLES: usize = 64;

/// The largest difference of an engine, in units of a layer's standard deviation. Rounding the
/// weights to float16 changes every layer by ten times as much.
pub const DIFFERENCE_MAX: f64 = 1e-4;

/// The largest root mean square of an engine's differences, in the same units. Engines compute in
/// float32, with sums of up to 3,456 products in 134 layers one after the other.
pub const RMS_MAX: f64 = 1e-5;

/// What the file says of a layer. The numbers are in the units of the layer's output, except
/// `count` and `rounding`.
#[derive(Clone, Debug)]
pub struct Layer {
    /// [`layers::Layer::name`](crate::layers::Layer::name).
    pub name: String,
    /// Values in its output.
    pub count: usize,
    mean: f64,
    std: f64,
    /// The largest absolute value.
    max: f64,
    /// How much the rounding of the weights to float16 changes the output: root mean square, in
    /// units of the standard deviation.
    pub rounding: f64,
    /// Sums of all values with random signs, divided by the root of `count`.
    projections: [f64; PROJECTIONS],
    samples: [f64; SAMPLES],
}

/// How far an engine's output is from the golden one, in units of its standard deviation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Difference {
    /// An estimate of the root mean square over all values, from the sums with random signs.
    pub rms: f64,
    /// The largest among the samples.
    pub sample: f64,
    /// The largest difference of mean, standard deviation and maximum.
    pub statistics: f64,
}

impl Difference {
    /// Whether it is within [`DIFFERENCE_MAX`] and [`RMS_MAX`].
    #[must_use]
    pub fn is_small(self) -> bool {
        let Self { rms, sample, statistics } = self;
        rms <= RMS_MAX && sample <= DIFFERENCE_MAX && statistics <= DIFFERENCE_MAX
    }
}

/// Reads the file of golden outputs.
///
/// # Errors
/// When it is damaged or has another format.
pub fn read(text: &str) -> Result<Vec<Layer>, String> {
    let head: usize =
        text.lines().take_while(|line| line.starts_with('#')).map(|line| line.len() + 1).sum();
    let body = text.get(head..).unwrap_or_default();
    let checksum = format!("crc32 {:08x}", crc32fast::hash(body.as_bytes()));
    if !text.lines().next().is_some_and(|head| head.ends_with(&checksum)) {
        return Err(format!("the golden outputs are damaged: they have the {checksum}"));
    }
    body.lines().map(|line| layer(line).ok_or_else(|| format!("not a layer: {line}"))).collect()
}

fn layer(line: &str) -> Option<Layer> {
    let mut words = line.split(' ');
    let (name, count) = (words.next()?.to_owned(), words.next()?.parse().ok()?);
    let numbers: Vec<f64> = words.map(str::parse).collect::<Result<_, _>>().ok()?;
    let [mean, std, max, rounding, rest @ ..] = &*numbers else { return None };
    let (projections, samples) = rest.split_at_checked(PROJECTIONS)?;
    Some(Layer {
        name,
        count,
        mean: *mean,
        std: *std,
        max: *max,
        rounding: *rounding,
        projections: projections.try_into().ok()?,
        samples: samples.try_into().ok()?,
    })
}

/// The finaliser of `SplitMix64`.
const fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

impl Layer {
    /// Compares an engine's output of this layer, in NCHW order.
    ///
    /// # Errors
    /// When it has another number of values.
    pub fn compare(&self, output: &[f32]) -> Result<Difference, String> {
        let (name, count) = (&self.name, output.len());
        if count != self.count {
            return Err(format!("{name} has {count} values where {} belong", self.count));
        }
        let values = || output.iter().map(|&value| f64::from(value));
        let mean = values().sum::<f64>() / count as f64;
        let std = (values().map(|value| (value - mean).powi(2)).sum::<f64>() / count as f64).sqrt();
        let max = values().fold(0.0, |max: f64, value| max.max(value.abs()));
        let mut projections = [0.0; PROJECTIONS];
        for (index, value) in values().enumerate() {
            let bits = mix((index as u64).wrapping_add(SEED));
            for (k, sum) in projections.iter_mut().enumerate() {
                *sum += if bits >> k & 1 == 1 { -value } else { value };
            }
        }
        let squares = self
            .projections
            .iter()
            .zip(projections)
            .map(|(golden, sum)| (sum / (count as f64).sqrt() - golden).powi(2));
        let rms = (squares.sum::<f64>() / PROJECTIONS as f64).sqrt();
        let sample = self
            .samples
            .iter()
            .zip(places(count))
            .map(|(golden, place)| (f64::from(output[place]) - golden).abs());
        let statistics = [mean - self.mean, std - self.std, max - self.max].map(f64::abs);
        Ok(Difference {
            rms: rms / self.std,
            sample: sample.fold(0.0, f64::max) / self.std,
            statistics: statistics.into_iter().fold(0.0, f64::max) / self.std,
        })
    }
}

/// Indices of the samples among so many values.
fn places(count: usize) -> impl Iterator<Item = usize> {
    let from = 0u64.wrapping_sub(SEED);
    (0..SAMPLES as u64).map(move |j| (mix(from.wrapping_sub(j)) % count as u64) as usize)
}

/// Compares the outputs of both shards' layers, in their order.
///
/// # Errors
/// When the number or the names of the layers differ, or a layer has another number of values.
pub fn compare(golden: &[Layer], outputs: &[Vec<f32>]) -> Result<Vec<Difference>, String> {
    let names = Shard::ALL.into_iter().flat_map(Shard::layers).map(|layer| layer.name);
    if !names.eq(golden.iter().map(|layer| layer.name.clone())) {
        return Err("the golden outputs are of other layers".into());
    }
    if outputs.len() != golden.len() {
        return Err(format!("{} layers where {} belong", outputs.len(), golden.len()));
    }
    golden.iter().zip(outputs).map(|(layer, output)| layer.compare(output)).collect()
}

/// A table of the differences of several engines: for each layer the root mean square and the
/// largest difference of a sample, in units of the layer's standard deviation.
#[must_use]
pub fn table(golden: &[Layer], engines: &[(&str, Vec<Difference>)]) -> String {
    let mut text = format!("{:22} {:>8}", "layer", "rounding");
    for (engine, _) in engines {
        let _ = write!(text, " {engine:>17}");
    }
    for (index, layer) in golden.iter().enumerate() {
        let _ = write!(text, "\n{:22} {:8.1e}", layer.name, layer.rounding);
        for (_, differences) in engines {
            let Difference { rms, sample, .. } =
                differences.get(index).copied().unwrap_or_default();
            let _ = write!(text, " {rms:8.1e} {sample:8.1e}");
        }
    }
    text
}
