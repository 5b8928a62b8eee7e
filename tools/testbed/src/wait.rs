//! Asks again until something is ready, or the time is up.

use std::time::{Duration, Instant};

/// How long to wait between two attempts.
const PAUSE: Duration = Duration::from_millis(100);

/// Repeats an attempt until it succeeds. The inner error of an attempt means "not yet", the outer
/// one ends the waiting.
///
/// # Errors
/// The outer error of an attempt, and the last inner one when the time is up.
pub fn until<T, E: Into<anyhow::Error>>(
    max: Duration,
    mut attempt: impl FnMut() -> anyhow::Result<Result<T, E>>,
) -> anyhow::Result<T> {
    let started = Instant::now();
    loop {
        match attempt()? {
            Ok(ready) => return Ok(ready),
            Err(error) if started.elapsed() > max => return Err(too_late(error, max)),
            Err(_) => std::thread::sleep(PAUSE),
        }
    }
}

/// [`until`] for attempts that are asynchronous.
///
/// # Errors
/// As of [`until`].
#[cfg(feature = "browser")]
pub async fn until_async<T, E: Into<anyhow::Error>>(
    max: Duration,
    mut attempt: impl AsyncFnMut() -> anyhow::Result<Result<T, E>>,
) -> anyhow::Result<T> {
    let started = Instant::now();
    loop {
        match attempt().await? {
            Ok(ready) => return Ok(ready),
            Err(error) if started.elapsed() > max => return Err(too_late(error, max)),
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

fn too_late(error: impl Into<anyhow::Error>, max: Duration) -> anyhow::Error {
    error.into().context(format!("not ready after {} s", max.as_secs_f32()))
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn attempts_are_repeated_until_one_succeeds() {
        let mut attempts = 0;
        let third = until(Duration::from_mins(1), || {
            attempts += 1;
            Ok(if attempts < 3 { Err(anyhow!("attempt {attempts}")) } else { Ok(attempts) })
        });
        assert_eq!(third.unwrap(), 3);
    }

    #[test]
    fn the_last_reason_is_given_when_the_time_is_up() {
        let never = || Ok(Err::<(), _>(anyhow!("still busy")));
        let error = until(Duration::from_millis(150), never).unwrap_err();
        assert_eq!(format!("{error:#}"), "not ready after 0.15 s: still busy");
    }

    #[test]
    fn what_cannot_become_ready_is_not_asked_again() {
        let mut attempts = 0;
        let ended = || {
            attempts += 1;
            Err::<Result<(), anyhow::Error>, _>(anyhow!("it ended"))
        };
        let error = until(Duration::from_mins(1), ended).unwrap_err();
        assert_eq!((error.to_string().as_str(), attempts), ("it ended", 1));
    }
}
