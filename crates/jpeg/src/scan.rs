//! The blocks of a scan, a row of units at a time.

use crate::JpegError;
use crate::bits::{Bits, Place};
use crate::header::Scan;
use crate::huffman::Table;
use crate::idct::{COEFFICIENTS, transform};
use crate::plane::Plane;
use crate::segments::marker::RST0;

/// Where the coefficients are in a block, in the order of a file (ITU-T T.81, figure A.6).
pub(crate) const ZIGZAG: [u8; COEFFICIENTS] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// Most channels.
const CHANNELS: usize = 4;

/// A channel in a scan.
struct Part<'a> {
    component: usize,
    dc: Table,
    ac: Table,
    quantisation: &'a [u16; COEFFICIENTS],
    /// The mean of the block before, to which the next one is a difference.
    mean: i32,
}

/// Where a row of units begins in a scan, and what the scan's decoder knows there.
#[derive(Clone, Copy)]
pub(crate) struct State {
    place: Place,
    /// Of each channel in the scan.
    means: [i32; CHANNELS],
    until_restart: usize,
    restart: u8,
}

/// Decodes a scan.
pub(crate) struct Decoder<'a> {
    parts: Vec<Part<'a>>,
    bits: Bits<'a>,
    restart_interval: usize,
    /// Units until the next restart.
    until_restart: usize,
    /// The number of the next restart, 0 to 7.
    restart: u8,
    /// Units of all channels in a row.
    units: usize,
}

impl<'a> Decoder<'a> {
    /// `quantisation` has the table of each channel, and `units` are in a row.
    pub(crate) fn new(
        scan: &Scan<'a>,
        quantisation: &[&'a [u16; COEFFICIENTS]],
        units: usize,
    ) -> Option<Self> {
        let part = |part: &crate::header::Part| {
            Some(Part {
                component: part.component,
                dc: Table::new(&part.dc),
                ac: Table::new(&part.ac),
                quantisation: quantisation.get(part.component)?,
                mean: 0,
            })
        };
        Some(Self {
            parts: scan.parts.iter().map(part).collect::<Option<_>>()?,
            bits: Bits::new(scan.data),
            restart_interval: scan.restart_interval,
            until_restart: scan.restart_interval,
            restart: 0,
            units,
        })
    }

    /// How far it is.
    pub(crate) fn state(&self) -> State {
        let mut means = [0; CHANNELS];
        for (mean, part) in means.iter_mut().zip(&self.parts) {
            *mean = part.mean;
        }
        let Self { until_restart, restart, .. } = *self;
        State { place: self.bits.place(), means, until_restart, restart }
    }

    /// Goes to where a decoder of the same scan was.
    pub(crate) fn resume(&mut self, state: &State) {
        self.bits.go_to(state.place);
        for (part, mean) in self.parts.iter_mut().zip(state.means) {
            part.mean = mean;
        }
        self.until_restart = state.until_restart;
        self.restart = state.restart;
    }

    /// Decodes a row of units into the planes, or passes over it. Blocks that the planes do not
    /// keep are passed over.
    ///
    /// # Errors
    /// When the file is damaged or ends too soon.
    pub(crate) fn row(
        &mut self,
        planes: &mut [Plane],
        row: usize,
        keep: bool,
    ) -> Result<(), JpegError> {
        match self.parts.as_slice() {
            [part] => {
                let Some(plane) = planes.get(part.component) else { return Ok(()) };
                let ([across, down], rows) = (plane.real_blocks, plane.unit_blocks[1]);
                // A channel in a scan of its own has no blocks that only fill up units.
                for y in 0..rows.min(down.saturating_sub(row * rows)) {
                    for x in 0..across {
                        self.restart_if_due()?;
                        self.block(0, planes, [x, y], keep)?;
                    }
                }
            }
            _ => {
                for unit in 0..self.units {
                    self.restart_if_due()?;
                    for part in 0..self.parts.len() {
                        self.unit(part, planes, unit, keep)?;
                    }
                }
            }
        }
        if self.bits.is_beyond() { Err(JpegError::Truncated) } else { Ok(()) }
    }

    /// The blocks of a channel in a unit.
    #[inline]
    fn unit(
        &mut self,
        part: usize,
        planes: &mut [Plane],
        unit: usize,
        keep: bool,
    ) -> Result<(), JpegError> {
        let component = self.parts.get(part).map_or(0, |part| part.component);
        let [across, down] = planes.get(component).map_or([0; 2], |plane| plane.unit_blocks);
        for y in 0..down {
            for x in 0..across {
                self.block(part, planes, [unit * across + x, y], keep)?;
            }
        }
        Ok(())
    }

    #[inline]
    fn restart_if_due(&mut self) -> Result<(), JpegError> {
        if self.restart_interval == 0 {
            return Ok(());
        }
        if self.until_restart == 0 {
            if self.bits.is_beyond() {
                return Err(JpegError::Truncated);
            }
            if !self.bits.restart(RST0 + self.restart) {
                return Err(JpegError::Damaged("it does not restart where it should"));
            }
            self.restart = (self.restart + 1) % 8;
            self.until_restart = self.restart_interval;
            for part in &mut self.parts {
                part.mean = 0;
            }
        }
        self.until_restart -= 1;
        Ok(())
    }

    /// The block of a channel in this column and this row of the row of units.
    #[inline]
    fn block(
        &mut self,
        part: usize,
        planes: &mut [Plane],
        [column, row]: [usize; 2],
        keep: bool,
    ) -> Result<(), JpegError> {
        let Self { parts, bits, .. } = self;
        let Some(part) = parts.get_mut(part) else { return Ok(()) };
        let Some(plane) = planes.get_mut(part.component) else { return Ok(()) };
        bits.fill();
        let difference = part.dc.entry(bits)?.take(bits);
        part.mean = part.mean.wrapping_add(difference);
        let (side, stride) = (plane.grain.block, plane.stride);
        let samples = if keep { plane.block(column, row) } else { None };
        let Some(samples) = samples else { return part.ac.pass_over(bits) };
        let mut coefficients = [0; COEFFICIENTS];
        coefficients[0] = dequantised(part.mean, part.quantisation[0]);
        if side == 1 {
            part.ac.pass_over(bits)?;
            transform::<1>(&coefficients, 0, samples, stride);
            return Ok(());
        }
        let last = part.coefficients(bits, &mut coefficients)?;
        match side {
            2 => transform::<2>(&coefficients, last, samples, stride),
            4 => transform::<4>(&coefficients, last, samples, stride),
            _ => transform::<8>(&coefficients, last, samples, stride),
        }
        Ok(())
    }
}

impl Part<'_> {
    /// All coefficients but the mean, and which is the last that is not zero.
    #[inline]
    fn coefficients(
        &self,
        bits: &mut Bits,
        coefficients: &mut [i16; COEFFICIENTS],
    ) -> Result<usize, JpegError> {
        let (mut next, mut last) = (1, 0);
        while next < COEFFICIENTS {
            bits.fill();
            let entry = self.ac.entry(bits)?;
            let value = entry.take(bits);
            next += entry.run();
            let Some(&place) = ZIGZAG.get(next) else { break };
            coefficients[usize::from(place)] = dequantised(value, self.quantisation[next]);
            last = next;
            next += 1;
        }
        Ok(last)
    }
}

/// Wraps what does not fit: it is wrong in any case.
#[inline]
fn dequantised(value: i32, step: u16) -> i16 {
    let product = value.wrapping_mul(i32::from(step));
    product.clamp(i16::MIN.into(), i16::MAX.into()) as i16
}
