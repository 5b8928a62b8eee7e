//! Every layer of the engine against the golden outputs.

use facenet::outputs::{golden, record};

const OUTPUTS: &str = include_str!("../../tests/it/golden/activations.txt");

/// Compares the outputs of all layers for the crop [`golden::CROP`], whose input is in the buffer
/// for tensors. The table of all layers becomes the message. A layer whose output differs too much
/// traps.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn compare_layers() {
    let layers = golden::read(OUTPUTS).unwrap();
    let outputs = super::STATE.with_borrow(|super::State { model, floats, .. }| {
        record(|| model.as_ref().unwrap().embed_input(floats).unwrap()).1
    });
    let differences = golden::compare(&layers, &outputs).unwrap();
    for (layer, difference) in layers.iter().zip(&differences) {
        assert!(difference.is_small(), "{}: {difference:?}", layer.name);
    }
    super::set_message(golden::table(&layers, &[("WebAssembly", differences)]));
}
