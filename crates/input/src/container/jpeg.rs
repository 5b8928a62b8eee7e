//! JPEG, part by part. The crate `jpeg` knows where a part ends.
//!
//! Kept are the frame, its tables and scans, EXIF, and Adobe's note about colours. Dropped are
//! profiles, previews, comments and whatever lies behind the picture.

use jpeg::segments::marker::{APP0, APP1, APP14, APP15, COM, DHT, DQT, DRI, EOI, SOF0, SOF2, SOS};
use jpeg::segments::{is_usual_sampling, take_codes, take_content, take_marker};

use super::kept::Kept;
use super::reader::Reader;
use super::{Container, ContainerError, EXIF_BYTES_MAX, Format};

pub(super) const SIGNATURE: [u8; 3] = [0xff, 0xd8, 0xff];

/// Most scans of a file. libjpeg writes a progressive picture in 10, other encoders in up to 20.
const SCANS_MAX: usize = 64;

/// Most segments with tables: a handful before the first scan, and one or two before each.
const TABLES_MAX: usize = 4 * SCANS_MAX;

/// Bytes of a block of 8x8 coefficients as a decoder keeps them between scans.
const BLOCK_BYTES: u64 = 64 * 2;

/// Width and height of a block in samples.
const BLOCK_SIDE: u32 = 8;

/// One colour channel.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Component {
    id: u8,
    /// Its sampling factors, across and down: how many blocks it has in a unit of all channels.
    sampling: [u8; 2],
}

struct Frame {
    progressive: bool,
    width: u32,
    height: u32,
    components: Vec<Component>,
}

pub(super) fn scan(file: Vec<u8>) -> Result<Container, ContainerError> {
    let mut reader = Reader(&file);
    let mut kept = Kept::default();
    reader.bytes(2)?;
    kept.push(&file, &reader, 2);
    let mut picture = Picture::default();
    loop {
        let marker = take_marker(&mut reader.0)?;
        if marker == EOI {
            kept.push(&file, &reader, 2);
            break;
        }
        let content = take_content(&mut reader.0)?;
        if !picture.keeps(marker, content)? {
            continue;
        }
        // The marker, the length and the content.
        kept.push(&file, &reader, 4 + content.len());
        if marker == SOS {
            let data = take_codes(&mut reader.0)?;
            picture.count_data(data);
            kept.push(&file, &reader, data.len());
        }
    }
    let frame = picture.frame.ok_or(ContainerError::Damaged("it has no frame"))?;
    if picture.scans == 0 {
        return Err(ContainerError::Damaged("it has no pixels"));
    }
    let pixels = u64::from(frame.width) * u64::from(frame.height);
    let channels = if frame.components.len() == 1 { 1 } else { 3 };
    // A decoder keeps all coefficients until the last scan that may add to them.
    let buffered = frame.progressive || picture.scans > 1;
    let coefficients = if buffered { frame.blocks(&frame.components) * BLOCK_BYTES } else { 0 };
    Ok(Container {
        format: Format::Jpeg,
        width: frame.width,
        height: frame.height,
        decoder_bytes: pixels * channels + coefficients,
        blocks: picture.blocks,
        complete: !picture.too_short,
        bytes: kept.of(file),
    })
}

/// What has come so far.
#[derive(Default)]
struct Picture {
    frame: Option<Frame>,
    tables: usize,
    scans: usize,
    /// Blocks that the scans visit.
    blocks: u64,
    /// Blocks of the scan that was read last.
    scan_blocks: u64,
    /// A scan has fewer bits than its blocks take.
    too_short: bool,
    exif: bool,
    adobe: bool,
}

impl Picture {
    /// Whether decoding needs a segment.
    fn keeps(&mut self, marker: u8, content: &[u8]) -> Result<bool, ContainerError> {
        match marker {
            // Baseline, extended and progressive.
            SOF0..=SOF2 => {
                if self.frame.is_some() {
                    return Err(ContainerError::Damaged("it has two frames"));
                }
                self.frame = Some(Frame::read(marker == SOF2, content)?);
                Ok(true)
            }
            DHT | DQT | DRI => {
                self.tables += 1;
                if self.tables > TABLES_MAX {
                    return Err(ContainerError::Unsupported("has too many tables"));
                }
                Ok(true)
            }
            SOS => self.scan(content).map(|()| true),
            0xc3 | 0xc5..=0xcf => Err(ContainerError::Unsupported(
                "is lossless, arithmetically coded or hierarchical JPEG",
            )),
            APP1 => {
                let exif = content.starts_with(b"Exif\0\0") && content.len() <= EXIF_BYTES_MAX;
                Ok(exif && !std::mem::replace(&mut self.exif, true))
            }
            APP14 => {
                let adobe = content.starts_with(b"Adobe");
                Ok(adobe && !std::mem::replace(&mut self.adobe, true))
            }
            APP0..=APP15 | COM => Ok(false),
            _ => Err(ContainerError::Damaged("it has a marker where none may be")),
        }
    }

