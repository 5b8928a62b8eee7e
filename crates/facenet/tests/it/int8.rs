//! The engine in integers against the one in floats: on crops, on pictures of nothing, and with
//! weights that no network has.

use facenet::image::FACE_BYTES;
use facenet::layers::{Kind, Layer};
use facenet::record::{self, ALIGNMENT, Checksum, HEADER_BYTES};
use facenet::simd::Simd;
use facenet::verdict::Thresholds;
use facenet::{Face, Model, Shard};

use crate::golden::{self, MODEL};

/// The least cosine of an embedding in integers and the golden one.
const COSINE_MIN: f64 = 0.999;

#[test]
fn integers_give_the_golden_embeddings() {
    golden::check("simd-int8", &Simd::Int8, COSINE_MIN);
}

/// Pictures that are no faces.
fn nothings() -> Vec<(&'static str, Face)> {
    let picture =
        |pixel: &dyn Fn(usize) -> u8| Face::from_rgb((0..FACE_BYTES).map(pixel).collect()).unwrap();
    let noise = |i: usize| (i as u64 * 2 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()[1];
    vec![
        ("black", picture(&|_| 0)),
        ("white", picture(&|_| 255)),
        ("grey", picture(&|_| 128)),
        ("red", picture(&|i| if i % 3 == 0 { 255 } else { 0 })),
        ("noise", picture(&noise)),
        ("saturated noise", picture(&|i| if noise(i) < 128 { 0 } else { 255 })),
        ("stripes", picture(&|i| if i / 3 % 2 == 0 { 0 } else { 255 })),
        ("gradient", picture(&|i| (i / (3 * 160)) as u8)),
    ]
}

#[test]
fn pictures_of_nothing_have_the_same_verdicts() {
    let models = Simd::ALL.map(|simd| golden::model(&simd));
    let mut pictures = nothings();
    pictures.extend(golden::NAMES.map(|name| (name, golden::face(name))));
    let embeddings: Vec<_> = pictures
        .iter()
        .map(|(name, face)| {
            let both = models.each_ref().map(|model| model.embed(face).unwrap());
            let cosine = both[0].cosine(&both[1]);
            println!("{name}: 1 - cosine = {:.1e}", 1.0 - cosine);
            assert!(cosine >= COSINE_MIN, "{name}: {cosine}");
            both
        })
        .collect();
    let thresholds = Thresholds::of(MODEL).unwrap();
    for (i, one) in embeddings.iter().enumerate() {
        for other in &embeddings[..i] {
            let distances = [0, 1].map(|simd: usize| one[simd].distance(&other[simd]));
            let [floats, integers] = distances.map(|distance| thresholds.verdict(distance));
            // Two nearly equal distances may have a threshold between them.
            let are_near = (distances[0] - distances[1]).abs() < 0.01;
            let name = pictures[i].0;
            assert!(floats == integers || are_near, "{name}: {distances:?}");
        }
    }
}

/// A record whose weights of some layers are changed: the halves of each output channel.
fn changed(shard: Shard, change: impl Fn(&Layer, usize, &mut [[u8; 2]])) -> Vec<u8> {
    let mut bytes = golden::record(shard);
    let metadata = u32::from_le_bytes(*bytes[..HEADER_BYTES].last_chunk().unwrap()) as usize;
    let data = (HEADER_BYTES + metadata).next_multiple_of(ALIGNMENT);
    let mut place = data;
    for layer in shard.layers() {
        for (name, shape) in layer.tensors() {
            let length = 2 * shape.iter().product::<usize>();
            let (halves, _) = bytes[place..place + length].as_chunks_mut();
            if name.ends_with(".weight") && matches!(layer.kind, Kind::Conv2d(_)) {
                for (out, channel) in halves.chunks_mut(length / 2 / shape[0]).enumerate() {
                    change(&layer, out, channel);
                }
            }
            place = (place + length).next_multiple_of(ALIGNMENT);
        }
    }
    let mut checksum = Checksum::default();
    checksum.update(&bytes[data..]);
    let key = Checksum::ENTRY.as_bytes();
    let entry = bytes.windows(key.len()).position(|text| text == key).unwrap() + key.len();
    // The value is a text of eight characters behind the one byte that says so.
    bytes[entry + 1..entry + 9].copy_from_slice(checksum.entry().as_bytes());
    assert_eq!(record::length(shard, metadata), bytes.len());
    bytes
}

fn models(change: impl Fn(&Layer, usize, &mut [[u8; 2]])) -> [Model<Simd>; 2] {
    let [first, second] = Shard::ALL.map(|shard| changed(shard, &change));
    Simd::ALL.map(|simd| Model::load(&simd, MODEL, [&first, &second]).unwrap())
}

/// Multiplies a finite float16 that is not subnormal by a power of two, or makes it the greatest.
fn scale(half: &mut [u8; 2], exponent: u16) {
    let bits = u16::from_le_bytes(*half);
    if bits & 0x7c00 != 0 {
        let scaled = (bits & 0x7fff) + (exponent << 10);
        *half = (bits & 0x8000 | scaled.min(0x7bff)).to_le_bytes();
    }
}

#[test]
fn extreme_channels_spoil_no_others() {
    // Some channels are empty, some have a thousandfold weight, and some the least and the greatest
    // weights that there are.
    let models = models(|layer, out, channel| {
        let is_first = layer.name.ends_with("branch1.0");
        match out {
            _ if !is_first => {}
            3 => channel.fill([0, 0]),
            5 => channel.iter_mut().for_each(|half| scale(half, 3)),
            7 => channel.fill(0x0400_u16.to_le_bytes()),
            _ => {}
        }
    });
    for name in golden::NAMES {
        let [float, int8] =
            models.each_ref().map(|model| model.embed(&golden::face(name)).unwrap());
        let cosine = float.cosine(&int8);
        println!("{name}: 1 - cosine = {:.1e}", 1.0 - cosine);
        assert!(cosine >= COSINE_MIN, "{name}: {cosine}");
    }
}

#[test]
fn weights_beyond_all_measure_give_an_error_or_numbers() {
    let face = golden::face(golden::NAMES[0]);
    for exponent in [1, 2, 4, 30] {
        let models =
            models(|_, _, channel| channel.iter_mut().for_each(|half| scale(half, exponent)));
        // Neither may panic. An embedding has only finite numbers.
        let outcomes = models.each_ref().map(|model| model.embed(&face).map(drop));
        println!("2^{exponent}: {outcomes:?}");
        assert_eq!(outcomes[0].is_ok(), outcomes[1].is_ok(), "2^{exponent}");
    }
}
