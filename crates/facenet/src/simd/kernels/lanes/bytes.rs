//! The kernel for bytes in 256-bit vectors: a row of a panel is one vector, and so are the sums of
//! a row of the tile.

use std::arch::x86_64::{
    __m256i, _mm256_add_epi32, _mm256_dpbusd_avx_epi32, _mm256_load_si256, _mm256_madd_epi16,
    _mm256_maddubs_epi16, _mm256_set1_epi16, _mm256_set1_epi32,
};

use super::{LANES, QUAD, Quads, Runs, Sums};

/// Computes the tile with the best instructions that the processor has. Returns false, and computes
/// nothing, when it has none of them.
pub(super) fn gemm_i8_rx8<const R: usize>(
    input: &[u8],
    rows: &[usize; R],
    runs: Runs,
    panel: &[Quads],
    tile: &mut Sums<R>,
) -> bool {
    if is_x86_feature_detected!("avxvnni") {
        // SAFETY: the processor has the instructions.
        unsafe { vnni(input, rows, runs, panel, tile) };
    } else if is_x86_feature_detected!("avx2") {
        // SAFETY: as above.
        unsafe { avx2(input, rows, runs, panel, tile) };
    } else {
        return false;
    }
    true
}

#[target_feature(enable = "avx2,avxvnni")]
fn vnni<const R: usize>(
    input: &[u8],
    rows: &[usize; R],
    runs: Runs,
    panel: &[Quads],
    tile: &mut Sums<R>,
) {
    let add = |sum, weights, values| _mm256_dpbusd_avx_epi32(sum, values, weights);
    // SAFETY: this function is compiled for what has AVX2.
    unsafe { gemm(input, rows, runs, panel, tile, add) }
}

/// The products of neighbours are added in 16 bits, which hold them (`kernels::bytes`).
#[target_feature(enable = "avx2")]
fn avx2<const R: usize>(
    input: &[u8],
    rows: &[usize; R],
    runs: Runs,
    panel: &[Quads],
    tile: &mut Sums<R>,
) {
    let add = |sum, weights, values| {
        let pairs = _mm256_maddubs_epi16(values, weights);
        _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
    };
    // SAFETY: this function is compiled for what has AVX2.
    unsafe { gemm(input, rows, runs, panel, tile, add) }
}

/// The body of both. `add` adds the products of the weights of a row and a quad in all lanes.
///
/// # Safety
/// The processor has AVX2.
#[inline(always)]
unsafe fn gemm<const R: usize>(
    input: &[u8],
    rows: &[usize; R],
    runs: Runs,
    panel: &[Quads],
    tile: &mut Sums<R>,
    add: impl Fn(__m256i, __m256i, __m256i) -> __m256i,
) {
    // SAFETY: eight integers are a vector.
    let vector = |sums| unsafe { core::mem::transmute::<[i32; LANES], __m256i>(sums) };
    let mut sums = tile.map(vector);
    for run in 0..runs.count {
        let rows = rows.map(|row| input[row + run * runs.stride..][..runs.length].as_chunks().0);
        let panel = &panel[run * runs.length / QUAD..][..runs.length / QUAD];
        for (k, weights) in panel.iter().enumerate() {
            // SAFETY: the row of a panel is a vector and aligned as one, and the processor has
            // the instruction.
            let weights = unsafe { _mm256_load_si256(std::ptr::from_ref(weights).cast()) };
            for (row, sum) in rows.iter().zip(&mut sums) {
                let quad: [u8; QUAD] = row[k];
                // SAFETY: the processor has the instruction.
                let values = unsafe { _mm256_set1_epi32(i32::from_le_bytes(quad)) };
                *sum = add(*sum, weights, values);
            }
        }
    }
    // SAFETY: a vector is eight integers.
    *tile = sums.map(|sum| unsafe { core::mem::transmute::<__m256i, [i32; LANES]>(sum) });
}
