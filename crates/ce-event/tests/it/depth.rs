//! A guard: nothing recurses on the depth of the input. A stack is the one limit that cannot be
//! reported when it is exceeded: the process dies.

use std::thread;

use ce_event::{Event, EventError, Identity};

use crate::{REQUIRED, with};

/// Recursion of this depth would need many times the stack below.
const DEPTH: usize = 200_000;
/// Enough for calls of a constant depth in an unoptimised build.
const STACK_BYTES: usize = 128 * 1024;

fn on_a_small_stack(body: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().stack_size(STACK_BYTES).spawn(body);
    thread.expect("a small stack").join().expect("the stack sufficed");
}

fn nested(open: &str, close: &str) -> String {
    open.repeat(DEPTH) + "1" + &close.repeat(DEPTH)
}

#[test]
fn data_may_nest_as_deep_as_it_likes() {
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}"), (r#"[{"b":["#, "]}]")] {
        let event = with(&format!(r#""data":{}"#, nested(open, close)));
        on_a_small_stack(move || {
            assert!(Event::from_json(event.as_bytes()).is_ok());
            assert!(Identity::from_json(event.as_bytes()).is_ok());
            let batch = format!("[{event},{event}]");
            assert_eq!(Event::batch_from_json(batch.as_bytes()).map(|events| events.len()), Ok(2));
        });
    }
}

#[test]
fn where_depth_is_not_allowed_it_is_refused() {
    let value = nested("[", "]");
    let check = |event: String, error: EventError| {
        on_a_small_stack(move || assert_eq!(Event::from_json(event.as_bytes()), Err(error)));
    };
    check(with(&format!(r#""ext":{value}"#)), EventError::NotScalar("ext".into()));
    check(with(&format!(r#""subject":{value}"#)), EventError::NotString("subject".into()));
    check(with(&format!(r#""data_base64":{value}"#)), EventError::Base64);
    check(value, EventError::Json("invalid type: sequence, expected a JSON object".into()));
}

#[test]
fn depth_without_an_end_is_refused() {
    on_a_small_stack(|| {
        for members in [r#""data":"#, r#""ext":"#, r#""unknown":{"a":"#] {
            let event = format!("{{{REQUIRED},{members}{}", "[".repeat(DEPTH));
            let refused = |error| matches!(error, EventError::Json(text) if text.contains("EOF"));
            assert!(refused(Event::from_json(event.as_bytes()).unwrap_err()));
            assert!(refused(Identity::from_json(event.as_bytes()).unwrap_err()));
        }
        let batch = "[".repeat(DEPTH);
        assert!(Event::batch_from_json(batch.as_bytes()).is_err());
    });
}
