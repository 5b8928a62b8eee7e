//! Writes files of all kinds from coefficients, so that tests know what is in them.

use super::random::Random;
use crate::scan::ZIGZAG;

/// A channel.
pub(super) struct Channel {
    /// Sampling factors.
    pub(super) blocks: [usize; 2],
    /// Blocks across and down, with those that fill up units.
    pub(super) size: [usize; 2],
    /// Row by row, quantised, each in rows.
    pub(super) coefficients: Vec<[i16; 64]>,
}

/// A picture as a file has it.
pub(super) struct Picture {
    /// In pixels.
    pub(super) size: [usize; 2],
    pub(super) channels: Vec<Channel>,
    /// In rows.
    pub(super) quantisation: [u8; 64],
}

/// How it is written.
#[derive(Clone, Copy, Default)]
pub(super) struct Options {
    /// Each channel in a scan of its own.
    pub(super) apart: bool,
    /// Units between restarts, or 0.
    pub(super) restart_interval: usize,
    /// What Adobe's note says of the colours.
    pub(super) adobe: Option<u8>,
}

impl Picture {
    /// A random picture, smooth enough that few of its samples are out of range.
    pub(super) fn random(size: [usize; 2], sampling: &[[usize; 2]], random: &mut Random) -> Self {
        let finest = [0, 1].map(|axis| sampling.iter().map(|s| s[axis]).max().unwrap());
        let units = [0, 1].map(|axis| size[axis].div_ceil(8 * finest[axis]));
        let channel = |&blocks: &[usize; 2]| {
            let size = [0, 1].map(|axis| units[axis] * blocks[axis]);
            let coefficients = (0..size[0] * size[1]).map(|_| block(random)).collect();
            Channel { blocks, size, coefficients }
        };
        let channels = sampling.iter().map(channel).collect();
        let quantisation = std::array::from_fn(|place| 3 + (place / 8 + place % 8) as u8);
        Self { size, channels, quantisation }
    }

    pub(super) fn file(&self, options: Options) -> Vec<u8> {
        let mut file = vec![0xff, 0xd8];
        if let Some(transform) = options.adobe {
            segment(&mut file, 0xee, &[b"Adobe\0\x64\0\0\0\0", &[transform][..]].concat());
        }
        let mut table = vec![0];
        table.extend(ZIGZAG.map(|place| self.quantisation[usize::from(place)]));
        segment(&mut file, 0xdb, &table);
        let [width, height] = self.size.map(|side| (side as u16).to_be_bytes());
        let mut frame = [&[8][..], &height, &width, &[self.channels.len() as u8]].concat();
        for (id, channel) in (1..).zip(&self.channels) {
            frame.extend([id, (channel.blocks[0] << 4 | channel.blocks[1]) as u8, 0]);
        }
        segment(&mut file, 0xc0, &frame);
        for (class, codes) in [(0, Codes::dc()), (0x10, Codes::ac())] {
            segment(&mut file, 0xc4, &codes.table(class));
        }
        segment(&mut file, 0xdd, &(options.restart_interval as u16).to_be_bytes());
        let all: Vec<usize> = (0..self.channels.len()).collect();
        if options.apart {
            for channel in all {
                self.scan(&mut file, &[channel], options);
            }
        } else {
            self.scan(&mut file, &all, options);
        }
        file.extend([0xff, 0xd9]);
        file
    }

    fn scan(&self, file: &mut Vec<u8>, channels: &[usize], options: Options) {
        let mut header = vec![channels.len() as u8];
        header.extend(channels.iter().flat_map(|&channel| [channel as u8 + 1, 0]));
        header.extend([0, 63, 0]);
        segment(file, 0xda, &header);
        let (dc, ac) = (Codes::dc(), Codes::ac());
        let mut bits = Bits::default();
        let mut means = [0; 4];
        let units = self.units(channels);
        for (index, unit) in units.iter().enumerate() {
            if options.restart_interval > 0 && index > 0 && index % options.restart_interval == 0 {
                file.extend(std::mem::take(&mut bits).finish());
                file.extend([0xff, 0xd0 + (index / options.restart_interval - 1) as u8 % 8]);
                means = [0; 4];
            }
            for &(channel, place) in unit {
                let block = &self.channels[channel].coefficients[place];
                let mean = i32::from(block[0]);
                bits.number(&dc, 0, mean - means[channel]);
                means[channel] = mean;
                let mut run = 0;
                for place in &ZIGZAG[1..] {
                    let number = i32::from(block[usize::from(*place)]);
                    if number == 0 {
                        run += 1;
                        continue;
                    }
                    while run > 15 {
                        bits.code(&ac, 0xf0);
                        run -= 16;
                    }
                    bits.number(&ac, run << 4, number);
                    run = 0;
                }
                if run > 0 {
                    bits.code(&ac, 0);
                }
            }
        }
        file.extend(bits.finish());
    }

