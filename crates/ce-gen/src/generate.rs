//! From a number to an event's line.

use crate::chance::{Chance, below};
use crate::payload;
use crate::plan::Plan;
use crate::stamp::{Stamp, TimeFrom};
use crate::template::{Event, Template};

/// Makes the events of a plan, in any order.
#[derive(Debug)]
pub struct Generator {
    chance: Chance,
    kinds: Vec<Lines>,
    all_weights: u64,
    stamp: Option<Stamp>,
}

/// The lines of one kind.
#[derive(Debug)]
struct Lines {
    /// Its own weight and those of the kinds before it.
    up_to: u64,
    templates: Vec<Template>,
}

impl Generator {
    /// Works out everything that is the same for all events.
    pub fn new(plan: &Plan) -> Self {
        let mut all_weights = 0;
        let mut kinds = Vec::new();
        for share in plan.shares.iter().filter(|share| share.weight > 0) {
            all_weights += u64::from(share.weight);
            let templates = payload::templates(share.kind, plan);
            kinds.push(Lines { up_to: all_weights, templates });
        }
        Self {
            chance: Chance::new(plan.seed, &plan.run),
            kinds,
            all_weights,
            stamp: (plan.time == TimeFrom::Clock).then(Stamp::start),
        }
    }

    /// Appends the line of event `number`, which is below [`crate::cli::MAX_EVENTS`].
    pub fn append(&mut self, number: u64, to: &mut Vec<u8>) {
        let draw = self.chance.draw(number);
        let share = below(draw.kind, self.all_weights);
        let kind = self.kinds.iter().find(|kind| share < kind.up_to);
        let templates = &kind.expect("the last kind goes up to the sum of all weights").templates;
        let line = below(draw.line, templates.len() as u64);
        let time = self.stamp.as_mut().map_or(&[][..], Stamp::now);
        templates[usize::try_from(line).expect("it is below a length")]
            .append(&Event { number, draw: &draw, time }, to);
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, MAX_EVENTS};

    #[test]
    fn an_event_does_not_depend_on_those_before_it() {
        let cli = Cli::parse_from(["ce-gen", "--kind", "build,parser,delete", "--sequence"]);
        let plan = Plan::new(cli).unwrap();
        let line = |generator: &mut Generator, number| {
            let mut line = Vec::new();
            generator.append(number, &mut line);
            line
        };
        let mut forwards = Generator::new(&plan);
        let expected: Vec<_> = (0..100).map(|number| line(&mut forwards, number)).collect();
        let mut backwards = Generator::new(&plan);
        let last = line(&mut backwards, MAX_EVENTS - 1);
        assert!(last.windows(14).any(|part| part == b"\"999999999999\""));
        for number in (0..100).rev() {
            assert_eq!(line(&mut backwards, number), expected[usize::try_from(number).unwrap()]);
        }
    }
}
