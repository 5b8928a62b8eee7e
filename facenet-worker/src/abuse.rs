//! Rate limits: a budget for each expensive route and each caller, kept by Cloudflare's binding.
//!
//! It counts per location and forgives some, so it is a brake on abuse and no exact quota. Where
//! the binding is missing or fails, requests pass: an outage of the brake is no outage of ours.

use std::net::{IpAddr, Ipv6Addr};

use wire::{Kind, Problem};
use worker::wasm_bindgen::{JsCast as _, JsValue};
use worker::{Env, RateLimiter, Request, console_error, js_sys};

use crate::bindings;
use crate::route::Route;

/// Spends one request of the caller's budget for a route.
///
/// # Errors
/// 429 when the budget is spent.
pub(crate) async fn spend(env: &Env, route: &Route, request: &Request) -> Result<(), Problem> {
    let Some(limiter) = binding(route).and_then(|name| find(env, name)) else { return Ok(()) };
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

/// The budget that a route has.
const fn binding(route: &Route) -> Option<&'static str> {
    match route {
        Route::Embed => Some(bindings::EMBED_LIMIT),
        Route::Add => Some(bindings::ADD_LIMIT),
        Route::Match => Some(bindings::MATCH_LIMIT),
        Route::Verify => Some(bindings::VERIFY_LIMIT),
        _ => None,
    }
}

/// The binding, whatever the class is called that it is an instance of.
fn find(env: &Env, name: &str) -> Option<RateLimiter> {
    let binding = js_sys::Reflect::get(env, &JsValue::from_str(name)).ok()?;
    binding.is_object().then(|| RateLimiter::unchecked_from_js(binding))
}

/// Who the caller is for the budget. Whoever has one IPv6 address usually has all that share its
/// first half.
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
    use wire::limits::RATE_LIMIT_PERIOD_S;

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

    #[test]
    fn every_budget_has_the_period_that_callers_are_told() {
        let config = include_str!("../../wrangler.toml");
        assert_eq!(config.matches("[[ratelimits]]").count(), 4);
        assert_eq!(config.matches(&format!("period = {RATE_LIMIT_PERIOD_S} }}")).count(), 4);
    }
}