    /// The header of a scan.
    fn scan(&mut self, content: &[u8]) -> Result<(), ContainerError> {
        const WRONG: ContainerError = ContainerError::Damaged("the header of a scan is wrong");
        let Some(frame) = &self.frame else { return Err(WRONG) };
        let (count, rest) = content.split_first().ok_or(WRONG)?;
        let (entries, parameters) = rest.split_at_checked(2 * usize::from(*count)).ok_or(WRONG)?;
        let mut components: Vec<Component> = Vec::with_capacity(4);
        for &[id, _tables] in entries.as_chunks::<2>().0 {
            let known = frame.components.iter().find(|component| component.id == id);
            let component = *known.ok_or(WRONG)?;
            if components.contains(&component) {
                return Err(WRONG);
            }
            components.push(component);
        }
        let &[first, last, approximation] = parameters else { return Err(WRONG) };
        let (high, low) = (approximation >> 4, approximation & 15);
        let fits = first <= last && last < 64 && high <= 13 && low <= 13;
        // In a progressive file, only the means of blocks may come for several channels together.
        let alone = !frame.progressive || first == 0 || components.len() == 1;
        if components.is_empty() || !fits || !alone {
            return Err(WRONG);
        }
        self.scans += 1;
        if self.scans > SCANS_MAX {
            return Err(ContainerError::Unsupported("has too many scans"));
        }
        self.scan_blocks = frame.blocks(&components);
        self.blocks += self.scan_blocks;
        Ok(())
    }

    /// Notes whether a scan has too little data: each block of a baseline scan takes two codes of
    /// at least a bit.
    fn count_data(&mut self, data: &[u8]) {
        let progressive = self.frame.as_ref().is_some_and(|frame| frame.progressive);
        self.too_short |= !progressive && (data.len() as u64) * 8 < self.scan_blocks * 2;
    }
}

impl Frame {
    fn read(progressive: bool, content: &[u8]) -> Result<Self, ContainerError> {
        const WRONG: ContainerError = ContainerError::Damaged("its frame is wrong");
        let mut reader = Reader(content);
        let depth = reader.u8()?;
        let (height, width) = (reader.u16_be()?, reader.u16_be()?);
        let count = reader.u8()?;
        if depth != 8 {
            return Err(ContainerError::Unsupported("does not have 8 bits a channel"));
        }
        if width == 0 || height == 0 || content.len() != 6 + 3 * usize::from(count) {
            return Err(WRONG);
        }
        let mut components: Vec<Component> = Vec::with_capacity(4);
        for &[id, sampling, _table] in reader.0.as_chunks::<3>().0 {
            if components.iter().any(|component| component.id == id) {
                return Err(WRONG);
            }
            components.push(Component { id, sampling: [sampling >> 4, sampling & 15] });
        }
        let samplings: Vec<_> = components.iter().map(|component| component.sampling).collect();
        if !is_usual_sampling(&samplings) {
            return Err(ContainerError::Unsupported("samples its colours in an unusual way"));
        }
        Ok(Self { progressive, width: width.into(), height: height.into(), components })
    }

    /// Blocks of some of the channels, each rounded up to whole units of all channels.
    fn blocks(&self, components: &[Component]) -> u64 {
        // The factors of a single channel mean nothing: they are relative to other channels.
        let factor = |axis: usize| {
            if self.components.len() == 1 {
                return 1;
            }
            self.components
                .iter()
                .filter_map(|component| component.sampling.get(axis).copied())
                .max()
                .map_or(1, u32::from)
        };
        let units = |side: u32, factor: u32| u64::from(side.div_ceil(BLOCK_SIDE * factor.max(1)));
        let units = units(self.width, factor(0)) * units(self.height, factor(1));
        let blocks = |component: &Component| {
            if self.components.len() == 1 {
                return 1;
            }
            component.sampling.iter().map(|factor| u64::from(*factor)).product::<u64>()
        };
        units * components.iter().map(blocks).sum::<u64>()
    }
}
