//! The keys among the Worker's bindings, and which of them a caller has sent. [`wire::access`] says
//! how the bindings are called.

use wire::access::Key;
use wire::log::Record;
use wire::secret;
use worker::Env;
use worker::js_sys::Object;
use worker::wasm_bindgen::JsCast as _;

/// The names of all keys, in order.
pub(crate) fn names(env: &Env) -> Vec<String> {
    let keys = bindings(env).filter_map(|binding| Key::of_binding(&binding));
    let mut names: Vec<_> = keys.map(|key| key.name().to_owned()).collect();
    names.sort_unstable();
    names
}

/// The names of the bindings that are meant to be keys.
fn bindings(env: &Env) -> impl Iterator<Item = String> {
    let names = Object::keys(env.unchecked_ref::<Object>()).to_vec();
    let names = names.into_iter().filter_map(|name| name.as_string());
    names.filter(|binding| Key::is_meant_by(binding))
}

/// The key with this secret. It is compared with every key, so that the time tells nothing.
pub(super) fn find(env: &Env, secret: &str, record: &Record) -> Option<Key> {
    if !secret::has_form(secret) {
        return None;
    }
    let hash = secret::hash(secret);
    let mut found = None;
    for binding in bindings(env) {
        let stored = env.secret(&binding).map(|value| value.to_string()).unwrap_or_default();
        match Key::of_binding(&binding) {
            Some(key) if secret::has_form(&stored) => {
                if secret::is_same_hash(&hash, &stored) {
                    found = Some(key);
                }
            }
            _ => record.fault(format_args!(
                "{binding} is not a key as `cargo xtask keys` makes them: delete it and add it anew"
            )),
        }
    }
    found
}
