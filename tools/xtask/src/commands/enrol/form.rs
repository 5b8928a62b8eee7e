//! The body of `POST /add`: a form with a picture, as `multipart/form-data` (RFC 7578). It goes by
//! a file that only the user can read, because everybody on the machine can read arguments.

use std::io::Write as _;

use anyhow::{Context as _, anyhow};
use tempfile::NamedTempFile;
use wire::secret;

/// A form, and the header that says what separates its fields.
pub(super) struct Form {
    pub(super) file: NamedTempFile,
    pub(super) content_type: String,
}

impl Form {
    /// Fields by their names, and the picture after them.
    pub(super) fn new(fields: &[(&str, &str)], picture: &[u8]) -> anyhow::Result<Self> {
        // Nothing that is sent holds 256 random bits.
        let boundary = secret::new().map_err(|error| anyhow!("no random numbers: {error}"))?;
        let mut body = Vec::with_capacity(picture.len() + 1024);
        for (name, text) in fields {
            head(&mut body, &boundary, name);
            body.extend_from_slice(text.as_bytes());
        }
        head(&mut body, &boundary, "image");
        body.extend_from_slice(picture);
        body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        let mut file = NamedTempFile::new().context("making a temporary file")?;
        file.write_all(&body).context("writing a temporary file")?;
        let content_type = format!("content-type: multipart/form-data; boundary={boundary}");
        Ok(Self { file, content_type })
    }
}

/// Ends the field before, if there is one, and begins another.
fn head(body: &mut Vec<u8>, boundary: &str, name: &str) {
    let end = if body.is_empty() { "" } else { "\r\n" };
    let head =
        format!("{end}--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
    body.extend_from_slice(head.as_bytes());
}
