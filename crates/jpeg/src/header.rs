//! What stands before the pixels: the frame, its tables, and the headers of scans.

use crate::JpegError;
use crate::huffman::Codes;
use crate::idct::COEFFICIENTS;
use crate::segments::marker::{
    APP0, APP1, APP14, APP15, COM, DHT, DQT, DRI, EOI, SOF0, SOF1, SOF2, SOI, SOS,
};
use crate::segments::{is_usual_sampling, take_codes, take_content, take_marker};

/// Tables of each kind that a file can have at once.
const TABLES: usize = 4;

/// What the channels are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colour {
    Grey,
    YCbCr,
    Rgb,
    /// Inverted, as Adobe writes it.
    Cmyk,
    /// Likewise.
    Ycck,
}

/// A channel.
#[derive(Clone)]
pub(crate) struct Component {
    id: u8,
    /// Blocks of it in a unit of all channels, across and down.
    pub(crate) blocks: [usize; 2],
    quantisation_index: usize,
    /// Its quantisation table in the order of the file. Empty until the channel's scan comes.
    pub(crate) quantisation: Vec<u16>,
}

/// A channel in a scan.
#[derive(Clone)]
pub(crate) struct Part {
    /// Index of the channel.
    pub(crate) component: usize,
    /// Codes of the means.
    pub(crate) dc: Codes,
    /// Codes of the other coefficients.
    pub(crate) ac: Codes,
}

/// A scan: all coefficients of some of the channels.
#[derive(Clone)]
pub(crate) struct Scan<'a> {
    pub(crate) parts: Vec<Part>,
    /// Units after which the decoder starts anew, or 0.
    pub(crate) restart_interval: usize,
    /// The codes, and what follows them in the file.
    pub(crate) data: &'a [u8],
}

/// All of a file but its pixels.
#[derive(Clone)]
pub(crate) struct Header<'a> {
    /// In pixels.
    pub(crate) width: usize,
    /// In pixels.
    pub(crate) height: usize,
    pub(crate) components: Vec<Component>,
    pub(crate) colour: Colour,
    /// Together they have each channel once.
    pub(crate) scans: Vec<Scan<'a>>,
    pub(crate) exif: Option<&'a [u8]>,
}

/// What was read so far.
#[derive(Default)]
struct Reader<'a> {
    rest: &'a [u8],
    size: [usize; 2],
    components: Vec<Component>,
    scans: Vec<Scan<'a>>,
    quantisation: [Option<Vec<u16>>; TABLES],
    dc: [Option<Codes>; TABLES],
    ac: [Option<Codes>; TABLES],
    restart_interval: usize,
    jfif: bool,
    /// How Adobe has transformed the colours.
    adobe: Option<u8>,
    exif: Option<&'a [u8]>,
}

impl<'a> Header<'a> {
    pub(crate) fn read(file: &'a [u8]) -> Result<Self, JpegError> {
        let rest = file.strip_prefix(&[0xff, SOI]).ok_or(JpegError::NotJpeg)?;
        let mut reader = Reader { rest, ..Reader::default() };
        while reader.scans.is_empty() || reader.is_incomplete() {
            let marker = take_marker(&mut reader.rest)?;
            if marker == EOI {
                return Err(JpegError::Damaged("it ends before its pixels"));
            }
            let content = take_content(&mut reader.rest)?;
            reader.read(marker, content)?;
        }
        let colour = reader.colour();
        let [width, height] = reader.size;
        let Reader { components, scans, exif, .. } = reader;
        Ok(Self { width, height, components, colour, scans, exif })
    }
}

impl<'a> Reader<'a> {
    /// Whether a channel is in no scan yet.
    fn is_incomplete(&self) -> bool {
        self.components.iter().any(|component| component.quantisation.is_empty())
    }

    fn read(&mut self, marker: u8, content: &'a [u8]) -> Result<(), JpegError> {
        match marker {
            SOF0 | SOF1 => self.frame(content),
            SOF2 => Err(JpegError::Unsupported("is progressive")),
            0xc3 | 0xc5..=0xcf => {
                let kind = "is lossless, arithmetically coded or hierarchical JPEG";
                Err(JpegError::Unsupported(kind))
            }
            DHT => self.codes(content),
            DQT => self.quantisation(content),
            DRI => self.restarts(content),
            SOS => self.scan(content),
            APP0..=APP15 | COM => {
                self.note(marker, content);
                Ok(())
            }
            _ => Err(JpegError::Damaged("it has a marker where none may be")),
        }
    }

    fn restarts(&mut self, content: &[u8]) -> Result<(), JpegError> {
        const WRONG: JpegError = JpegError::Damaged("its interval of restarts is wrong");
        let interval: [u8; 2] = content.try_into().map_err(|_| WRONG)?;
        self.restart_interval = u16::from_be_bytes(interval).into();
        Ok(())
    }

    /// Takes a segment in which programs note something: EXIF, or Adobe's note about colours.
    fn note(&mut self, marker: u8, content: &'a [u8]) {
        match marker {
            APP0 => self.jfif |= content.starts_with(b"JFIF\0"),
            APP1 if self.exif.is_none() => self.exif = content.strip_prefix(b"Exif\0\0"),
            APP14 if self.adobe.is_none() => {
                // Behind the name: version, two words of flags.
                let note = content.strip_prefix(b"Adobe");
                self.adobe = note.and_then(|note| note.get(6)).copied();
            }
            _ => {}
        }
    }

