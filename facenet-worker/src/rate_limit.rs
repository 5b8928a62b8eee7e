//! Rate limits: how many requests each caller may send to an expensive route, counted by
//! Cloudflare's binding.
//!
//! The binding counts per location and forgives some, so this slows abuse down and is no exact
//! quota. Where the binding is missing or fails, requests pass: they are served all the same.

use std::net::{IpAddr, Ipv6Addr};

use wire::{Kind, Problem};
use worker::js_sys::Reflect;
use worker::wasm_bindgen::{JsCast as _, JsValue};
use worker::{Env, RateLimiter, Request, console_error};

/// Counts a request of a caller. `name` is the binding of the route's limit.
///
/// # Errors
/// 429 when the caller has sent too many.
pub(crate) async fn count(env: &Env, name: &str, request: &Request) -> Result<(), Problem> {
    let Some(limiter) = find(env, name) else { return Ok(()) };
    let address = request.headers().get("cf-connecting-ip").ok().flatten();
    match limiter.limit(key(address.as_deref())).await {
        Ok(outcome) if !outcome.success => {
            let detail = "You have sent too many requests. Wait as `Retry-After` says.";
            Err(Problem::new(Kind::RateLimited, detail))
        }
        Ok(_) => Ok(()),
        Err(error) => {
            console_error!("the rate limit does not answer: {error}");
            Ok(())
        }
    }
}

/// The binding, whatever the class of the object is called. `Env::rate_limiter` insists on one
/// name.
fn find(env: &Env, name: &str) -> Option<RateLimiter> {
    let binding = Reflect::get(env, &JsValue::from_str(name)).ok()?;
    binding.is_object().then(|| RateLimiter::unchecked_from_js(binding))
}

/// What tells callers apart. Whoever has one IPv6 address usually has all that share its first
/// half.
fn key(address: Option<&str>) -> String {
    match address.and_then(|address| address.trim().parse().ok()) {
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).to_string()
        }
        None => "unknown".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_are_told_apart_by_address_or_network() {
        assert_eq!(key(Some("192.0.2.1")), "192.0.2.1");
        assert_ne!(key(Some("192.0.2.1")), key(Some("192.0.2.2")));
        assert_eq!(key(Some("2001:db8:1:2:3::4")), key(Some("2001:db8:1:2:ffff::")));
        assert_ne!(key(Some("2001:db8:1:2::1")), key(Some("2001:db8:1:3::1")));
        assert_eq!(key(None), "unknown");
        assert_eq!(key(Some("not an address")), "unknown");
    }
}
