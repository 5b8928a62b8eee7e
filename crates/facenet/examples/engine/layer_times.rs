//! How long each class of layers takes in an embedding, by the host's clock.

use facenet::simd::times;

#[link(wasm_import_module = "host")]
unsafe extern "C" {
    /// Milliseconds since some moment.
    safe fn now() -> f64;
}

/// Sets all totals to zero.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn reset_times() {
    times::reset(|| now());
}

/// The name of the class with this index becomes the message. Returns 0 when there is none.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn class_name(index: usize) -> u32 {
    let Some(class) = times::Class::ALL.get(index) else { return 0 };
    super::set_message(class.name().to_owned());
    1
}

/// Milliseconds in a class since the last reset.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn class_ms(index: usize) -> f64 {
    times::total(times::Class::ALL[index]).ms
}

/// Multiply-accumulates in a class since the last reset.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn class_macs(index: usize) -> f64 {
    times::total(times::Class::ALL[index]).macs as f64
}
