//! The fields of a `multipart/form-data` body.

use std::convert::Infallible;

use futures_util::{FutureExt as _, stream};
use multer::bytes::Bytes;
use wire::limits::{FORM_FIELDS_MAX, FORM_TEXT_BYTES_MAX, PERSON_PICTURES_MAX};
use wire::{Kind, Problem};

use crate::faces::Reader;
use crate::fields::Fields;
use crate::seen::{Purpose, Reading};

/// How much of a body the parser takes at once, in bytes: it keeps a copy of that.
const CHUNK_BYTES: usize = 1 << 16;

/// The parts of a form before its pictures are decoded.
struct Parts {
    fields: Fields,
    /// Of several pictures, the one that was asked for.
    image: Option<Vec<u8>>,
    /// Its number.
    number: usize,
    images_max: usize,
    other: Option<Vec<u8>>,
}

impl Parts {
    fn new(reading: Reading) -> Self {
        let images_max =
            if reading.purpose == Purpose::Enrolment { PERSON_PICTURES_MAX } else { 1 };
        let number = reading.image;
        Self { fields: Fields::default(), image: None, number, images_max, other: None }
    }

    fn has(&self, name: &str) -> bool {
        let Self { fields, other, .. } = self;
        match name {
            "name" => fields.name.is_some(),
            "consent" => fields.consent.is_some(),
            "delete_token" => fields.delete_token.is_some(),
            "detect" => fields.detect.is_some(),
            "image" => fields.images >= self.images_max,
            "other" => other.is_some(),
            _ => false,
        }
    }

    fn take(&mut self, name: &str, bytes: Vec<u8>) -> Result<(), Problem> {
        let Self { fields, image, other, .. } = self;
        match name {
            "name" => fields.name = Some(text(&bytes, name)?),
            "consent" => fields.consent = Some(text(&bytes, name)?),
            "delete_token" => fields.delete_token = Some(text(&bytes, name)?),
            "detect" => fields.detect = Some(text(&bytes, name)?),
            "image" => {
                if fields.images == self.number {
                    *image = Some(bytes);
                }
                fields.images += 1;
            }
            "other" => *other = Some(bytes),
            _ => {}
        }
        Ok(())
    }
}

/// Parses a body, whose size was bounded when it was read, and reads its pictures. `known` are the
/// fields that the route takes. The field `detect` can say that the pictures are photographs. For
/// an enrolment there may be several fields `image`; the one that [`Reading::image`] names is read.
///
/// # Errors
/// 400 when the body is not a form, has too many fields, one too often, or one that is not known;
/// 413 when a text is too long; and as of [`Reader::read`].
pub(crate) fn parse(
    body: Vec<u8>,
    content_type: &str,
    known: &[String],
    reader: &Reader<'_>,
) -> Result<Fields, Problem> {
    // All of the body is here, so nothing waits.
    let parts = parts(&body, content_type, known, reader.reading).now_or_never();
    let Parts { mut fields, image, number, other, .. } =
        parts.unwrap_or_else(|| Err(Problem::internal()))?;
    // The parts are copies of it.
    drop(body);
    let detect = match fields.detect.as_deref() {
        None | Some("false") => reader.reading.detect,
        Some("true") => true,
        Some(_) => return Err(malformed("The field `detect` is `true` or `false`.")),
    };
    let reader = Reader { reading: Reading { detect, ..reader.reading }, ..*reader };
    let of_several = |problem| of_several(problem, number, fields.images);
    fields.image = image.map(|file| reader.read(file)).transpose().map_err(of_several)?;
    fields.other = other.map(|file| reader.read(file)).transpose()?;
    Ok(fields)
}

/// Says which of several pictures cannot be used.
fn of_several(problem: Problem, number: usize, images: usize) -> Problem {
    if images < 2 {
        return problem;
    }
    let detail = format!("Picture {} of {images}: {}", number + 1, problem.detail);
    Problem { detail, ..problem }
}

async fn parts(
    body: &[u8],
    content_type: &str,
    known: &[String],
    reading: Reading,
) -> Result<Parts, Problem> {
    let boundary = multer::parse_boundary(content_type).map_err(|_| {
        malformed("The header `Content-Type` of the form has no usable `boundary`.")
    })?;
    let body_bytes = body.len();
    let chunks = body.chunks(CHUNK_BYTES);
    let body = stream::iter(chunks.map(|chunk| Ok::<_, Infallible>(Bytes::copy_from_slice(chunk))));
    let mut form = multer::Multipart::new(body, boundary);
    let mut parts = Parts::new(reading);
    for _ in 0..=FORM_FIELDS_MAX {
        let broken = |_| malformed("The form breaks off or is not multipart/form-data.");
        let Some(mut part) = form.next_field().await.map_err(broken)? else { return Ok(parts) };
        // From here on the name is one of ours, so a problem may quote it.
        let name = known.iter().find(|name| part.name() == Some(name)).ok_or_else(|| {
            malformed(format!("The form has a field besides those known: {}.", known.join(", ")))
        })?;
        if parts.has(name) {
            return Err(malformed(format!("The form has the field `{name}` too often.")));
        }
        // Reserved at once: a vector that grows by doubling holds three times as much for a moment.
        let mut bytes = Vec::with_capacity(body_bytes);
        while let Some(chunk) = part.chunk().await.map_err(broken)? {
            bytes.extend_from_slice(&chunk);
        }
        bytes.shrink_to_fit();
        parts.take(name, bytes)?;
    }
    Err(malformed("The form has too many fields."))
}