    /// The units of a scan: channels, and indices of their blocks.
    fn units(&self, channels: &[usize]) -> Vec<Vec<(usize, usize)>> {
        let finest = [0, 1].map(|axis| self.channels.iter().map(|c| c.blocks[axis]).max().unwrap());
        if let [index] = *channels {
            let channel = &self.channels[index];
            let real = [0, 1]
                .map(|axis| (self.size[axis] * channel.blocks[axis]).div_ceil(8 * finest[axis]));
            let places = (0..real[1]).flat_map(|y| (0..real[0]).map(move |x| (x, y)));
            return places.map(|(x, y)| vec![(index, y * channel.size[0] + x)]).collect();
        }
        let units = [0, 1].map(|axis| self.size[axis].div_ceil(8 * finest[axis]));
        let mut all = Vec::new();
        for (unit_y, unit_x) in (0..units[1]).flat_map(|y| (0..units[0]).map(move |x| (y, x))) {
            let mut unit = Vec::new();
            for &index in channels {
                let Channel { blocks: [across, down], size, .. } = self.channels[index];
                for (y, x) in (0..down).flat_map(|y| (0..across).map(move |x| (y, x))) {
                    let place = (unit_y * down + y) * size[0] + unit_x * across + x;
                    unit.push((index, place));
                }
            }
            all.push(unit);
        }
        all
    }
}

/// A mean, and some other coefficients: none, a few, or a few in all places.
fn block(random: &mut Random) -> [i16; 64] {
    let mut block = [0; 64];
    block[0] = random.below(200) as i16 - 100;
    let count = [0, 4, 12][random.below(3)];
    for _ in 0..count {
        let place =
            if count == 4 { usize::from(ZIGZAG[random.below(10)]) } else { random.below(64) };
        if place > 0 {
            block[place] = random.below(15) as i16 - 7;
        }
    }
    block
}

fn segment(file: &mut Vec<u8>, marker: u8, content: &[u8]) {
    file.extend([0xff, marker]);
    file.extend((content.len() as u16 + 2).to_be_bytes());
    file.extend(content);
}

/// Codes of 2 to 16 bits, two of most lengths, and the rest of the longest.
struct Codes(Vec<u8>);

impl Codes {
    fn dc() -> Self {
        Self((0..12).collect())
    }

    fn ac() -> Self {
        let mut symbols: Vec<u8> = vec![0, 0xf0];
        symbols.extend((0..16).flat_map(|run| (1..11).map(move |size| run << 4 | size)));
        symbols.sort_by_key(|symbol| (symbol >> 4) + 2 * (symbol & 15));
        Self(symbols)
    }

    /// The length of each symbol's code.
    fn lengths(&self) -> impl Iterator<Item = u32> {
        (0..self.0.len() as u32).map(|index| (2 + index.div_ceil(2)).min(16))
    }

    fn table(&self, class: u8) -> Vec<u8> {
        let mut table = vec![class];
        table.extend((1..17).map(|length| self.lengths().filter(|of| *of == length).count() as u8));
        table.extend(&self.0);
        table
    }

    /// A code and its length.
    fn code(&self, symbol: u8) -> (u32, u32) {
        let (mut code, mut before) = (0, 0);
        for (length, of) in self.lengths().zip(&self.0) {
            code <<= length - before;
            if *of == symbol {
                return (code, length);
            }
            code += 1;
            before = length;
        }
        panic!("no code for {symbol}");
    }
}

#[derive(Default)]
struct Bits(Vec<bool>);

impl Bits {
    fn push(&mut self, bits: u32, count: u32) {
        self.0.extend((0..count).rev().map(|place| bits >> place & 1 == 1));
    }

    fn code(&mut self, codes: &Codes, symbol: u8) {
        let (code, length) = codes.code(symbol);
        self.push(code, length);
    }

    /// The code of a number's size, with a run, and the number.
    fn number(&mut self, codes: &Codes, run: u8, number: i32) {
        let size = 32 - number.unsigned_abs().leading_zeros();
        self.code(codes, run | size as u8);
        self.push((if number < 0 { number - 1 } else { number }) as u32, size);
    }

    fn finish(mut self) -> Vec<u8> {
        while !self.0.len().is_multiple_of(8) {
            self.0.push(true);
        }
        let bytes = self
            .0
            .chunks(8)
            .map(|bits| bits.iter().fold(0, |byte, &bit| byte << 1 | u8::from(bit)));
        bytes.flat_map(|byte| if byte == 0xff { vec![0xff, 0] } else { vec![byte] }).collect()
    }
}
