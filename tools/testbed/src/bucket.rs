//! A bucket that answers workerd's requests to R2, over HTTP and for reading only: with objects of
//! our choice, as slowly as wanted.
//!
//! A request says what it wants in a header, as JSON. An answer begins with the object's metadata
//! as JSON, whose length is in another header, and goes on with the object.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::{Value, json};

/// The header of a request.
const REQUEST: &str = "cf-r2-request";

/// How many bytes are sent at once: at the speeds of R2, some milliseconds' worth.
const CHUNK_BYTES: usize = 64 << 10;

/// Objects by their keys.
pub type Objects = BTreeMap<String, Vec<u8>>;

/// How fast a bucket answers.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// From a request to the first byte of its answer.
    pub first_byte: Duration,
    /// Of each answer.
    pub bytes_per_second: f64,
    /// Whether an object is only read when the one before is sent.
    pub one_at_a_time: bool,
}

impl Pace {
    /// As fast as this machine can.
    pub const UNBOUNDED: Self =
        Self { first_byte: Duration::ZERO, bytes_per_second: f64::INFINITY, one_at_a_time: false };
}

/// A bucket that is served until this process ends.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    port: u16,
}

impl Bucket {
    /// Serves objects.
    ///
    /// # Errors
    /// When no port is free.
    pub fn serve(objects: Objects, pace: Pace) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("serving a bucket")?;
        let port = listener.local_addr()?.port();
        let state = Arc::new((objects, pace, Mutex::new(())));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&state);
                // A reader that breaks off does not need the rest.
                thread::spawn(move || answer(stream, &state.0, state.1, &state.2).ok());
            }
        });
        Ok(Self { port })
    }

    /// Where it listens, on 127.0.0.1.
    #[must_use]
    pub const fn port(self) -> u16 {
        self.port
    }
}

/// Reads one request and answers it.
fn answer(
    mut stream: TcpStream,
    objects: &Objects,
    pace: Pace,
    reading: &Mutex<()>,
) -> anyhow::Result<()> {
    let asked = read_request(&stream)?;
    let key = asked["object"].as_str().unwrap_or_default();
    let _one = pace.one_at_a_time.then(|| reading.lock().unwrap_or_else(PoisonError::into_inner));
    thread::sleep(pace.first_byte);
    let Some(object) = objects.get(key) else {
        let error = json!({ "version": 1, "v4code": 10007, "message": "no such key" });
        write!(
            stream,
            "HTTP/1.1 404 Not Found\r\ncf-r2-error: {error}\r\ncontent-length: 0\r\n\
             connection: close\r\n\r\n"
        )?;
        return Ok(());
    };
    let metadata = json!({
        "name": key, "version": "1", "size": object.len().to_string(), "etag": "1",
        "uploaded": "0", "storageClass": "Standard",
    });
    let metadata = metadata.to_string();
    let body: &[u8] = if asked["method"] == "get" { object } else { &[] };
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncf-r2-metadata-size: {}\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{metadata}",
        metadata.len(),
        metadata.len() + body.len(),
    )?;
    let began = Instant::now();
    let mut sent = 0;
    for chunk in body.chunks(CHUNK_BYTES) {
        sent += chunk.len();
        let due = Duration::from_secs_f64(sent as f64 / pace.bytes_per_second);
        thread::sleep(due.saturating_sub(began.elapsed()));
        stream.write_all(chunk)?;
    }
    Ok(())
}

/// What is asked.
fn read_request(stream: &TcpStream) -> anyhow::Result<Value> {
    let mut asked = None;
    for line in BufReader::new(stream).lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        let header = line.split_once(':');
        if let Some((name, value)) = header
            && name.eq_ignore_ascii_case(REQUEST)
        {
            asked = Some(serde_json::from_str(value)?);
        }
    }
    asked.context("a request that asks for nothing")
}
