//! From a file to rows of pixels: which units are decoded, and when the rows of each are complete.

use crate::colour;
use crate::header::Header;
use crate::idct::COEFFICIENTS;
use crate::plane::{BLOCK, Layout, Plane};
use crate::scan::{Decoder, State};
use crate::upsample::Upsampler;
use crate::{JpegError, Region, Scale};

/// How many pixels beside the region are decoded too: as many as the next sample has of a channel
/// with one sample for two pixels.
const MARGIN: usize = 2;

/// Where each row of units begins, in each scan.
pub(crate) type States = Vec<Vec<State>>;

/// Decodes a region. It begins to read at the last row of units above the region that is `known`.
/// Returns where the rows that it has read begin.
pub(crate) fn decode(
    header: &Header,
    scale: Scale,
    region: Region,
    known: &States,
    mut row: impl FnMut(usize, &[[u8; 3]]),
) -> Result<States, JpegError> {
    let size = [header.width, header.height];
    let scaled = size.map(|length| length.div_ceil(scale.divisor()));
    let block = BLOCK / scale.divisor();
    let [left, top] = [region.x.min(scaled[0]), region.y.min(scaled[1])];
    let right = left.saturating_add(region.width).min(scaled[0]);
    let bottom = top.saturating_add(region.height).min(scaled[1]);
    if left == right || top == bottom {
        return Ok(States::new());
    }
    let finest = [0, 1].map(|axis| {
        header.components.iter().map(|component| component.blocks[axis]).max().unwrap_or(1)
    });
    // Pixels of a unit of all channels, and how many units there are.
    let unit = finest.map(|blocks| blocks * block);
    let count = [0, 1].map(|axis| size[axis].div_ceil(BLOCK * finest[axis]));
    let columns = units(left, right, unit[0], count[0]);
    let rows = units(top, bottom, unit[1], count[1]);
    let layout = Layout { size, finest, block, units: columns };
    let planes = header.components.iter().map(|component| Plane::new(component, layout));
    let mut planes: Vec<Plane> = planes.collect();
    let mut decoders = decoders(header, count[0])?;
    let mut upsamplers: Vec<Upsampler> = planes.iter().map(|_| Upsampler::default()).collect();
    let mut pixels = vec![[0; 3]; (columns[1] * unit[0]).min(scaled[0]) - columns[0] * unit[0]];
    let inside = left - columns[0] * unit[0]..right - columns[0] * unit[0];
    let start = rows[0].min(known.len().saturating_sub(1));
    for (decoder, state) in decoders.iter_mut().zip(known.get(start).into_iter().flatten()) {
        decoder.resume(state);
    }
    let mut states = States::with_capacity(rows[1] - start);
    for index in start..rows[1] {
        let keep = index >= rows[0];
        for plane in &mut planes {
            plane.advance();
        }
        states.push(decoders.iter().map(Decoder::state).collect());
        for decoder in &mut decoders {
            decoder.row(&mut planes, index, keep)?;
        }
        if !keep {
            continue;
        }
        // The last row needs the samples below it, except at the edge of the picture.
        let last = if index + 1 == count[1] { scaled[1] } else { (index + 1) * unit[1] - 1 };
        for y in (index * unit[1]).saturating_sub(1).max(top)..last.min(bottom) {
            let lines = upsamplers.iter_mut().zip(&planes);
            let lines = lines.map(|(upsampler, plane)| upsampler.line(plane, y, index));
            colour::convert(header.colour, &lines.collect::<Vec<_>>(), &mut pixels);
            if let Some(pixels) = pixels.get(inside.clone()) {
                row(y, pixels);
            }
        }
    }
    Ok(states)
}

/// The units that hold a range of pixels and the margin beside it: the first, and the one behind
/// the last.
const fn units(from: usize, to: usize, unit_pixels: usize, units: usize) -> [usize; 2] {
    let end = (to + MARGIN).div_ceil(unit_pixels);
    [from.saturating_sub(MARGIN) / unit_pixels, if end < units { end } else { units }]
}

/// A decoder of each scan. They take turns.
fn decoders<'a>(header: &'a Header, units: usize) -> Result<Vec<Decoder<'a>>, JpegError> {
    const NO_TABLE: JpegError = JpegError::Damaged("a table is missing");
    let quantisation = header.components.iter().map(|component| {
        let table: &[u16; COEFFICIENTS] = component.quantisation.as_slice().try_into().ok()?;
        Some(table)
    });
    let quantisation = quantisation.collect::<Option<Vec<_>>>().ok_or(NO_TABLE)?;
    let decoder = |scan| Decoder::new(scan, &quantisation, units).ok_or(NO_TABLE);
    header.scans.iter().map(decoder).collect()
}
