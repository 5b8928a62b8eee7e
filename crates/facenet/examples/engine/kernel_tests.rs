//! The tests of the kernels and of what stands on them, one by one.

use facenet::simd::tests::ALL;

/// Runs a test, counted from 0. Returns 0 when there are not as many. A test that fails traps;
/// one that does not leaves its name as the message.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn run_test(index: usize) -> u32 {
    let Some((name, test)) = ALL.get(index) else { return 0 };
    test();
    super::set_message((*name).to_owned());
    1
}
