//! Why the broker does not do what it is asked, and whether asking again can help.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use lapin::ErrorKind;
use tokio::time::timeout;

/// How long the broker may take for any one thing.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);

/// What went wrong, in one line.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The connection is gone, and another one may do.
    Lost(String),
    /// The broker has an objection, which another connection would meet again.
    Refused(String),
}

impl Failure {
    pub(crate) fn of(err: &lapin::Error) -> Self {
        match err.kind() {
            ErrorKind::ProtocolError(refusal) if err.is_amqp_soft_error() => {
                Self::Refused(refusal.get_message().to_string())
            }
            ErrorKind::ProtocolError(refusal) => Self::Lost(refusal.get_message().to_string()),
            _ => Self::Lost(ce_tls::explain(err)),
        }
    }

    /// Says in front what it happened to.
    pub(crate) fn at(self, what: &str) -> Self {
        match self {
            Self::Lost(why) => Self::Lost(format!("{what}: {why}")),
            Self::Refused(why) => Self::Refused(format!("{what}: {why}")),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Lost(why) | Self::Refused(why)) = self;
        f.write_str(why)
    }
}

impl std::error::Error for Failure {}

/// Waits for an answer of the broker, but not for ever.
pub(crate) async fn within<T>(
    what: &str,
    answer: impl Future<Output = lapin::Result<T>>,
) -> Result<T, Failure> {
    let failure = match timeout(TIMEOUT, answer).await {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(err)) => Failure::of(&err),
        Err(_) => Failure::Lost(format!("no answer within {TIMEOUT:?}")),
    };
    Err(failure.at(&format!("cannot {what}")))
}
