//! Every layer of the engine against the golden outputs.

use facenet::image::{Face, Limits};
use facenet::outputs::{golden, record};

const OUTPUTS: &str = include_str!("../../tests/it/golden/activations.txt");

/// The crop [`golden::CROP`].
const CROP: &[u8] = include_bytes!("../../tests/it/golden/collins-1.png");

/// Compares what the loaded shards give for the crop. The table of all layers becomes the message;
/// a layer that gives something else traps.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn compare_layers() {
    let limits =
        Limits { side_min: 160, side_max: 160, pixels_max: 160 * 160, decoded_bytes_max: 1 << 20 };
    let input = Face::decode(CROP, &limits).unwrap().input();
    let layers = golden::read(OUTPUTS).unwrap();
    let outputs = super::STATE.with_borrow(|super::State { shards, .. }| {
        record(|| shards[1].run(&shards[0].run(&input).unwrap()).unwrap()).1
    });
    let differences = golden::compare(&layers, &outputs).unwrap();
    for (layer, difference) in layers.iter().zip(&differences) {
        assert!(difference.is_small(), "{}: {difference:?}", layer.name);
    }
    super::set_message(golden::table(&layers, &[("WebAssembly", differences)]));
}
