//! The tests of the kernels as a WebAssembly module without imports, for a host that calls
//! [`run`] with 0, 1, 2 and so on while it returns 1. A test that fails traps; [`message`] and
//! [`message_len`] then say where the reason is in the module's memory.
#![expect(unsafe_code, reason = "exported names")]

use std::sync::{Mutex, PoisonError};

use facenet::simd::tests::ALL;

static MESSAGE: Mutex<String> = Mutex::new(String::new());

fn set_message(text: String) {
    *MESSAGE.lock().unwrap_or_else(PoisonError::into_inner) = text;
}

/// Runs one test; its name is the message until it fails. Returns 0 when there is no such test.
#[unsafe(no_mangle)]
pub extern "C" fn run(index: usize) -> u32 {
    let Some((name, test)) = ALL.get(index) else {
        return 0;
    };
    std::panic::set_hook(Box::new(move |info| set_message(format!("{name}: {info}"))));
    set_message((*name).to_owned());
    test();
    1
}

/// Where the message is.
#[unsafe(no_mangle)]
pub extern "C" fn message() -> *const u8 {
    MESSAGE.lock().unwrap_or_else(PoisonError::into_inner).as_ptr()
}

/// How many bytes it has.
#[unsafe(no_mangle)]
pub extern "C" fn message_len() -> usize {
    MESSAGE.lock().unwrap_or_else(PoisonError::into_inner).len()
}
