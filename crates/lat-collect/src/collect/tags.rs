//! Events by tag. A plan gives tags to whole scenarios, so nothing has to be counted while the run
//! goes on: the group of a tag is the sum of its scenarios.

use std::collections::{BTreeMap, BTreeSet};

use ce_record::run_dir::Block;

use crate::group::Group;
use crate::names::{Names, OTHERS};

/// The groups of the tags, as many as are told apart.
#[derive(Debug, Default)]
pub(crate) struct Tags {
    names: Names,
    groups: Vec<Group>,
    /// Scenarios with a tag beyond the limit.
    others: Group,
    left_out: BTreeSet<String>,
}

impl Tags {
    /// Adds a scenario that has these tags.
    pub(crate) fn add(&mut self, tags: &[String], scenario: &Group) {
        let mut has_others = false;
        for tag in tags {
            if let Some(number) = self.names.known(tag) {
                self.groups.resize_with(self.names.all().len(), Group::default);
                self.groups[usize::from(number)].add(scenario);
            } else {
                has_others = true;
                self.left_out.insert(tag.clone());
            }
        }
        if has_others {
            self.others.add(scenario);
        }
    }

    /// The figures of each tag.
    pub(crate) fn blocks(&self) -> BTreeMap<String, Block> {
        let named = self.names.all().iter().cloned().zip(&self.groups);
        let others = (!self.left_out.is_empty()).then(|| (OTHERS.to_owned(), &self.others));
        named.chain(others).map(|(name, group)| (name, group.block())).collect()
    }

    /// Tags that have no figures of their own.
    pub(crate) fn left_out(&self) -> usize {
        self.left_out.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_the_sum_of_its_scenarios_and_those_beyond_the_limit_are_one() {
        let mut arrived_once = Group::default();
        arrived_once.arrived(Some(1_000));
        let mut tags = Tags::default();
        tags.add(&["team=a".into(), "kind=build".into()], &arrived_once);
        tags.add(&["team=b".into(), "kind=build".into()], &arrived_once);
        let received = |tags: &Tags, name: &str| tags.blocks().get(name).map(|it| it.received);
        assert_eq!(received(&tags, "kind=build"), Some(2));
        assert_eq!(received(&tags, "team=b"), Some(1));
        assert_eq!(received(&tags, OTHERS), None);

        let many: Vec<String> = (0..200).map(|number| format!("number={number}")).collect();
        tags.add(&many, &arrived_once);
        assert_eq!((tags.blocks().len(), tags.left_out()), (101, 103));
        // It has many such tags, and yet it is one scenario.
        assert_eq!(received(&tags, OTHERS), Some(1));
    }
}
