//! Serves the site, the harness and the photographs to the browser, on the loopback interface and
//! on a port of its own.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use anyhow::{Context as _, anyhow};
use tiny_http::{Header, Request, Response};

/// Paths of the harness and what is there.
const HARNESS: [(&str, &str); 2] = [
    ("/", include_str!("../../harness/index.html")),
    ("/harness/harness.js", include_str!("../../harness/harness.js")),
];

/// A running server. Ends when dropped.
pub(super) struct Server {
    listener: Arc<tiny_http::Server>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(super) fn start(site: PathBuf, photos: Vec<PathBuf>) -> anyhow::Result<Self> {
        let listener = tiny_http::Server::http("127.0.0.1:0")
            .map_err(|error| anyhow!("{error}"))
            .context("starting a server for the browser")?;
        let listener = Arc::new(listener);
        let requests = Arc::clone(&listener);
        let thread = std::thread::spawn(move || {
            for request in requests.incoming_requests() {
                answer(request, &site, &photos);
            }
        });
        Ok(Self { listener, thread: Some(thread) })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/", self.listener.server_addr())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.listener.unblock();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn answer(request: Request, site: &Path, photos: &[PathBuf]) {
    // This fails when the browser has gone away, which needs no report.
    let _ = match content(request.url(), site, photos) {
        Some((bytes, kind)) => {
            let mut response = Response::from_data(bytes);
            if let Ok(header) = Header::from_bytes("Content-Type", kind) {
                response.add_header(header);
            }
            request.respond(response)
        }
        None => request.respond(Response::empty(404)),
    };
}

/// What is at a path, and its media type. None outside of the site's folder.
fn content(path: &str, site: &Path, photos: &[PathBuf]) -> Option<(Vec<u8>, &'static str)> {
    if let Some((name, text)) = HARNESS.iter().find(|(name, _)| *name == path) {
        return Some(((*text).into(), media_type(Path::new(name))));
    }
    if let Some(number) = path.strip_prefix("/photo/") {
        let file = photos.get(number.parse::<usize>().ok()?)?;
        return Some((std::fs::read(file).ok()?, "application/octet-stream"));
    }
    let relative = Path::new(path.strip_prefix('/')?);
    let inside = relative.components().all(|part| matches!(part, Component::Normal(_)));
    let file = inside.then(|| site.join(relative))?;
    Some((std::fs::read(&file).ok()?, media_type(&file)))
}

fn media_type(file: &Path) -> &'static str {
    match file.extension().and_then(|ending| ending.to_str()) {
        Some("js") => "text/javascript",
        Some("json") => "application/json",
        Some("wasm") => "application/wasm",
        Some("bin") => "application/octet-stream",
        _ => "text/html",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_site_the_harness_and_the_photographs_are_served() {
        let dir = tempfile::tempdir().unwrap();
        let site = dir.path().join("site");
        std::fs::create_dir_all(site.join("js")).unwrap();
        std::fs::write(site.join("js/crop.js"), "crop").unwrap();
        std::fs::write(dir.path().join("secret"), "secret").unwrap();
        let photos = [dir.path().join("secret"), dir.path().join("gone")];
        let get = |path| content(path, &site, &photos);
        for (path, text) in HARNESS {
            assert_eq!(get(path).unwrap().0, text.as_bytes());
        }
        assert_eq!(get("/js/crop.js"), Some((b"crop".to_vec(), "text/javascript")));
        assert_eq!(get("/").unwrap().1, "text/html");
        assert_eq!(get("/photo/0").unwrap().0, b"secret");
        for path in
            ["/photo/1", "/photo/2", "/photo/x", "/../secret", "/js/../../secret", "//secret"]
        {
            assert_eq!(get(path), None, "{path}");
        }
        let absolute = format!("/{}", dir.path().join("secret").display());
        assert_eq!(get(&absolute), None);
    }
}
