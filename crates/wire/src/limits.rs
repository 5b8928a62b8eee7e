//! Every limit on what a caller may send, and on what the log keeps of it.

/// Numbers in an embedding, and so dimensions of the Vectorize index.
pub use facenet::embedding::DIMENSIONS as EMBEDDING_DIMENSIONS;

/// Largest body of a request in bytes, unless it may be a photograph. A crop of 160x160 pixels
/// takes less than 60 kB. Larger crops are taken too, and the limit bounds the memory that they
/// take.
pub const BODY_BYTES_MAX: usize = 4 << 20;

/// Most bytes that all bodies of an isolate may have together while they are read. Above that, the
/// oldest ends. The runtime keeps them, in the memory that our WebAssembly leaves.
pub const UPLOADS_BYTES_MAX: usize = 3 * BODY_BYTES_MAX;

/// Most bodies that an isolate reads at once. Above that, the oldest ends.
pub const UPLOADS_MAX: usize = 128;

/// How long a body may take, in seconds. In that time 4 MiB come at 0.6 Mbit/s, and the largest
/// photograph at 1.4 Mbit/s.
pub const UPLOAD_S_MAX: u32 = 60;

/// Largest width and height of a picture in pixels, checked before it is decoded.
pub const IMAGE_SIDE_MAX: u32 = 4096;

/// Largest area of a picture in pixels, checked before it is decoded: a small compressed file can
/// expand to very much. 6 megapixels are 18 MB of RGB.
pub const IMAGE_PIXELS_MAX: u64 = 6_000_000;

/// Most bytes that a decoder may hold at once for a picture, with the channels and the depth of its
/// file; checked before it is decoded. That is [`IMAGE_PIXELS_MAX`] in RGB with transparency and 8
/// bits a channel, half as many pixels with 16 bits, or 4 megapixels as progressive JPEG, whose
/// coefficients are kept until the last scan.
pub const IMAGE_DECODED_BYTES_MAX: u64 = 4 * IMAGE_PIXELS_MAX;

/// Most blocks of 8x8 samples that the scans of a JPEG may visit. [`IMAGE_PIXELS_MAX`] in full
/// colour have 280,000, and the progressive scripts of usual encoders visit each of them up to ten
/// times. More takes more than a second.
pub const IMAGE_BLOCKS_MAX: u64 = 4_000_000;

/// Memory that the sandbox begins with, in pages of 64 KiB: its own data, its stack of 1 MiB, and
/// room for a crop.
pub const SANDBOX_PAGES_MIN: u32 = 40;

/// Most memory that the sandbox may take, in pages of 64 KiB: the decoded picture
/// ([`IMAGE_DECODED_BYTES_MAX`]), the form that it came in, a copy of its file, and what the
/// decoder needs besides. Memory of WebAssembly never shrinks. With both shards loaded it is less
/// than 100 MB.
pub const SANDBOX_PAGES_MAX: u32 = 608;

/// Largest file of a photograph in bytes. Telephones write 24 megapixels into 5 to 10 MB. Besides
/// the file the sandbox holds a small copy of the photograph ([`SANDBOX_PAGES_MAX`]).
pub const PHOTOGRAPH_BODY_BYTES_MAX: usize = 10 << 20;

/// Largest area of a photograph in pixels, if its file is sequential JPEG, which is decoded without
/// ever holding all of it: the 6048x4032 pixels of usual cameras, and some more. Any other file may
/// have [`IMAGE_PIXELS_MAX`].
pub const PHOTOGRAPH_PIXELS_MAX: u64 = 25_000_000;

/// Largest width and height of such a photograph in pixels: panoramas are wide.
pub const PHOTOGRAPH_SIDE_MAX: u32 = 12_000;

/// Most faces of a photograph that are embedded or searched for, the largest first. Each counts as
/// an embedding in the caller's budget.
pub const PHOTOGRAPH_FACES_MAX: usize = 8;

/// Smallest width and height of a picture in pixels that can hold a usable face.
pub const IMAGE_SIDE_MIN: u32 = 32;

