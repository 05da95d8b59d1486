//! Runs the real `ce-blast`: what a shell user would see is what is asserted.

#![expect(clippy::unwrap_used, reason = "a helper that fails has to fail its test")]

mod amqp;
mod amqp_blocked;
mod amqp_faults;
mod amqp_mistakes;
mod amqp_silence;
mod closed_loop;
mod connections;
mod connections_refused;
mod edges;
mod http;
mod http2;
mod http_batched;
mod http_binary;
mod http_checks;
mod http_faults;
mod http_headers;
mod http_retries;
mod management;
mod open_loop;
mod plans;
mod refusals;
mod saturation;
mod scenarios;
mod signals;
mod support;
mod tls;
mod topology_check;
mod verdicts;

use std::fmt::Write;

use ce_testkit::Tool;

fn ce_blast() -> Tool {
    Tool::new(env!("CARGO_BIN_EXE_ce-blast"))
}

/// Events with the ids 0 to `count` - 1, one in a line.
fn events(count: usize) -> String {
    let mut text = String::new();
    for id in 0..count {
        writeln!(text, r#"{{"specversion":"1.0","type":"t","source":"/s","id":"{id}"}}"#).unwrap();
    }
    text
}
