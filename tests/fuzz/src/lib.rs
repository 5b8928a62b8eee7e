//! What the fuzz targets do with an input. It is apart from the fuzzer, so that the inputs that the
//! fuzzer has found can be read by the same code in WebAssembly, where `usize` has 32 bits.

#[cfg(target_family = "wasm")]
mod replay;

use face_finder::weights::{self, TENSORS, Tensor};
use face_finder::{Finder, Picture, crop};
use facenet::Shard;
use facenet::image::FACE_BYTES;
use facenet::record::{self as records, HEADER_BYTES};
use facenet::simd::Loader;
use input::message::{self, Answer, Question};
use input::photograph::{COPY_SIDE_MAX, Photograph, Rectangle, View};
use input::seen::Reading;
use input::{picture, query as queries, vector};

/// A picture: whatever the bytes are, there is a face or a problem, within the memory that the
/// limits promise (see `malloc_limit_mb` in `cargo xtask fuzz`).
///
/// # Panics
/// When there is a fault.
pub fn image(bytes: &[u8]) {
    if let Ok(face) = picture::decode(bytes.to_vec()) {
        assert_eq!(face.rgb().len(), FACE_BYTES);
        assert!(face.input().iter().all(|value| value.abs() <= 1.0));
        let stored = face.to_jpeg().expect("a face encodes");
        picture::decode(stored).expect("our own picture decodes");
    }
}

/// A photograph: whatever the bytes are, there is a copy, and a part of each size, or a problem.
///
/// # Panics
/// When there is a fault.
pub fn photograph(bytes: &[u8]) {
    let Ok(photograph) = Photograph::open(bytes.to_vec()) else { return };
    let (width, height) = (photograph.width(), photograph.height());
    let check = |view: &View| {
        assert_eq!(view.rgb.len(), view.width * view.height * 3);
        let reaches = |from: isize, length: usize, side: usize| {
            let end = from + (length * view.scale).cast_signed();
            from > -view.scale.cast_signed() && end < (side + view.scale).cast_signed()
        };
        assert!(reaches(view.x, view.width, width) && reaches(view.y, view.height, height));
    };
    check(photograph.copy());
    assert!(photograph.copy().width.max(photograph.copy().height) <= COPY_SIDE_MAX);
    // A part that depends on the file.
    let share = |from: usize, side: usize| {
        let byte = bytes.len().checked_sub(from).and_then(|place| bytes.get(place));
        f64::from(byte.copied().unwrap_or_default()) / 255.0 * side as f64
    };
    let rectangle = Rectangle {
        x: share(1, width),
        y: share(2, height),
        width: share(3, width),
        height: share(4, height),
    };
    for wanted in [1, 20, 160, usize::MAX] {
        // What gave all pixels gives some.
        let view = photograph.region(rectangle, wanted).expect("a photograph that was decoded");
        if let Some(view) = view {
            check(&view);
        }
    }
}

/// A form: the first line is the content type, the rest the body.
///
/// # Panics
/// When there is a fault.
pub fn form(bytes: &[u8]) {
    let line = bytes.iter().position(|&byte| byte == b'\n').unwrap_or(bytes.len());
    let Ok(content_type) = str::from_utf8(&bytes[..line]) else { return };
    let body = bytes[line..].get(1..).unwrap_or_default();
    let known = ["name", "consent", "detect", "image", "other"].map(str::to_owned);
    let content_type = content_type.to_owned();
    let form = Question::Form { content_type, known: known.into(), reading: Reading::CROP };
    if let Answer::Form(fields) = ask(&form, body) {
        let texts = [fields.name, fields.consent].into_iter().flatten().map(|text| text.len());
        assert!(texts.sum::<usize>() <= body.len());
    }
}

/// What the sandbox answers. It has no weights of the finder, so it finds no faces.
fn ask(question: &Question, bytes: &[u8]) -> Answer {
    let mut frame = question.begin(0).expect("a question is JSON");
    frame.extend(bytes);
    Answer::read(&message::answer(frame)).expect("an answer can be read")
}

