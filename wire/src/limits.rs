//! Every limit on what a caller may send, in one place.

/// Numbers in a FaceNet embedding, and so dimensions of the Vectorize index.
pub const EMBEDDING_DIMENSIONS: usize = 512;

/// Largest body of a request in bytes. A 160x160 crop is under 60 kB; 4 MiB leaves room for a
/// whole photograph while bounding what a request can hold in memory.
pub const BODY_BYTES_MAX: usize = 4 << 20;

/// Largest width and height of a picture in pixels, checked before it is decoded.
pub const IMAGE_SIDE_MAX: u32 = 4096;

/// Largest area of a picture in pixels, checked before it is decoded: 6 megapixels are 18 MB
/// of RGB, which a small compressed file can expand to.
pub const IMAGE_PIXELS_MAX: u64 = 6_000_000;

/// Smallest width and height of a picture in pixels that can hold a usable face.
pub const IMAGE_SIDE_MIN: u32 = 32;

/// Longest name of a person in characters.
pub const NAME_CHARS_MAX: usize = 80;

/// Nearest faces a search can ask for: Vectorize returns at most 50 with their values, and the
/// page shows a handful.
pub const TOP_K_MAX: u32 = 20;

/// Nearest faces a search returns unless told otherwise.
pub const TOP_K_DEFAULT: u32 = 5;
