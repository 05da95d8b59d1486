//! Runs the real `sys-watch`: what a shell user would see is what is asserted.

mod broker;
mod edges;
mod fake_api;
mod host;
mod processes;
mod rabbitmq;
mod stream;
mod tls;

use ce_testkit::Tool;

fn sys_watch() -> Tool {
    Tool::new(env!("CARGO_BIN_EXE_sys-watch"))
}
