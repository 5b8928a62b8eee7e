//! The tests of the kernels and of the convolutions, one by one.

use facenet::simd::tests::ALL;

/// Runs the test with this index. Returns 0 when there is none. A test that fails traps; after one
/// that passes its name is the message.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn run_test(index: usize) -> u32 {
    let Some((name, test)) = ALL.get(index) else { return 0 };
    test();
    super::set_message((*name).to_owned());
    1
}
