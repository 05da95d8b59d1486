//! Tells of what was no CloudEvent while it goes on, in few lines however much there is.

use std::sync::{Mutex, PoisonError};

use ce_event::EventError;

/// Between two lines. The first one does not wait.
const EVERY_NS: u64 = 10_000_000_000;

/// Knows when to tell, and what. It has no clock and writes nothing.
#[derive(Debug, Default)]
pub(crate) struct Complaints(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    count: u64,
    /// When the next line may be written; zero before the first.
    due_ns: u64,
}

impl Complaints {
    /// Counts one; returns the line to write, if it is time for one.
    pub(crate) fn line(&self, error: &EventError, now_ns: u64) -> Option<String> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.count += 1;
        if now_ns < state.due_ns {
            return None;
        }
        state.due_ns = now_ns.saturating_add(EVERY_NS);
        Some(match state.count {
            1 => format!("not a CloudEvent: {error}"),
            count => format!("{count} not CloudEvents so far; the latest: {error}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_told_at_once_and_then_one_line_every_ten_seconds() {
        let complaints = Complaints::default();
        let line = |seconds: u64, name| {
            complaints.line(&EventError::Missing(name), seconds * 1_000_000_000)
        };
        let says = |line: Option<String>, text: &str| {
            let line = line.unwrap();
            assert!(line.starts_with(text), "{line}");
        };
        says(line(5, "id"), "not a CloudEvent: attribute `id` is missing");
        for _ in 0..1000 {
            assert_eq!(line(5, "id"), None);
        }
        assert_eq!(line(14, "id"), None);
        let second = "1003 not CloudEvents so far; the latest: attribute `type` is missing";
        says(line(15, "type"), second);
        assert_eq!(line(24, "id"), None);
        says(line(99, "id"), "1005 not CloudEvents so far; the latest: attribute `id`");
    }
}
