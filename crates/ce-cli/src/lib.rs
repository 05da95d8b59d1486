//! The edge that all tools share: from the command line to an exit code.
//!
//! Nothing here knows what a tool does. [`run`] is the whole of every `main`; [`DataOut`] is the
//! only way to stdout, [`say`] the only way to stderr.

mod clock;
mod credentials;
mod input;
mod run;
mod secret;
mod signal;
mod stderr;
mod stdout;
mod ticks;
mod usage;

pub mod parse;

pub use clock::{Anchor, Clock};
pub use credentials::{AMQP_LOGIN, Credentials, LoginVariables, log_in};
pub use input::{Input, open_input, read_text, stdin_is_terminal};
pub use run::{Exit, run};
pub use secret::{bearer_token, masked_args, masked_url, read_secret, refuse_passwords};
pub use signal::Interrupt;
pub use stderr::{Progress, say, stderr_is_terminal, stderr_size};
pub use stdout::{DataOut, StdoutError, stdout_is_pipe};
pub use ticks::Ticks;
pub use usage::{Usage, process_usage};
