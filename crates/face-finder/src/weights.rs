//! The weights of both networks as one file: the bytes that face-api.js publishes, behind a small
//! head. A weight is `byte * scale + min`, with a scale and a minimum per tensor.
//!
//! ```text
//! 8 bytes   MAGIC
//! 4 bytes   CRC-32 of all that follows
//! then for each tensor of TENSORS, in that order:
//!   8 + 8 bytes   scale and minimum, as float64
//! then for each tensor, in that order:
//!   a byte per weight, row by row
//! ```
//!
//! Numbers are little-endian. Names and shapes are not in the file: [`TENSORS`] has them, and a
//! file for other networks has another length.

/// What a file begins with. The last byte is the version.
const MAGIC: [u8; 8] = *b"CFACEFF\x01";

const HEAD_BYTES: usize = MAGIC.len() + size_of::<u32>();

/// Scale and minimum.
const RANGE_BYTES: usize = 2 * size_of::<f64>();

/// The name of a tensor in face-api's manifests, and its dimensions there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The network that it belongs to.
    pub network: Network,
    /// Its name.
    pub name: &'static str,
    /// Its dimensions. For convolutions: rows and columns of the kernel, channels in, channels out.
    pub dimensions: &'static [usize],
}

/// One of the two networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// `tiny_face_detector_model`: finds boxes.
    Detector,
    /// `face_landmark_68_tiny_model`: finds the landmarks in a box.
    Landmarks,
}

impl Shape {
    const fn detector(name: &'static str, dimensions: &'static [usize]) -> Self {
        Self { network: Network::Detector, name, dimensions }
    }

    const fn landmarks(name: &'static str, dimensions: &'static [usize]) -> Self {
        Self { network: Network::Landmarks, name, dimensions }
    }

    /// How many weights it has.
    #[must_use]
    pub const fn len(&self) -> usize {
        let (mut len, mut axis) = (1, 0);
        while axis < self.dimensions.len() {
            len *= self.dimensions[axis];
            axis += 1;
        }
        len
    }

