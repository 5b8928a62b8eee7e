//! What is found in the photographs.

use super::photographs::{NAMES, finder, photograph, view};

#[test]
fn each_photograph_has_one_face() {
    let finder = finder();
    for name in NAMES {
        let image = photograph(name);
        let faces = finder.find(&view(&image));
        assert_eq!(faces.len(), 1, "{name}: {faces:?}");
    }
}
