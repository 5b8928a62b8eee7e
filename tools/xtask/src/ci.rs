//! Whether a command runs in continuous integration. There nobody reads what it skips, so it fails
//! instead. And the machine is thrown away afterwards, so it may install what is missing.

/// Whether the variable `CI` is set, as CI services do.
pub(crate) fn is_set() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false")
}
