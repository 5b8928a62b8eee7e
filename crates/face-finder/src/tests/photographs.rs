//! The photographs of the end-to-end tests, and the weights.

use image::RgbImage;

use crate::{Finder, Picture};

/// Photographs of one face each, in the public domain.
pub(crate) const NAMES: [&str; 4] = ["biden-1", "biden-2", "obama-1", "obama-2"];

/// A decoded photograph.
pub(crate) fn photograph(name: &str) -> RgbImage {
    let file = testbed::root().join("tests/faces").join(name).with_extension("jpg");
    image::open(file).unwrap().into_rgb8()
}

/// The finder's view of it.
pub(crate) fn view(image: &RgbImage) -> Picture<'_> {
    let [width, height] = [image.width(), image.height()].map(|side| side as usize);
    Picture::from_rgb(width, height, image.as_raw()).unwrap()
}

/// The file with the weights.
pub(crate) fn weights() -> Vec<u8> {
    let file = std::env::var_os("CFACE_FINDER");
    std::fs::read(file.expect("`cargo xtask test` sets CFACE_FINDER")).unwrap()
}

/// The finder with its weights.
pub(crate) fn finder() -> Finder {
    Finder::load(&weights()).unwrap()
}
