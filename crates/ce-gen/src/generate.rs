//! From a number to an event's line.

use crate::chance::{Chance, Draw, below};
use crate::json::pretty;
use crate::pattern::{Moment, Patterns};
use crate::payload;
use crate::plan::{Plan, What};
use crate::stamp::{Stamp, TimeFrom};
use crate::template::{Event, Template};

/// Makes the events of a plan, in any order.
#[derive(Debug)]
pub struct Generator {
    chance: Chance,
    /// For each sort of event its own weight and those of the sorts before it.
    up_to: Vec<u64>,
    lines: Lines,
    stamp: Option<Stamp>,
}

/// What lines look like, for each sort of event.
#[derive(Debug)]
enum Lines {
    Kinds(Vec<Vec<Template>>),
    Patterns {
        patterns: Patterns,
        /// Scratch of the patterns.
        picked: Vec<usize>,
    },
}

impl Generator {
    /// Works out everything that is the same for all events.
    pub fn new(plan: Plan) -> Self {
        let has_time = plan.common.attributes.time == Some(TimeFrom::Clock);
        let (weights, lines, needs_time) = match plan.what {
            What::Kinds { shares, pool, delete_type } => {
                let templates = |kind| payload::templates(kind, &pool, &delete_type, &plan.common);
                let shares = shares.into_iter().filter(|share| share.weight > 0);
                let (weights, kinds): (Vec<_>, _) =
                    shares.map(|share| (share.weight, templates(share.kind))).unzip();
                (weights, Lines::Kinds(kinds), has_time)
            }
            What::Templates(patterns) => {
                let weights = patterns.shares.iter().map(|(weight, _)| *weight).collect();
                let is_timed = patterns.are_timed();
                (weights, Lines::Patterns { patterns, picked: Vec::new() }, is_timed)
            }
        };
        Self {
            chance: Chance::new(plan.seed, &plan.common.run),
            up_to: weights
                .into_iter()
                .scan(0, |sum, weight| {
                    *sum += u64::from(weight);
                    Some(*sum)
                })
                .collect(),
            lines,
            stamp: needs_time.then(Stamp::start),
        }
    }

    /// Appends the line of event `number`, which is below [`crate::cli::MAX_EVENTS`].
    pub fn append(&mut self, number: u64, to: &mut Vec<u8>) {
        let draw = self.chance.draw(number);
        let all_weights = *self.up_to.last().expect("there is a sort of events");
        let share = below(draw.kind, all_weights);
        let sort = self.up_to.partition_point(|&up_to| up_to <= share);
        self.append_sort(sort, number, &draw, to);
    }

    /// One example of each sort of event that can come, laid out to be read.
    pub fn examples(&mut self) -> Vec<String> {
        let sorts = 0..self.up_to.len();
        let can_come = |sort: &usize| {
            self.up_to[*sort] > sort.checked_sub(1).map_or(0, |before| self.up_to[before])
        };
        let sorts: Vec<usize> = sorts.filter(can_come).collect();
        let example = |sort| {
            let draw = self.chance.draw(0);
            let mut line = Vec::new();
            self.append_sort(sort, 0, &draw, &mut line);
            pretty(str::from_utf8(&line).expect("lines are put together from text"))
        };
        sorts.into_iter().map(example).collect()
    }

    fn append_sort(&mut self, sort: usize, number: u64, draw: &Draw, to: &mut Vec<u8>) {
        let time = self.stamp.as_mut().map_or(&[][..], Stamp::now);
        match &mut self.lines {
            Lines::Kinds(kinds) => {
                let templates = &kinds[sort];
                let line = below(draw.line, templates.len() as u64);
                templates[usize::try_from(line).expect("it is below a length")]
                    .append(&Event { number, draw, time }, to);
            }
            Lines::Patterns { patterns, picked } => {
                let choose = self.chance.more(number);
                patterns.append(
                    sort,
                    &mut Moment { number, id: draw.id, time, choose },
                    picked,
                    to,
                );
            }
        }
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
        let plan = Plan::new(cli.make).unwrap();
        let line = |generator: &mut Generator, number| {
            let mut line = Vec::new();
            generator.append(number, &mut line);
            line
        };
        let mut forwards = Generator::new(plan.clone());
        let expected: Vec<_> = (0..100).map(|number| line(&mut forwards, number)).collect();
        let mut backwards = Generator::new(plan);
        let last = line(&mut backwards, MAX_EVENTS - 1);
        assert!(last.windows(14).any(|part| part == b"\"999999999999\""));
        for number in (0..100).rev() {
            assert_eq!(line(&mut backwards, number), expected[usize::try_from(number).unwrap()]);
        }
    }
}
