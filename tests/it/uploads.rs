//! Bodies that come slowly, and bodies that take more memory than there is.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use reqwest::multipart::{Form, Part};
use reqwest::{Method, StatusCode};
use tests::api::{Api, json};
use tests::golden;
use tests::hostile::largest;
use tests::server::Server;
use wire::limits::{BODY_BYTES_MAX, UPLOADS_BYTES_MAX};

use crate::lent::Lent;

/// Uploads that never end.
const SLOW: usize = 30;

/// Starts an upload of the largest size and keeps back its last bytes.
fn slow_upload(port: u16, address: usize) -> anyhow::Result<TcpStream> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(90)))?;
    write!(
        stream,
        "POST /embed HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: image/png\r\n\
         CF-Connecting-IP: 192.0.2.{address}\r\nContent-Length: {BODY_BYTES_MAX}\r\n\
         Connection: close\r\n\r\n"
    )?;
    stream.write_all(&vec![7; BODY_BYTES_MAX - 1024])?;
    Ok(stream)
}

#[tokio::test]
async fn slow_uploads_make_room_for_others() -> anyhow::Result<()> {
    ensure!(SLOW * BODY_BYTES_MAX > 2 * UPLOADS_BYTES_MAX, "too few to be in the way");
    let server = Lent::take().await?;
    let good = golden("obama-1.png");
    let expected = Api::of(&server).embed(&good).await?;
    let slow = (0..SLOW).map(|address| slow_upload(server.port(), address));
    let mut slow: Vec<_> = slow.collect::<anyhow::Result<_>>()?;
    // Each with a connection of its own: the server closes those that have been idle.
    for _ in 0..10 {
        let embedding = Api::of(&server).embed(&good).await?;
        ensure!(embedding == expected, "another embedding beside slow uploads");
    }
    // Those that had to make room get to know it once they have sent all.
    let first = slow.first_mut().context("no upload")?;
    first.write_all(&[7; 1024])?;
    let mut answer = String::new();
    first.read_to_string(&mut answer)?;
    ensure!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    drop(slow);
    let embedding = Api::of(&server).embed(&good).await?;
    ensure!(embedding == expected, "another embedding after slow uploads");
    server.give_back().await
}

/// The form is in memory besides the picture.
#[tokio::test]
async fn a_picture_that_takes_all_memory_costs_one_request() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let server = Server::start(state.path()).await?;
    let api = Api::of(&server);
    let good = golden("obama-1.png");
    let expected = api.embed(&good).await?;
    let part = || Part::bytes(largest()).file_name("a.png");
    let form = Form::new().part("image", part());
    let response = api.request(Method::POST, "/match").multipart(form).send().await?;
    // Not the problem of a picture that is refused before anything decodes it.
    let told = json(response, StatusCode::PAYLOAD_TOO_LARGE).await?;
    let detail = told["detail"].as_str().unwrap_or_default();
    ensure!(detail.contains("cannot be decoded here"), "{detail}");
    ensure!(api.embed(&good).await? == expected, "another embedding after it");
    server.stop()
}
