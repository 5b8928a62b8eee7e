//! The fields of a `multipart/form-data` body.

use futures_util::stream;
use wire::{Kind, Problem};

/// The fields that our routes know. Others are skipped.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    /// The person's name.
    pub(crate) name: Option<String>,
    /// `true` where the person has consented.
    pub(crate) consent: Option<String>,
    /// The picture.
    pub(crate) image: Option<Vec<u8>>,
    /// The picture to compare with.
    pub(crate) other: Option<Vec<u8>>,
}

/// More fields than any form of ours has.
const FIELDS_MAX: usize = 16;

/// Parses a body that has been read already, so its size is bounded.
///
/// # Errors
/// When the body is not a form, or a field comes twice.
pub(crate) async fn parse(body: Vec<u8>, content_type: &str) -> Result<Fields, Problem> {
    let boundary = multer::parse_boundary(content_type).map_err(|_| {
        malformed("The header `Content-Type` of the form has no usable `boundary`.")
    })?;
    let body = stream::once(async move { Ok::<_, std::convert::Infallible>(body) });
    let mut parts = multer::Multipart::new(body, boundary);
    let mut fields = Fields::default();
    for _ in 0..=FIELDS_MAX {
        let broken = |_| malformed("The form breaks off or is not multipart/form-data.");
        let Some(part) = parts.next_field().await.map_err(broken)? else { return Ok(fields) };
        let name = part.name().unwrap_or_default().to_owned();
        let bytes = part.bytes().await.map_err(broken)?.to_vec();
        let repeated = match &*name {
            "name" => fields.name.replace(text(bytes, &name)?).is_some(),
            "consent" => fields.consent.replace(text(bytes, &name)?).is_some(),
            "image" => fields.image.replace(bytes).is_some(),
            "other" => fields.other.replace(bytes).is_some(),
            _ => false,
        };
        if repeated {
            return Err(malformed(format!("The form has the field `{name}` twice.")));
        }
    }
    Err(malformed("The form has too many fields."))
}

fn text(bytes: Vec<u8>, name: &str) -> Result<String, Problem> {
    String::from_utf8(bytes).map_err(|_| malformed(format!("The field `{name}` is not UTF-8.")))
}

fn malformed(detail: impl Into<String>) -> Problem {
    Problem::new(Kind::Malformed, detail)
}

/// A field that the route needs.
///
/// # Errors
/// When it is missing.
pub(crate) fn required<T>(field: Option<T>, name: &str) -> Result<T, Problem> {
    field.ok_or_else(|| {
        Problem::new(Kind::Unusable, format!("The form has no field `{name}`. Add it."))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, content_type: &str) -> Result<Fields, Problem> {
        let body = body.replace('\n', "\r\n").into_bytes();
        futures_util::FutureExt::now_or_never(parse(body, content_type)).unwrap()
    }

    fn form(body: &str) -> Result<Fields, Problem> {
        check(body, "multipart/form-data; boundary=x")
    }

    #[test]
    fn fields_are_found_by_name() {
        let fields = form(
            "--x\nContent-Disposition: form-data; name=\"name\"\n\nŽofie\n\
             --x\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\n\
             Content-Type: image/png\n\nPNG\n\
             --x\nContent-Disposition: form-data; name=\"colour\"\n\nred\n--x--\n",
        )
        .unwrap();
        assert_eq!(fields.name.as_deref(), Some("Žofie"));
        assert_eq!(fields.image.as_deref(), Some(&b"PNG"[..]));
        assert_eq!((fields.consent, fields.other), (None, None));
    }

    #[test]
    fn rubbish_is_malformed() {
        let malformed = |result: Result<Fields, Problem>| {
            assert_eq!(result.unwrap_err().kind, Kind::Malformed);
        };
        malformed(form("no form at all"));
        malformed(form("--x\nContent-Disposition: form-data; name=\"name\"\n\nbreaks off"));
        malformed(check("--x--\n", "multipart/form-data"));
        malformed(check("--x--\n", "text/plain"));
        let field = "--x\nContent-Disposition: form-data; name=\"name\"\n\na\n";
        malformed(form(&format!("{field}{field}--x--\n")));
        let other = field.replace("\"name\"", "\"colour\"");
        malformed(form(&format!("{}--x--\n", other.repeat(40))));
    }
}
