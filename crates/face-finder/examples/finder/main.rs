//! The finder as a bare WebAssembly module, without a Worker around it. A host calls its exports,
//! to measure it in V8 and to compare it with the native one.
//!
//! Weights and pictures pass through a buffer in the module's memory. A fault traps.
#![expect(unsafe_code, reason = "exported names")]
#![expect(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "a fault is a mistake of the host and ends the run"
)]

use std::cell::RefCell;

use face_finder::{Face, Finder, Picture};

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    finder: Option<Finder>,
    faces: Vec<f64>,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

/// Makes the buffer so many bytes long. Returns where it is.
#[unsafe(no_mangle)]
pub extern "C" fn bytes(length: usize) -> *mut u8 {
    STATE.with_borrow_mut(|State { bytes, .. }| {
        bytes.resize(length, 0);
        bytes.as_mut_ptr()
    })
}

/// Takes the weights from the buffer.
#[unsafe(no_mangle)]
pub extern "C" fn load() {
    STATE.with_borrow_mut(|state| state.finder = Some(Finder::load(&state.bytes).unwrap()));
}

/// Finds the faces in the picture of this size that is in the buffer, at one size of the detector's
/// input, or at the usual ones when that is 0. Returns how many.
#[unsafe(no_mangle)]
pub extern "C" fn find(width: usize, height: usize, size: usize) -> usize {
    STATE.with_borrow_mut(|State { bytes, finder, faces }| {
        let picture = Picture::from_rgb(width, height, bytes).unwrap();
        let finder = finder.as_ref().unwrap();
        let found =
            if size == 0 { finder.find(&picture) } else { finder.find_at(&picture, &[size]) };
        faces.clear();
        faces.extend(found.iter().flat_map(numbers));
        found.len()
    })
}

/// Where the numbers of the faces are that were found last: for each its score, its box and its
/// crop.
#[unsafe(no_mangle)]
pub extern "C" fn faces() -> *const f64 {
    STATE.with_borrow(|State { faces, .. }| faces.as_ptr())
}

fn numbers(face: &Face) -> [f64; 9] {
    let (bounds, crop) = (face.bounds, face.crop);
    let [x, y] = [bounds.x, bounds.y];
    [face.score, x, y, bounds.width, bounds.height, crop.x, crop.y, crop.width, crop.height]
}
