#![doc = include_str!("../README.md")]
#![cfg(target_family = "wasm")]

mod heap;

use std::cell::RefCell;

use input::message;

thread_local! {
    /// The frame of the question, then that of the answer.
    static FRAME: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Where to write a frame of `length` bytes. Null when there is no memory.
#[expect(unsafe_code, reason = "exports of a bare module have names of their own")]
#[unsafe(no_mangle)]
pub extern "C" fn reserve(length: usize) -> *mut u8 {
    FRAME.with_borrow_mut(|frame| {
        frame.clear();
        if frame.try_reserve_exact(length).is_err() {
            return std::ptr::null_mut();
        }
        frame.resize(length, 0);
        frame.as_mut_ptr()
    })
}

/// Answers the frame that was written. Gives where the answer's frame is.
#[expect(unsafe_code, reason = "exports of a bare module have names of their own")]
#[unsafe(no_mangle)]
pub extern "C" fn run() -> *const u8 {
    FRAME.with_borrow_mut(|frame| {
        *frame = message::answer(std::mem::take(frame));
        frame.as_ptr()
    })
}

/// The length of the answer's frame in bytes.
#[expect(unsafe_code, reason = "exports of a bare module have names of their own")]
#[unsafe(no_mangle)]
pub extern "C" fn answer_length() -> usize {
    FRAME.with_borrow(Vec::len)
}

/// 1 when more memory was asked for than there is. Can be called after a trap, to know why.
#[expect(unsafe_code, reason = "exports of a bare module have names of their own")]
#[unsafe(no_mangle)]
pub extern "C" fn exhausted() -> u32 {
    u32::from(heap::exhausted())
}
