//! Every layer of the engine against the golden outputs.

use facenet::Face;
use facenet::image::Limits;
use facenet::outputs::{golden, record};

const OUTPUTS: &str = include_str!("../../tests/it/golden/activations.txt");

/// The crop [`golden::CROP`].
const CROP: &[u8] = include_bytes!("../../tests/it/golden/collins-1.png");

/// Compares the outputs of all layers for the crop. The table of all layers becomes the message. A
/// layer whose output differs too much traps.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn compare_layers() {
    let face = Face::decode(CROP, &Limits::CROP).unwrap();
    let layers = golden::read(OUTPUTS).unwrap();
    let outputs = super::STATE.with_borrow(|super::State { model, .. }| {
        record(|| model.as_ref().unwrap().embed(&face).unwrap()).1
    });
    let differences = golden::compare(&layers, &outputs).unwrap();
    for (layer, difference) in layers.iter().zip(&differences) {
        assert!(difference.is_small(), "{}: {difference:?}", layer.name);
    }
    super::set_message(golden::table(&layers, &[("WebAssembly", differences)]));
}