    /// Whether it has no weights.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// All tensors, in the order of face-api's files and of ours.
pub const TENSORS: [Shape; 47] = [
    Shape::detector("conv0/filters", &[3, 3, 3, 16]),
    Shape::detector("conv0/bias", &[16]),
    Shape::detector("conv1/depthwise_filter", &[3, 3, 16, 1]),
    Shape::detector("conv1/pointwise_filter", &[1, 1, 16, 32]),
    Shape::detector("conv1/bias", &[32]),
    Shape::detector("conv2/depthwise_filter", &[3, 3, 32, 1]),
    Shape::detector("conv2/pointwise_filter", &[1, 1, 32, 64]),
    Shape::detector("conv2/bias", &[64]),
    Shape::detector("conv3/depthwise_filter", &[3, 3, 64, 1]),
    Shape::detector("conv3/pointwise_filter", &[1, 1, 64, 128]),
    Shape::detector("conv3/bias", &[128]),
    Shape::detector("conv4/depthwise_filter", &[3, 3, 128, 1]),
    Shape::detector("conv4/pointwise_filter", &[1, 1, 128, 256]),
    Shape::detector("conv4/bias", &[256]),
    Shape::detector("conv5/depthwise_filter", &[3, 3, 256, 1]),
    Shape::detector("conv5/pointwise_filter", &[1, 1, 256, 512]),
    Shape::detector("conv5/bias", &[512]),
    Shape::detector("conv8/filters", &[1, 1, 512, 25]),
    Shape::detector("conv8/bias", &[25]),
    Shape::landmarks("dense0/conv0/filters", &[3, 3, 3, 32]),
    Shape::landmarks("dense0/conv0/bias", &[32]),
    Shape::landmarks("dense0/conv1/depthwise_filter", &[3, 3, 32, 1]),
    Shape::landmarks("dense0/conv1/pointwise_filter", &[1, 1, 32, 32]),
    Shape::landmarks("dense0/conv1/bias", &[32]),
    Shape::landmarks("dense0/conv2/depthwise_filter", &[3, 3, 32, 1]),
    Shape::landmarks("dense0/conv2/pointwise_filter", &[1, 1, 32, 32]),
    Shape::landmarks("dense0/conv2/bias", &[32]),
    Shape::landmarks("dense1/conv0/depthwise_filter", &[3, 3, 32, 1]),
    Shape::landmarks("dense1/conv0/pointwise_filter", &[1, 1, 32, 64]),
    Shape::landmarks("dense1/conv0/bias", &[64]),
    Shape::landmarks("dense1/conv1/depthwise_filter", &[3, 3, 64, 1]),
    Shape::landmarks("dense1/conv1/pointwise_filter", &[1, 1, 64, 64]),
    Shape::landmarks("dense1/conv1/bias", &[64]),
    Shape::landmarks("dense1/conv2/depthwise_filter", &[3, 3, 64, 1]),
    Shape::landmarks("dense1/conv2/pointwise_filter", &[1, 1, 64, 64]),
    Shape::landmarks("dense1/conv2/bias", &[64]),
    Shape::landmarks("dense2/conv0/depthwise_filter", &[3, 3, 64, 1]),
    Shape::landmarks("dense2/conv0/pointwise_filter", &[1, 1, 64, 128]),
    Shape::landmarks("dense2/conv0/bias", &[128]),
    Shape::landmarks("dense2/conv1/depthwise_filter", &[3, 3, 128, 1]),
    Shape::landmarks("dense2/conv1/pointwise_filter", &[1, 1, 128, 128]),
    Shape::landmarks("dense2/conv1/bias", &[128]),
    Shape::landmarks("dense2/conv2/depthwise_filter", &[3, 3, 128, 1]),
    Shape::landmarks("dense2/conv2/pointwise_filter", &[1, 1, 128, 128]),
    Shape::landmarks("dense2/conv2/bias", &[128]),
    Shape::landmarks("fc/weights", &[128, 136]),
    Shape::landmarks("fc/bias", &[136]),
];

const fn weights() -> usize {
    let (mut sum, mut index) = (0, 0);
    while index < TENSORS.len() {
        sum += TENSORS[index].len();
        index += 1;
    }
    sum
}

/// The length of a file in bytes.
pub const FILE_BYTES: usize = HEAD_BYTES + TENSORS.len() * RANGE_BYTES + weights();

/// Why bytes are not the weights.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum WeightsError {
    /// Not the length of a file.
    #[error("weights of {found} bytes, not {FILE_BYTES}")]
    Length {
        /// In bytes.
        found: usize,
    },
    /// It does not begin with `MAGIC`: another kind of file, or another version.
    #[error("no weights of a face finder of this version")]
    Foreign,
    /// Its bytes do not have the checksum that it names.
    #[error("damaged weights: their CRC-32 is {found:08x}, not {expected:08x}")]
    Damaged {
        /// The checksum that the file names.
        expected: u32,
        /// The checksum of its bytes.
        found: u32,
    },
    /// A tensor that is to be written has another length.
    #[error("{name} has {found} bytes")]
    Tensor {
        /// The tensor.
        name: &'static str,
        /// In bytes.
        found: usize,
    },
    /// A scale or a minimum that gives no finite weights.
    #[error("the range of {name} is not finite")]
    Range {
        /// The tensor.
        name: &'static str,
    },
}

/// A tensor as face-api's manifest has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tensor<'a> {
    /// From one value of the bytes to the next.
    pub scale: f64,
    /// The weight of byte 0.
    pub min: f64,
    /// A byte per weight.
    pub bytes: &'a [u8],
}

impl Tensor<'_> {
    /// The weights, rounded as face-api.js does it: computed in float64 and stored in float32.
    #[cfg(feature = "find")]
    fn decode(&self) -> Vec<f32> {
        let weight = |&byte: &u8| (f64::from(byte) * self.scale + self.min) as f32;
        self.bytes.iter().map(weight).collect()
    }

    fn is_finite(&self) -> bool {
        let largest = f64::from(u8::MAX) * self.scale + self.min;
        [self.scale, self.min, largest].iter().all(|number| (*number as f32).is_finite())
    }
}