/// Most fields of a form, known or not, counted before their contents are read: an enrolment has
/// four texts and up to [`PERSON_PICTURES_MAX`] pictures.
pub const FORM_FIELDS_MAX: usize = 4 + PERSON_PICTURES_MAX;

/// Largest text field of a form in bytes: enough for a name of [`NAME_CHARS_MAX`] characters and
/// for spaces around it.
pub const FORM_TEXT_BYTES_MAX: usize = 1024;

/// Largest JSON body in bytes. 512 numbers with all their digits take 12 kB, and twice that if each
/// is on an indented line.
pub const JSON_BYTES_MAX: usize = 64 << 10;

/// Deepest nesting of a JSON body. The one that is taken is an array in an object.
pub const JSON_DEPTH_MAX: usize = 4;

/// Longest query string of a URL in bytes.
pub const QUERY_BYTES_MAX: usize = 1024;

/// Period of every rate limit in seconds, and so the longest time until a caller may send again.
/// The tests of `facenet-worker` compare it with the root's wrangler.toml.
pub const RATE_LIMIT_PERIOD_S: u32 = 60;

/// Most requests of one caller that are computed, or wait for it, at the same time: enough to keep
/// both shards busy, and few enough that others hardly wait for them.
pub const REQUESTS_AT_ONCE_MAX: usize = 4;

/// Longest name of a person in characters.
pub const NAME_CHARS_MAX: usize = 80;

/// Most pictures of one person. A search gets at most 100 candidates from Vectorize, so it finds
/// [`TOP_K_DEFAULT`] people even if each has this many pictures.
pub const PERSON_PICTURES_MAX: usize = 8;

/// Most faces on a page of the operator's list. Each twenty cost a call of the index.
pub const LISTED_FACES_MAX: usize = 100;

/// Most people who are enrolled with the same picture. It does not bound the pictures of one
/// person. Copies of a face fill the result of a search, which then hardly sees whoever is behind
/// them.
pub const COPIES_MAX: u32 = 8;

/// Most people that a search can ask for. The page shows fewer.
pub const TOP_K_MAX: u32 = 20;

/// Most people that a search returns if it does not say how many.
pub const TOP_K_DEFAULT: u32 = 5;

/// How many ordinary requests of a route have a line of the log each, in an hour and an isolate.
/// After that, one of [`LOG_ONE_OF`] has a line. A request that fails, is refused, is slow, or that
/// only an operator may make, always has one.
pub const LOG_WHOLE_LINES_MAX: u32 = 60;

/// How many ordinary requests a line stands for, where there are many.
pub const LOG_ONE_OF: u32 = 10;

/// From how many milliseconds on the log calls a request slow. A warm one takes a third of that.
pub const LOG_SLOW_MS: u64 = 1_000;

// The limits must fit each other.
const _: () = assert!(IMAGE_PIXELS_MAX <= IMAGE_SIDE_MAX as u64 * IMAGE_SIDE_MAX as u64);
const _: () = assert!(IMAGE_PIXELS_MAX <= PHOTOGRAPH_PIXELS_MAX);
const _: () = assert!(IMAGE_SIDE_MAX <= PHOTOGRAPH_SIDE_MAX);
const _: () = assert!(PHOTOGRAPH_BODY_BYTES_MAX as u64 * 3 < SANDBOX_PAGES_MAX as u64 * (64 << 10));
const _: () = assert!(JSON_BYTES_MAX <= BODY_BYTES_MAX);
const _: () = assert!(SANDBOX_PAGES_MIN <= SANDBOX_PAGES_MAX);
const _: () = assert!(FORM_TEXT_BYTES_MAX >= 4 * NAME_CHARS_MAX);
const _: () = assert!(TOP_K_DEFAULT <= TOP_K_MAX);
const _: () = assert!(PERSON_PICTURES_MAX < LISTED_FACES_MAX);
const _: () = assert!(COPIES_MAX <= TOP_K_MAX);
