//! Exports by which a host gives inputs to the targets whose inputs no sandbox reads.

use std::cell::RefCell;

thread_local! {
    static INPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Makes the buffer for an input so many bytes long. Returns where it is.
#[unsafe(no_mangle)]
pub extern "C" fn bytes(length: usize) -> *mut u8 {
    INPUT.with_borrow_mut(|input| {
        input.resize(length, 0);
        input.as_mut_ptr()
    })
}

/// Reads the buffer as a record.
#[unsafe(no_mangle)]
pub extern "C" fn record() {
    INPUT.with_borrow(|input| crate::record(input));
}

/// Reads the buffer as a query string, and as a caller's own embedding.
#[unsafe(no_mangle)]
pub extern "C" fn query() {
    INPUT.with_borrow(|input| crate::query(input));
}

/// Reads the buffer as weights of the face finder.
#[unsafe(no_mangle)]
pub extern "C" fn finder() {
    INPUT.with_borrow(|input| crate::finder(input));
}
