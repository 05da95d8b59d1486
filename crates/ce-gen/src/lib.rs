//! Seed and kinds in, CloudEvents 1.0 as NDJSON out.
//!
//! Event `k` is a pure function of the seed, the run and `k`, so a run can be repeated, cut short or
//! shared out, and every event stays the same. In reading order:
//!
//! | module | knows |
//! |---|---|
//! | [`cli`] | what can be typed |
//! | [`kind`] | the kinds of events, and their shares in a mixture |
//! | [`pool`] | which (third party, parser) pairs events are about |
//! | [`plan`] | which values fit together |
//! | `chance` | what is random about an event |
//! | `template` | a line with holes of fixed width |
//! | `payload` | what the lines say |
//! | `stamp` | the `time` attribute |
//! | [`generate`] | how a number becomes an event's line |

mod chance;
pub mod cli;
pub mod generate;
pub mod kind;
mod payload;
pub mod plan;
pub mod pool;
mod stamp;
mod template;

use anyhow::{Context, bail};
use ce_cli::{DataOut, Exit, Interrupt};

use crate::cli::Cli;
use crate::generate::Generator;
use crate::plan::Plan;

/// Writes events until there are enough, or somebody asks for the end; always whole lines.
pub fn run(cli: Cli, out: &mut DataOut) -> anyhow::Result<Exit> {
    let count = cli.count;
    let plan = Plan::new(cli)?;
    let interrupt = Interrupt::install().context("cannot watch for signals")?;
    let mut generator = Generator::new(&plan);
    for number in 0..count.unwrap_or(cli::MAX_EVENTS) {
        if interrupt.asked() {
            return Ok(Exit::Yes);
        }
        generator.append(number, out.buffer());
        out.settle()?;
    }
    if count.is_none() {
        bail!("all {} event numbers are used up; go on with another --run", cli::MAX_EVENTS);
    }
    Ok(Exit::Yes)
}
