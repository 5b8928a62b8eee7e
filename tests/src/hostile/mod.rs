//! Pictures that nobody takes with a camera: files whose parts lie, repeat themselves or expand to
//! far more than they are. They are made here, so that each says what is wrong with it.

mod bits;
mod jpeg;
mod png;
mod webp;

/// A file and what is wrong with it.
pub struct Hostile {
    /// For messages.
    pub name: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
}

/// All of them, at most 4 MiB each.
#[must_use]
pub fn all() -> Vec<Hostile> {
    let named = |(name, bytes)| Hostile { name, bytes };
    let formats = [png::all(), jpeg::all(), webp::all(), others()];
    formats.into_iter().flatten().map(named).collect()
}

/// The picture that takes the most memory of those that a decoder gets.
#[must_use]
pub fn largest() -> Vec<u8> {
    let pictures = png::all().into_iter();
    pictures.filter(|(name, _)| *name == png::LARGEST).flat_map(|(_, file)| file).collect()
}

/// Names and files.
type Files = Vec<(&'static str, Vec<u8>)>;

fn others() -> Files {
    vec![
        ("an SVG", b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec()),
        ("a GIF", b"GIF89a\x10\0\x10\0\x80\0\0\0\0\0\xff\xff\xff;".to_vec()),
        ("an AVIF", b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf".to_vec()),
        ("a BMP", b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x02\0\0\0\x02\0\0\0".to_vec()),
        ("four mebibytes of zeros", vec![0; 4 << 20]),
        ("a signature of PNG and no more", b"\x89PNG\r\n\x1a\n".to_vec()),
        ("a signature of JPEG and no more", vec![0xff, 0xd8, 0xff]),
        ("a signature of WebP and no more", b"RIFF\0\0\0\0WEBP".to_vec()),
    ]
}
