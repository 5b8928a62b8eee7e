//! Which engines are measured, and what ours should reach.

use testbed::golden::{COSINE_MIN, INTEGERS_COSINE_MIN};

/// Who is measured in V8; our own engines come first, and of them the Worker's default.
pub(super) const CONTESTANTS: [&str; 5] =
    ["cface", "cface-simd", BURN[0], BURN[1], "onnxruntime-web"];

/// Burn with its backend flex, and with the predecessor of that. In the module with both, they are
/// the variants 0 and 1.
pub(super) const BURN: [&str; 2] = ["burn-flex", "burn-ndarray"];

/// Our own engine with one of its arithmetics.
#[derive(Clone, Copy)]
pub(super) struct OwnEngine {
    /// Its name among the contestants.
    pub(super) name: &'static str,
    /// Its place in `facenet::simd::Simd::ALL`, which is not compiled in here.
    pub(super) variant: u32,
    /// The least cosine with the golden embedding.
    pub(super) cosine_min: f64,
    /// How long it should take beside onnxruntime-web.
    pub(super) goal: &'static str,
    /// The same on a processor without AVX-VNNI.
    pub(super) goal_without_vnni: &'static str,
}

/// The Worker's default engine comes first.
pub(super) const OWN_ENGINES: [OwnEngine; 2] = [
    OwnEngine {
        name: CONTESTANTS[0],
        variant: 1,
        cosine_min: INTEGERS_COSINE_MIN,
        goal: "at most 0.25: a quarter",
        goal_without_vnni: "at most 0.36",
    },
    OwnEngine {
        name: CONTESTANTS[1],
        variant: 0,
        cosine_min: COSINE_MIN,
        goal: "at most 0.42",
        goal_without_vnni: "floats do not use it",
    },
];
