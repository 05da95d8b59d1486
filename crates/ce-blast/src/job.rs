//! What travels from the schedule to a sender and on to the records.

use std::io;

use ce_record::Outcome;
use tokio::sync::oneshot;

use crate::event::Event;
use crate::own_limit::OwnLimit;

/// An event that is due.
#[derive(Debug)]
pub(crate) struct Job {
    /// Which scenario of the plan it belongs to.
    pub(crate) scenario: u16,
    /// Position in the schedule, from zero.
    pub(crate) seq: u64,
    /// When it is due on the run's clock.
    pub(crate) due_ns: u64,
    pub(crate) event: Event,
    /// Told when the last attempt has ended; a closed loop waits for it.
    pub(crate) done: Option<oneshot::Sender<()>>,
}

/// How an attempt ended.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) outcome: Outcome,
    /// HTTP status or AMQP reply code.
    pub(crate) code: Option<u16>,
    /// In words, where the code does not say it.
    pub(crate) error: Option<Box<str>>,
    /// What this machine had no more of, where that is why there was no connection.
    pub(crate) own_limit: Option<OwnLimit>,
    /// The connection that was opened for it; rare, so it takes no room elsewhere.
    pub(crate) opened: Option<Box<Opened>>,
}

/// How long it took to open a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Opened {
    pub(crate) connect_ns: u64,
    pub(crate) tls_ns: Option<u64>,
}

/// A finished attempt, on its way to the writer.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) job: Job,
    /// Counts the attempts for one event, from one.
    pub(crate) attempt: u32,
    /// Another attempt for the same event follows.
    pub(crate) superseded: bool,
    pub(crate) lag_ns: u64,
    pub(crate) service_ns: u64,
    pub(crate) answer: Answer,
}

impl Answer {
    pub(crate) fn new(outcome: Outcome) -> Self {
        Self { outcome, code: None, error: None, own_limit: None, opened: None }
    }

    pub(crate) fn code(outcome: Outcome, code: u16) -> Self {
        Self { code: Some(code), ..Self::new(outcome) }
    }

    /// An error in words of our own.
    pub(crate) fn text(outcome: Outcome, error: &str) -> Self {
        Self { error: Some(error.into()), ..Self::new(outcome) }
    }

    /// With what may help, unless the error says that itself.
    pub(crate) fn hinted(self, hint: &str) -> Self {
        if self.says_what_helps() {
            return self;
        }
        let error = format!("{}; {hint}", self.error.unwrap_or_default());
        Self { error: Some(error.into()), ..self }
    }

    /// Whether the error says what to do about it. To try again is then not it.
    pub(crate) fn says_what_helps(&self) -> bool {
        self.error.as_ref().is_some_and(|error| error.contains("; "))
    }

    /// An error in one line, for people to read and for `errors.csv` to group by.
    pub(crate) fn error(outcome: Outcome, error: &(dyn std::error::Error + 'static)) -> Self {
        Self::text(outcome, &ce_tls::explain(error))
    }

    /// No connection, for a reason that the operating system gives.
    pub(crate) fn refused(err: &io::Error) -> Self {
        let answer = Self::error(Outcome::ConnectError, err);
        let Some(limit) = OwnLimit::of(err) else { return answer };
        let error = answer.error.unwrap_or_default();
        let error = format!("this machine is the limit: {error}; {}", limit.remedy());
        Self { own_limit: Some(limit), ..Self::text(answer.outcome, &error) }
    }
}
