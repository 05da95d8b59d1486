//! What is a CloudEvent and what is not: one line per case, each with the reason.

mod amqp;
mod codec;
mod depth;
mod http;
mod invalid;
mod oracle;
mod valid;

/// The members of an event that has everything it needs, without the braces.
const REQUIRED: &str = r#""specversion":"1.0","id":"7","source":"/s","type":"t""#;

/// An event with these members besides the required ones.
fn with(members: &str) -> String {
    format!("{{{REQUIRED},{members}}}")
}