    fn quantisation(&mut self, mut content: &[u8]) -> Result<(), JpegError> {
        const WRONG: JpegError = JpegError::Damaged("a table of quantisation is wrong");
        while let Some((&kind, rest)) = content.split_first() {
            let wide = match kind >> 4 {
                0 => 1,
                1 => 2,
                _ => return Err(WRONG),
            };
            let (values, rest) = rest.split_at_checked(COEFFICIENTS * wide).ok_or(WRONG)?;
            let value =
                |bytes: &[u8]| bytes.iter().fold(0, |value, &byte| value << 8 | u16::from(byte));
            let table = self.quantisation.get_mut(usize::from(kind & 15)).ok_or(WRONG)?;
            *table = Some(values.chunks_exact(wide).map(value).collect());
            content = rest;
        }
        Ok(())
    }

    fn codes(&mut self, mut content: &[u8]) -> Result<(), JpegError> {
        const WRONG: JpegError = JpegError::Damaged("a table of codes is wrong");
        while let Some((&kind, rest)) = content.split_first() {
            content = rest;
            let codes = Codes::read(&mut content)?;
            let tables = match kind >> 4 {
                0 => &mut self.dc,
                1 => &mut self.ac,
                _ => return Err(WRONG),
            };
            *tables.get_mut(usize::from(kind & 15)).ok_or(WRONG)? = Some(codes);
        }
        Ok(())
    }

    fn frame(&mut self, content: &[u8]) -> Result<(), JpegError> {
        const WRONG: JpegError = JpegError::Damaged("its frame is wrong");
        let &[depth, h1, h0, w1, w0, count, ref entries @ ..] = content else { return Err(WRONG) };
        if !self.components.is_empty() {
            return Err(JpegError::Damaged("it has two frames"));
        }
        if depth != 8 {
            return Err(JpegError::Unsupported("does not have 8 bits a channel"));
        }
        self.size = [[w1, w0], [h1, h0]].map(|side| u16::from_be_bytes(side).into());
        let (entries, rest) = entries.as_chunks::<3>();
        if self.size.contains(&0) || !rest.is_empty() || entries.len() != usize::from(count) {
            return Err(WRONG);
        }
        for &[id, sampling, table] in entries {
            if self.components.iter().any(|component| component.id == id) {
                return Err(WRONG);
            }
            self.components.push(Component {
                id,
                // A single channel's factors mean nothing: they are relative to other channels.
                blocks: if count == 1 {
                    [1; 2]
                } else {
                    [sampling >> 4, sampling & 15].map(usize::from)
                },
                quantisation_index: table.into(),
                quantisation: Vec::new(),
            });
        }
        let samplings: Vec<_> = entries.iter().map(|&[_, it, _]| [it >> 4, it & 15]).collect();
        if is_usual_sampling(&samplings) {
            Ok(())
        } else {
            Err(JpegError::Unsupported("samples its colours in an unusual way"))
        }
    }

    fn scan(&mut self, content: &[u8]) -> Result<(), JpegError> {
        const WRONG: JpegError = JpegError::Damaged("the header of a scan is wrong");
        const NO_TABLE: JpegError = JpegError::Damaged("a table is missing");
        let (&count, rest) = content.split_first().ok_or(WRONG)?;
        // The range of coefficients is not read: sequential JPEG always has all of them.
        let (entries, _) = rest.split_at_checked(2 * usize::from(count)).ok_or(WRONG)?;
        if entries.is_empty() {
            return Err(WRONG);
        }
        let mut parts = Vec::new();
        for &[id, tables] in entries.as_chunks::<2>().0 {
            let same = |component: &Component| component.id == id;
            let index = self.components.iter().position(same).ok_or(WRONG)?;
            let component = self.components.get_mut(index).ok_or(WRONG)?;
            if !component.quantisation.is_empty() {
                return Err(JpegError::Damaged("it has a channel twice"));
            }
            let quantisation = self.quantisation.get(component.quantisation_index);
            component.quantisation = quantisation.cloned().flatten().ok_or(NO_TABLE)?;
            let table = |tables: &[Option<Codes>; TABLES], index: u8| {
                tables.get(usize::from(index)).cloned().flatten().ok_or(NO_TABLE)
            };
            let (dc, ac) = (table(&self.dc, tables >> 4)?, table(&self.ac, tables & 15)?);
            parts.push(Part { component: index, dc, ac });
        }
        let restart_interval = self.restart_interval;
        self.scans.push(Scan { parts, restart_interval, data: self.rest });
        if self.is_incomplete() {
            take_codes(&mut self.rest)?;
        }
        Ok(())
    }

    /// What the channels are, guessed as libjpeg does it.
    fn colour(&self) -> Colour {
        let ids: Vec<u8> = self.components.iter().map(|component| component.id).collect();
        match (ids.len(), self.adobe) {
            (1, _) => Colour::Grey,
            (4, Some(2)) => Colour::Ycck,
            (4, _) => Colour::Cmyk,
            _ if self.jfif => Colour::YCbCr,
            (_, Some(0)) => Colour::Rgb,
            (_, None) if ids == *b"RGB" => Colour::Rgb,
            _ => Colour::YCbCr,
        }
    }
}
