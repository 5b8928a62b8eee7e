//! When a call of a Durable Object is repeated, and after how long. Embeddings change nothing,
//! so any call may be repeated; the question is whether that helps.

use worker::wasm_bindgen::JsValue;
use worker::{Error, js_sys};

/// Calls of an object for one request, the first one included.
pub(crate) const ATTEMPTS_MAX: u32 = 3;

/// The longest wait before the second call; doubles with each.
const BACKOFF_MS: f64 = 100.0;

/// What the platform says about an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags {
    /// Set for lost connections.
    pub(crate) retryable: bool,
    /// Set when the object has too much to do: more calls make that worse.
    pub(crate) overloaded: bool,
    /// Set when the object was reset while it worked, as by every deployment.
    pub(crate) reset: bool,
}

impl Flags {
    /// The flags of an error, none for one that is not the platform's.
    pub(crate) fn of(error: &Error) -> Self {
        let Error::UnknownJsError { original, .. } = error else { return Self::default() };
        let flag = |name: &str| {
            js_sys::Reflect::get(original, &JsValue::from_str(name))
                .is_ok_and(|value| value.is_truthy())
        };
        Self {
            retryable: flag("retryable"),
            overloaded: flag("overloaded"),
            reset: flag("durableObjectReset"),
        }
    }

    /// Whether another call may succeed.
    pub(crate) const fn again(self) -> bool {
        (self.retryable || self.reset) && !self.overloaded
    }
}

/// How long to wait after `attempt` calls have failed, in milliseconds. `random` is from 0 to 1:
/// requests that failed together should not return together.
pub(crate) fn backoff_ms(attempt: u32, random: f64) -> u64 {
    let longest = BACKOFF_MS * f64::from(1u32 << attempt.saturating_sub(1).min(8));
    (longest * (0.5 + random.clamp(0.0, 1.0) / 2.0)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overload_is_never_answered_by_another_call() {
        let none = Flags::default();
        assert!(!none.again());
        assert!(Flags { retryable: true, ..none }.again());
        assert!(Flags { reset: true, ..none }.again());
        assert!(!Flags { retryable: true, overloaded: true, reset: true }.again());
        assert!(!Flags { overloaded: true, ..none }.again());
    }

    #[test]
    fn waits_grow_and_differ() {
        assert_eq!((backoff_ms(1, 0.0), backoff_ms(1, 1.0)), (50, 100));
        assert_eq!((backoff_ms(2, 0.0), backoff_ms(2, 1.0)), (100, 200));
        assert_eq!(backoff_ms(3, 0.5), 300);
        assert!(backoff_ms(u32::MAX, f64::NAN) <= 25_600);
    }
}