/// A query string, and a caller's own embedding: what is accepted is in its range.
///
/// # Panics
/// When there is a fault.
pub fn query(bytes: &[u8]) {
    let parse = |text| queries::parse(text, 1.05);
    if let Ok(options) = str::from_utf8(bytes).map_or_else(|_| Ok(Default::default()), parse) {
        assert!((1..=20).contains(&options.top_k));
        assert!(options.threshold.is_none_or(|threshold| (0.0..=1.05).contains(&threshold)));
    }
    if let Ok(embedding) = vector::parse(bytes) {
        assert!((embedding.cosine(&embedding) - 1.0).abs() < 1e-6);
    }
}

/// A record of weights of either shard, in pieces of any size. The first byte chooses the shard and
/// whether the announced length is the real one, the second the size of the pieces.
///
/// # Panics
/// When there is a fault.
pub fn record(bytes: &[u8]) {
    let [choice, size, record @ ..] = bytes else { return };
    let shard = Shard::ALL[usize::from(choice & 1)];
    let length = if choice & 2 == 0 { whole_length(shard, record) } else { record.len() };
    let Ok(mut loader) = Loader::new(shard, "casia-webface", length) else { return };
    for piece in record.chunks(1 + usize::from(*size) * 16) {
        if loader.push(piece).is_err() {
            return;
        }
    }
    // A record with all its weights is larger than any input here.
    assert!(loader.finish().is_err());
}

/// The length of the whole record that begins like this. A record's metadata is accepted only if
/// this length was announced.
fn whole_length(shard: Shard, record: &[u8]) -> usize {
    let metadata = record.get(..HEADER_BYTES).and_then(|header| header.last_chunk());
    records::length(shard, metadata.map_or(0, |bytes| u32::from_le_bytes(*bytes) as usize))
}

/// The weights of the finder. An even first byte means a file as it is. Else the file is made, from
/// scale and minimum of each tensor and then the bytes of all of them, over and over. If the first
/// byte says so, it is damaged in the place that the second one names. Weights that are taken find
/// something in any picture.
///
/// # Panics
/// When there is a fault.
pub fn finder(bytes: &[u8]) {
    let [choice, place, rest @ ..] = bytes else { return };
    if choice & 1 == 0 {
        // A whole file is larger than any input here.
        assert!(Finder::load(rest).is_err());
        return;
    }
    let (ranges, rest) = rest.split_at(rest.len().min(16 * TENSORS.len()));
    let mut values = rest.iter().copied().cycle();
    let values: Vec<Vec<u8>> = TENSORS
        .iter()
        .map(|shape| (0..shape.len()).map(|_| values.next().unwrap_or(127)).collect())
        .collect();
    let number = |index: usize| {
        let bytes = ranges.get(8 * index..).and_then(<[u8]>::first_chunk);
        f64::from_le_bytes(bytes.copied().unwrap_or_default())
    };
    let tensors = std::array::from_fn(|index| Tensor {
        scale: number(2 * index),
        min: number(2 * index + 1),
        bytes: &values[index],
    });
    let Ok(mut file) = weights::write(&tensors) else { return };
    if choice & 2 != 0 {
        let index = usize::from(*place) * file.len() / 256;
        file[index] ^= 1 << (place & 7);
        assert!(Finder::load(&file).is_err());
        return;
    }
    let finder = Finder::load(&file).expect("our own file loads");
    let rgb: [u8; 3 * 48 * 40] = std::array::from_fn(|index| (index * 7) as u8);
    let picture = Picture::from_rgb(48, 40, &rgb).expect("a picture of that size");
    for face in finder.find_at(&picture, &[64]) {
        assert!(face.score >= face_finder::find::SCORE_MIN);
        assert_eq!(face.quality.is_usable(), face.quality.reasons().is_empty());
        assert_eq!(crop::cut(&picture, face.crop).rgb().len(), FACE_BYTES);
    }
}
