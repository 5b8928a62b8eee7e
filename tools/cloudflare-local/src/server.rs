//! The server: takes requests on a port of its own, counts them, and breaks connections as told.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::account::Account;
use crate::answer::Answer;
use crate::call::Call;
use crate::route;

/// The path of the API below the server's address.
const BASE: &str = "/client/v4";

/// When a connection is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Before the request is carried out.
    Before,
    /// After it: only the answer is lost.
    After,
}

/// Which connections are broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The number of the first request whose connection breaks. The first of all has the number 0.
    pub at: usize,
    /// When it breaks.
    pub cut: Cut,
    /// Whether all later ones break too, before anything is carried out.
    pub lasting: bool,
}

/// A request that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its method.
    pub method: String,
    /// Its path and query, without the base.
    pub path: String,
    /// The status of the answer; none when the connection was broken.
    pub status: Option<u16>,
}

struct Shared {
    account: Mutex<Account>,
    seen: Mutex<Vec<Seen>>,
    fault: Mutex<Option<Fault>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running stand-in. Ends when dropped.
pub struct Cloudflare {
    shared: Arc<Shared>,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Cloudflare {
    /// Starts one that holds an account.
    ///
    /// # Errors
    /// When the system gives no port or no thread.
    pub fn start(account: Account) -> anyhow::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
        let listener = listener.context("the stand-in gets no port")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("starting the stand-in")?;
        let shared = Arc::new(Shared {
            account: Mutex::new(account),
            seen: Mutex::default(),
            fault: Mutex::default(),
        });
        let (stop, stopped) = oneshot::channel();
        let serving = Arc::clone(&shared);
        let thread = std::thread::Builder::new().spawn(move || {
            runtime.block_on(async {
                // This fails when the system has no more file handles. Then nobody is answered.
                let Ok(listener) = TcpListener::from_std(listener) else { return };
                tokio::select! {
                    () = accept(&listener, &serving) => (),
                    _ = stopped => (),
                }
            });
        })?;
        Ok(Self { shared, address, stop: Some(stop), thread: Some(thread) })
    }

    /// What `CLOUDFLARE_API_BASE_URL` has to be.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}{BASE}", self.address)
    }

    /// The account, to look into and to change. Requests wait meanwhile.
    pub fn account(&self) -> MutexGuard<'_, Account> {
        lock(&self.shared.account)
    }

    /// The requests that came since this was last asked. Counting begins anew.
    #[must_use]
    pub fn take_seen(&self) -> Vec<Seen> {
        std::mem::take(&mut *lock(&self.shared.seen))
    }

    /// Breaks connections from now on, or none any more.
    pub fn set_fault(&self, fault: Option<Fault>) {
        *lock(&self.shared.fault) = fault;
    }
}

impl Drop for Cloudflare {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // It has ended by itself if this fails.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    // A client that goes away before it is accepted is no fault of this server.
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let shared = Arc::clone(shared);
        tokio::spawn(async move {
            let service = service_fn(|request| answer(request, &shared));
            // A broken connection is what the test has asked for.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

/// Ends a connection without an answer.
#[derive(Debug)]
struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection is broken")
    }
}

impl std::error::Error for Broken {}

async fn answer(
    request: Request<Incoming>,
    shared: &Shared,
) -> Result<Response<Full<Bytes>>, Broken> {
    let (parts, body) = request.into_parts();
    let number = note(shared, &parts);
    let cut = lock(&shared.fault).and_then(|fault| {
        let later = fault.lasting && number > fault.at;
        if number == fault.at { Some(fault.cut) } else { later.then_some(Cut::Before) }
    });
    if cut == Some(Cut::Before) {
        return Err(Broken);
    }
    let body = body.collect().await.map_err(|_| Broken)?.to_bytes();
    let answer = match Call::of(parts, body, BASE).await {
        Ok(call) => route::answer(&mut lock(&shared.account), &call).unwrap_or_else(Answer::from),
        Err(refusal) => refusal.into(),
    };
    if cut.is_some() {
        return Err(Broken);
    }
    if let Some(seen) = lock(&shared.seen).get_mut(number) {
        seen.status = Some(answer.status);
    }
    let response = Response::builder().status(answer.status);
    let response = response.header("content-type", answer.media_type);
    response.body(answer.body.into()).map_err(|_| Broken)
}

/// Writes down a request and gives its number.
fn note(shared: &Shared, parts: &hyper::http::request::Parts) -> usize {
    let path = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let path = path.strip_prefix(BASE).unwrap_or(&path).to_owned();
    let mut seen = lock(&shared.seen);
    seen.push(Seen { method: parts.method.to_string(), path, status: None });
    seen.len() - 1
}
