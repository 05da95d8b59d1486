//! Seed and kinds in, CloudEvents 1.0 as NDJSON out; and the other way round, [`check`] tells
//! whether events from anywhere are valid.
//!
//! Event `k` is a pure function of the seed, the run and `k`, so a run can be repeated, cut short
//! or shared out, and every event stays the same. In reading order:
//!
//! | module | knows |
//! |---|---|
//! | [`cli`], `help` | what can be typed |
//! | [`extension`] | the value of `--extension` |
//! | [`kind`] | the kinds of events, and their shares in a mixture |
//! | `table` | rows of CSV or NDJSON |
//! | [`pool`] | which (third party, parser) pairs events are about |
//! | [`plan`] | which values fit together |
//! | `chance` | what is random about an event |
//! | `template` | a line with holes of fixed width: fast, for kinds |
//! | `payload` | what the lines of kinds say |
//! | `pattern` | a line of the user's own, with placeholders of any width |
//! | `json` | the tokens of a JSON text, and where they stand |
//! | `stamp` | the `time` attribute |
//! | [`generate`] | how a number becomes an event's line |
//! | [`check`] | which lines are valid events |

mod chance;
pub mod check;
pub mod cli;
pub mod extension;
pub mod generate;
mod help;
mod json;
pub mod kind;
mod pattern;
mod payload;
pub mod plan;
pub mod pool;
mod stamp;
mod table;
mod template;

use anyhow::{Context, bail};
use ce_cli::{DataOut, Exit, Interrupt};

use crate::cli::{Cli, Command, Make};
use crate::generate::Generator;
use crate::plan::Plan;

/// Makes events, or checks them.
pub fn run(cli: Cli, out: &mut DataOut) -> anyhow::Result<Exit> {
    match cli.command {
        None => make(cli.make, out),
        Some(Command::Check(check)) => check::run(&check, out),
    }
}

/// Writes events until there are enough, or somebody asks for the end; always whole lines.
fn make(make: Make, out: &mut DataOut) -> anyhow::Result<Exit> {
    let describe = make.describe;
    let plan = Plan::new(make)?;
    let (shard, count) = (plan.shard, plan.count);
    let mut generator = Generator::new(plan);
    if describe {
        for example in generator.examples() {
            out.write(example.as_bytes())?;
            out.write(b"\n")?;
        }
        return Ok(Exit::Yes);
    }
    let interrupt = Interrupt::install().context("cannot watch for signals")?;
    for j in 0..shard.of(count.unwrap_or(cli::MAX_EVENTS)) {
        if interrupt.asked() {
            return Ok(Exit::Yes);
        }
        let number = shard.nth(j).expect("it is below the count");
        generator.append(number, out.buffer());
        out.settle()?;
    }
    if count.is_none() {
        bail!("all {} event numbers are used up; go on with another --run", cli::MAX_EVENTS);
    }
    Ok(Exit::Yes)
}