/// Writes a file.
///
/// # Errors
/// When a tensor has another length than [`TENSORS`] says, or a range that is not finite.
pub fn write(tensors: &[Tensor<'_>; TENSORS.len()]) -> Result<Vec<u8>, WeightsError> {
    for (shape, tensor) in TENSORS.iter().zip(tensors) {
        if tensor.bytes.len() != shape.len() {
            return Err(WeightsError::Tensor { name: shape.name, found: tensor.bytes.len() });
        }
    }
    let mut body = Vec::with_capacity(FILE_BYTES);
    for tensor in tensors {
        body.extend(tensor.scale.to_le_bytes());
        body.extend(tensor.min.to_le_bytes());
    }
    for tensor in tensors {
        body.extend(tensor.bytes);
    }
    let mut file = MAGIC.to_vec();
    file.extend(crc32fast::hash(&body).to_le_bytes());
    file.extend(body);
    Reader::new(&file)?;
    Ok(file)
}

/// Gives the tensors of a file, one after the other.
pub(crate) struct Reader<'a> {
    shapes: &'static [Shape],
    ranges: &'a [u8],
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Checks a whole file.
    ///
    /// # Errors
    /// When it is another file, or damaged.
    pub(crate) fn new(file: &'a [u8]) -> Result<Self, WeightsError> {
        let length = WeightsError::Length { found: file.len() };
        if file.len() != FILE_BYTES {
            return Err(length);
        }
        let (magic, rest) = file.split_first_chunk().ok_or(length)?;
        if *magic != MAGIC {
            return Err(WeightsError::Foreign);
        }
        let (checksum, body) = rest.split_first_chunk().ok_or(length)?;
        let (expected, found) = (u32::from_le_bytes(*checksum), crc32fast::hash(body));
        if expected != found {
            return Err(WeightsError::Damaged { expected, found });
        }
        let ranges = TENSORS.len() * RANGE_BYTES;
        let (ranges, bytes) = body.split_at_checked(ranges).ok_or(length)?;
        let reader = || Self { shapes: &TENSORS, ranges, bytes };
        let mut all = reader();
        while let Some((shape, tensor)) = all.take() {
            if !tensor.is_finite() {
                return Err(WeightsError::Range { name: shape.name });
            }
        }
        Ok(reader())
    }

    fn take(&mut self) -> Option<(&'static Shape, Tensor<'a>)> {
        let (shape, shapes) = self.shapes.split_first()?;
        let (scale, ranges) = self.ranges.split_first_chunk()?;
        let (min, ranges) = ranges.split_first_chunk()?;
        let (bytes, rest) = self.bytes.split_at_checked(shape.len())?;
        *self = Self { shapes, ranges, bytes: rest };
        let [scale, min] = [*scale, *min].map(f64::from_le_bytes);
        Some((shape, Tensor { scale, min, bytes }))
    }

    /// The weights of the next tensor.
    ///
    /// # Panics
    /// When its name is another one: the networks ask in the order of [`TENSORS`].
    #[cfg(feature = "find")]
    pub(crate) fn next(&mut self, name: &str) -> Vec<f32> {
        match self.take() {
            Some((shape, tensor)) if shape.name == name => tensor.decode(),
            other => unreachable!("{name} is not next, but {:?}", other.map(|(shape, _)| shape)),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A file whose weights look random. They are of such a size that values neither grow nor
    /// shrink from layer to layer.
    pub(crate) fn random() -> Vec<u8> {
        let mut state = 1_u32;
        let bytes: Vec<Vec<u8>> = TENSORS
            .iter()
            .map(|shape| {
                let byte = |_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 24) as u8
                };
                (0..shape.len()).map(byte).collect()
            })
            .collect();
        let tensors = std::array::from_fn(|index| {
            // How many numbers an output is summed from; for a bias, one.
            let depth: usize = match *TENSORS[index].dimensions {
                [height, width, _, 1] => height * width,
                [ref depth @ .., _] => depth.iter().product(),
                [] => 1,
            };
            let largest = if depth == 1 { 0.1 } else { 2.0 / (depth as f64).sqrt() };
            Tensor { scale: largest / 127.5, min: -largest, bytes: &bytes[index] }
        });
        write(&tensors).unwrap()
    }

    /// What a changed file is refused for, once its checksum is right again.
    fn refused(change: impl Fn(&mut Vec<u8>)) -> Option<WeightsError> {
        let mut file = random();
        change(&mut file);
        if file.len() > HEAD_BYTES {
            let checksum = crc32fast::hash(&file[HEAD_BYTES..]).to_le_bytes();
            file[MAGIC.len()..HEAD_BYTES].copy_from_slice(&checksum);
        }
        Reader::new(&file).err()
    }

    #[test]
    fn weights_come_out_as_they_went_in() {
        let file = random();
        assert_eq!(file.len(), FILE_BYTES);
        let mut reader = Reader::new(&file).unwrap();
        let weights = reader.next("conv0/filters");
        assert_eq!(weights.len(), 3 * 3 * 3 * 16);
        let largest = 2.0 / (27.0_f64).sqrt();
        for (weight, byte) in weights.iter().zip(&file[HEAD_BYTES + TENSORS.len() * RANGE_BYTES..])
        {
            let expected = f64::from(*byte) / 127.5 * largest - largest;
            assert!((f64::from(*weight) - expected).abs() < 1e-7);
        }
        for shape in &TENSORS[1..] {
            assert_eq!(reader.next(shape.name).len(), shape.len());
        }
        assert!(reader.take().is_none());
    }

    #[test]
    fn other_files_are_refused() {
        assert_eq!(refused(|_| ()), None);
        let length = |found| Some(WeightsError::Length { found });
        assert_eq!(refused(Vec::clear), length(0));
        assert_eq!(refused(|file| file.truncate(7)), length(7));
        assert_eq!(refused(|file| file.truncate(FILE_BYTES - 1)), length(FILE_BYTES - 1));
        assert_eq!(refused(|file| file.push(0)), length(FILE_BYTES + 1));
        for place in 0..MAGIC.len() {
            assert_eq!(refused(|file| file[place] ^= 1), Some(WeightsError::Foreign));
        }
        let range = |place, number: f64| {
            refused(|file| {
                let place = HEAD_BYTES + 8 * place;
                file[place..place + 8].copy_from_slice(&number.to_le_bytes());
            })
        };
        let conv0 = Some(WeightsError::Range { name: "conv0/filters" });
        assert_eq!(range(0, f64::NAN), conv0);
        assert_eq!(range(0, 1e39), conv0);
        assert_eq!(range(0, 3e38), conv0);
        assert_eq!(range(1, f64::NEG_INFINITY), conv0);
        let last = 2 * TENSORS.len() - 1;
        assert_eq!(range(last, f64::NAN), Some(WeightsError::Range { name: "fc/bias" }));
        assert_eq!(range(last, 0.0), None);
    }

    #[test]
    fn damage_is_noticed() {
        let file = random();
        for place in (8..FILE_BYTES).step_by(997).chain([8, 11, 12, FILE_BYTES - 1]) {
            for bit in 0..8 {
                let mut file = file.clone();
                file[place] ^= 1 << bit;
                let error = Reader::new(&file).err();
                assert!(matches!(error, Some(WeightsError::Damaged { .. })), "byte {place}");
            }
        }
    }

    #[test]
    fn tensors_of_other_lengths_are_not_written() {
        let tensor = Tensor { scale: 1.0, min: 0.0, bytes: &[0; 3] };
        let expected = WeightsError::Tensor { name: "conv0/filters", found: 3 };
        assert_eq!(write(&[tensor; TENSORS.len()]), Err(expected));
    }
}
