//! Every limit on what a caller may send, in one place.

/// Numbers in an embedding, and so dimensions of the Vectorize index.
pub use facenet::embedding::DIMENSIONS as EMBEDDING_DIMENSIONS;

/// Largest body of a request in bytes. A 160x160 crop is under 60 kB; 4 MiB leaves room for a
/// whole photograph while bounding what a request can hold in memory.
pub const BODY_BYTES_MAX: usize = 4 << 20;

/// Largest width and height of a picture in pixels, checked before it is decoded.
pub const IMAGE_SIDE_MAX: u32 = 4096;

/// Largest area of a picture in pixels, checked before it is decoded: 6 megapixels are 18 MB
/// of RGB, which a small compressed file can expand to.
pub const IMAGE_PIXELS_MAX: u64 = 6_000_000;

/// Most bytes that a picture's pixels may take as its file stores them, checked before it is
/// decoded. [`IMAGE_PIXELS_MAX`] in RGB with transparency; pictures with 16 bits a channel may
/// have half as many pixels. WebAssembly memory never shrinks, so one picture that takes more
/// would take it for good.
pub const IMAGE_DECODED_BYTES_MAX: u64 = 4 * IMAGE_PIXELS_MAX;

/// Smallest width and height of a picture in pixels that can hold a usable face.
pub const IMAGE_SIDE_MIN: u32 = 32;

/// Fields of a form, known or not, counted before their contents are read.
pub const FORM_FIELDS_MAX: usize = 8;

/// Largest text field of a form in bytes: a name of [`NAME_CHARS_MAX`] characters and the spaces
/// that people paste around it.
pub const FORM_TEXT_BYTES_MAX: usize = 1024;

/// Largest JSON body in bytes: 512 numbers written out in full are 12 kB, and twice that with
/// each on a line of its own.
pub const JSON_BYTES_MAX: usize = 64 << 10;

/// Deepest nesting of a JSON body: an array in an object is all that we take.
pub const JSON_DEPTH_MAX: usize = 4;

/// Longest query string of a URL in bytes.
pub const QUERY_BYTES_MAX: usize = 1024;

/// Requests that may wait in one Durable Object of the model, being computed included. At about
/// a tenth of a second each, the last of them waits some seconds.
pub const WAITING_MAX: usize = 64;

/// Period of every rate limit in seconds, and so the longest time until there is room in it again.
/// The tests of `facenet-worker` compare it with the root's wrangler.toml.
pub const RATE_LIMIT_PERIOD_S: u32 = 60;

/// Longest name of a person in characters.
pub const NAME_CHARS_MAX: usize = 80;

/// Pictures of one person. Vectorize returns at most 50 candidates, so that a search finds
/// [`TOP_K_DEFAULT`] people even if all of them have as many pictures.
pub const PERSON_PICTURES_MAX: usize = 8;

/// Nearest people a search can ask for: the page shows a handful.
pub const TOP_K_MAX: u32 = 20;

/// Nearest people a search returns unless told otherwise.
pub const TOP_K_DEFAULT: u32 = 5;

// The numbers must fit each other, and an isolate of 128 MB that also holds both shards (64 MB):
// a picture is decoded, turned to RGB and resized one at a time.
const _: () = assert!(IMAGE_PIXELS_MAX <= IMAGE_SIDE_MAX as u64 * IMAGE_SIDE_MAX as u64);
const _: () = assert!(JSON_BYTES_MAX <= BODY_BYTES_MAX);
const _: () = assert!(FORM_TEXT_BYTES_MAX >= 4 * NAME_CHARS_MAX);
const _: () = assert!(TOP_K_DEFAULT <= TOP_K_MAX);
