//! From lines of channels to a line of RGB, with the constants of libjpeg (`jdcolor.c`).

use crate::header::Colour;

/// Bits behind the point of the constants.
const BITS: i32 = 16;

/// A constant as libjpeg rounds it.
const fn constant(value: f64) -> i32 {
    (value * (1 << BITS) as f64 + 0.5) as i32
}

/// The RGB pixels of a line. Each channel has as many samples as there are pixels, or there are
/// fewer pixels.
pub(crate) fn convert(colour: Colour, channels: &[&[u8]], pixels: &mut [[u8; 3]]) {
    match (colour, channels) {
        (Colour::Grey, [grey]) => {
            for (pixel, &grey) in pixels.iter_mut().zip(*grey) {
                *pixel = [grey; 3];
            }
        }
        (Colour::Rgb, [red, green, blue]) => {
            let samples = red.iter().zip(*green).zip(*blue);
            for (pixel, ((&red, &green), &blue)) in pixels.iter_mut().zip(samples) {
                *pixel = [red, green, blue];
            }
        }
        (Colour::YCbCr, [luma, blue, red]) => ycbcr(luma, blue, red, pixels),
        (Colour::Cmyk, [cyan, magenta, yellow, black]) => {
            convert(Colour::Rgb, &[cyan, magenta, yellow], pixels);
            darken(pixels, black);
        }
        (Colour::Ycck, [luma, blue, red, black]) => {
            ycbcr(luma, blue, red, pixels);
            // The transform gives 255 minus the file's cyan, magenta and yellow. These are
            // inverted there, so they are red, green and blue.
            for value in pixels.as_flattened_mut() {
                *value = 255 - *value;
            }
            darken(pixels, black);
        }
        // A header has as many channels as its colours need.
        _ => {}
    }
}

fn ycbcr(luma: &[u8], blue: &[u8], red: &[u8], pixels: &mut [[u8; 3]]) {
    const HALF: i32 = 1 << (BITS - 1);
    let samples = luma.iter().zip(blue).zip(red);
    for (pixel, ((&y, &cb), &cr)) in pixels.iter_mut().zip(samples) {
        let [y, cb, cr] = [i32::from(y), i32::from(cb) - 128, i32::from(cr) - 128];
        let red = y + ((constant(1.402) * cr + HALF) >> BITS);
        let green = y + ((-constant(0.344_14) * cb - constant(0.714_14) * cr + HALF) >> BITS);
        let blue = y + ((constant(1.772) * cb + HALF) >> BITS);
        *pixel = [red, green, blue].map(|value| value.clamp(0, 255) as u8);
    }
}

/// Colours and black are inverted: they say how much light is left.
fn darken(pixels: &mut [[u8; 3]], black: &[u8]) {
    for (pixel, &black) in pixels.iter_mut().zip(black) {
        *pixel = pixel.map(|value| ((u16::from(value) * u16::from(black) + 127) / 255) as u8);
    }
}