fn text(bytes: &[u8], name: &str) -> Result<String, Problem> {
    if bytes.len() > FORM_TEXT_BYTES_MAX {
        let detail = format!("The field `{name}` is longer than {FORM_TEXT_BYTES_MAX} bytes.");
        return Err(Problem::new(Kind::TooLarge, detail));
    }
    let text = std::str::from_utf8(bytes);
    Ok(text.map_err(|_| malformed(format!("The field `{name}` is not UTF-8.")))?.to_owned())
}

fn malformed(detail: impl Into<String>) -> Problem {
    Problem::new(Kind::Malformed, detail)
}

#[cfg(test)]
mod tests {
    use facenet::Face;
    use facenet::image::FACE_BYTES;

    use super::*;

    const KNOWN: [&str; 3] = ["name", "consent", "image"];

    fn check(body: &str, content_type: &str) -> Result<Fields, Problem> {
        let body = body.replace('\n', "\r\n");
        let reader = Reader { reading: Reading::CROP, finder: &[] };
        parse(body.into(), content_type, &KNOWN.map(str::to_owned), &reader)
    }

    fn form(body: &str) -> Result<Fields, Problem> {
        check(body, "multipart/form-data; boundary=x")
    }

    fn field(name: &str, text: &str) -> String {
        format!("--x\nContent-Disposition: form-data; name=\"{name}\"\n\n{text}\n")
    }

    #[test]
    fn fields_are_found_by_name() {
        let fields = form(&format!("{}--x--\n", field("name", "Žofie"))).unwrap();
        assert_eq!(fields.name.as_deref(), Some("Žofie"));
        assert_eq!((fields.consent, fields.image, fields.other), (None, None, None));
        let picture = form(
            "--x\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\n\
             Content-Type: image/png\n\nPNG\n--x--\n",
        );
        assert_eq!(picture.unwrap_err().kind, Kind::UnsupportedType);
    }

    #[test]
    fn rubbish_is_malformed() {
        let malformed = |result: Result<Fields, Problem>| {
            assert_eq!(result.unwrap_err().kind, Kind::Malformed);
        };
        malformed(form(""));
        malformed(form("no form at all"));
        malformed(form("--x\nContent-Disposition: form-data; name=\"name\"\n\nbreaks off"));
        for content_type in ["multipart/form-data", "multipart/form-data; boundary=", "text/plain"]
        {
            malformed(check("--x--\n", content_type));
        }
        let name = field("name", "a");
        malformed(form(&format!("{name}{name}--x--\n")));
        malformed(form(&format!("{}--x--\n", field("<b>", "a"))));
        // Known to another route.
        malformed(form(&format!("{}--x--\n", field("other", "a"))));
        malformed(form("--x\nContent-Disposition: form-data\n\na\n--x--\n"));
        malformed(form(&format!("{}--x--\n", "--x\n\n\n".repeat(40))));
    }

    #[test]
    fn an_enrolment_may_have_several_pictures() {
        let picture = Face::from_rgb((0..FACE_BYTES).map(|i| (i / 400) as u8).collect()).unwrap();
        let picture = picture.to_jpeg().unwrap();
        let read = |count: usize, image: usize, purpose| {
            let mut body = Vec::new();
            for number in 0..count {
                let head = "--x\r\nContent-Disposition: form-data; name=\"image\"\r\n\r\n";
                body.extend(head.as_bytes());
                // All but the second are no pictures.
                body.extend(if number == 1 { &picture[..] } else { b"text" });
                body.extend(b"\r\n");
            }
            body.extend(b"--x--\r\n");
            let reading = Reading { purpose, image, ..Reading::CROP };
            let reader = Reader { reading, finder: &[] };
            let content_type = "multipart/form-data; boundary=x";
            parse(body, content_type, &KNOWN.map(str::to_owned), &reader)
        };
        let kind = |read: Result<Fields, Problem>| read.map(|it| it.images).map_err(|it| it.kind);
        // The second is a picture, in which a face is looked for; but there is no finder here.
        assert_eq!(kind(read(8, 1, Purpose::Enrolment)), Err(Kind::Internal));
        for other in [0, 2, 7] {
            let problem = read(8, other, Purpose::Enrolment).unwrap_err();
            assert_eq!(problem.kind, Kind::UnsupportedType);
            let which = format!("Picture {} of 8: ", other + 1);
            assert!(problem.detail.starts_with(&which), "{}", problem.detail);
        }
        assert_eq!(kind(read(8, 8, Purpose::Enrolment)), Ok(8));
        assert_eq!(kind(read(9, 0, Purpose::Enrolment)), Err(Kind::Malformed));
        assert_eq!(kind(read(2, 1, Purpose::Main)), Err(Kind::Malformed));
        let alone = read(1, 0, Purpose::Enrolment).unwrap_err();
        assert!(!alone.detail.contains("Picture 1"), "{}", alone.detail);
    }

    #[test]
    fn texts_are_bounded() {
        let form = |text: &str| form(&format!("{}--x--\n", field("name", text)));
        assert!(form(&"ö".repeat(FORM_TEXT_BYTES_MAX / 2)).is_ok());
        let error = form(&"ö".repeat(FORM_TEXT_BYTES_MAX / 2 + 1)).unwrap_err();
        assert_eq!(error.kind, Kind::TooLarge);
    }
}
