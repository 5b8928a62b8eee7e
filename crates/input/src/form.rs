//! The fields of a `multipart/form-data` body.

use std::convert::Infallible;

use futures_util::stream;
use wire::limits::{FORM_FIELDS_MAX, FORM_TEXT_BYTES_MAX};
use wire::{Kind, Problem};

/// The fields that our routes know.
#[derive(Debug, Default)]
pub struct Fields {
    /// The person's name.
    pub name: Option<String>,
    /// `true` where the person has consented.
    pub consent: Option<String>,
    /// The picture.
    pub image: Option<Vec<u8>>,
    /// The picture to compare with.
    pub other: Option<Vec<u8>>,
}

impl Fields {
    fn has(&self, name: &str) -> bool {
        match name {
            "name" => self.name.is_some(),
            "consent" => self.consent.is_some(),
            "image" => self.image.is_some(),
            "other" => self.other.is_some(),
            _ => false,
        }
    }
}

/// Parses a body, whose size was bounded when it was read. `known` are the fields that the route
/// takes.
///
/// # Errors
/// 400 when the body is not a form, has too many fields, one twice, or one that is not known;
/// 413 when a text is too long.
pub async fn parse(
    body: Vec<u8>,
    content_type: &str,
    known: &[&'static str],
) -> Result<Fields, Problem> {
    let boundary = multer::parse_boundary(content_type).map_err(|_| {
        malformed("The header `Content-Type` of the form has no usable `boundary`.")
    })?;
    let body = stream::once(async move { Ok::<_, Infallible>(body) });
    let mut parts = multer::Multipart::new(body, boundary);
    let mut fields = Fields::default();
    for _ in 0..=FORM_FIELDS_MAX {
        let broken = |_| malformed("The form breaks off or is not multipart/form-data.");
        let Some(part) = parts.next_field().await.map_err(broken)? else { return Ok(fields) };
        // From here on the name is one of ours, so that a problem may quote it.
        let name = known.iter().find(|name| part.name() == Some(**name)).ok_or_else(|| {
            malformed(format!("The form has a field besides those known: {}.", known.join(", ")))
        })?;
        if fields.has(name) {
            return Err(malformed(format!("The form has the field `{name}` twice.")));
        }
        let bytes = part.bytes().await.map_err(broken)?;
        match *name {
            "name" => fields.name = Some(text(&bytes, name)?),
            "consent" => fields.consent = Some(text(&bytes, name)?),
            "image" => fields.image = Some(bytes.to_vec()),
            "other" => fields.other = Some(bytes.to_vec()),
            _ => {}
        }
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

/// The value of a field that the route needs.
///
/// # Errors
/// 422 when the form does not have it.
pub fn required<T>(field: Option<T>, name: &str) -> Result<T, Problem> {
    field.ok_or_else(|| {
        Problem::new(Kind::Unusable, format!("The form has no field `{name}`. Add it."))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 3] = ["name", "consent", "image"];

    fn check(body: &str, content_type: &str) -> Result<Fields, Problem> {
        let body = body.replace('\n', "\r\n").into_bytes();
        futures_util::FutureExt::now_or_never(parse(body, content_type, &KNOWN)).unwrap()
    }

    fn form(body: &str) -> Result<Fields, Problem> {
        check(body, "multipart/form-data; boundary=x")
    }

    fn field(name: &str, text: &str) -> String {
        format!("--x\nContent-Disposition: form-data; name=\"{name}\"\n\n{text}\n")
    }

    #[test]
    fn fields_are_found_by_name() {
        let fields = form(&format!(
            "{}--x\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\n\
             Content-Type: image/png\n\nPNG\n--x--\n",
            field("name", "Žofie")
        ))
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
    fn texts_are_bounded() {
        let form = |text: &str| form(&format!("{}--x--\n", field("name", text)));
        assert!(form(&"ö".repeat(FORM_TEXT_BYTES_MAX / 2)).is_ok());
        let error = form(&"ö".repeat(FORM_TEXT_BYTES_MAX / 2 + 1)).unwrap_err();
        assert_eq!(error.kind, Kind::TooLarge);
    }
}
