//! Whether a command runs as continuous integration. Then nobody reads what it skips, so it fails
//! instead; and the machine is a throw-away one, so it may install what it lacks.

/// Whether the variable `CI` is set, as CI services do.
pub(crate) fn is_set() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false")
}
