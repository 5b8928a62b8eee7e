//! Ports for servers that have to be told theirs before they start.
//!
//! The usual way is to bind port 0, to read which port that is, and to close it again. That is not
//! safe: until the server binds the port, seconds later, the system may give it to a connection. So
//! these ports are from a range that systems do not give to connections.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::sync::atomic::{AtomicU16, Ordering};

/// Above what users usually name, below what systems give to connections: Linux from 32768
/// (`net.ipv4.ip_local_port_range`), others from 49152 (RFC 6335, section 6).
const RANGE: Range<u16> = 10_000..32_768;

/// How far apart processes with neighbouring numbers begin. A prime, so all of the range is used.
const STRIDE: u32 = 211;

/// A port of 127.0.0.1 on which nobody listens. A process never gets the same port twice. Two
/// processes begin at different ports, so they rarely get the same one.
///
/// # Errors
/// When no port can be bound.
pub fn find() -> io::Result<u16> {
    /// How many ports were tried so far. None is tried twice.
    static TRIED: AtomicU16 = AtomicU16::new(0);
    let length = RANGE.end - RANGE.start;
    let first = std::process::id().wrapping_mul(STRIDE);
    let mut outcome = Err(io::ErrorKind::AddrInUse.into());
    for _ in RANGE {
        let step = u32::from(TRIED.fetch_add(1, Ordering::Relaxed));
        let offset = first.wrapping_add(step) % u32::from(length);
        let port = RANGE.start + u16::try_from(offset).unwrap_or_default();
        outcome = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map(|_| port);
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ports_are_free_and_each_is_given_once() {
        let ports: HashSet<u16> = (0..1_000).map(|_| find().unwrap()).collect();
        assert_eq!(ports.len(), 1_000);
        assert!(ports.iter().all(|port| RANGE.contains(port)));
        assert!(ports.iter().all(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok()));
    }
}
