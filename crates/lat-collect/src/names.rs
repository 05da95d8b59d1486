//! Names of scenarios and types as small numbers.

use std::collections::HashMap;

/// Names that are told apart; those that come later share one group.
const LIMIT: usize = 100;
/// The group of all names beyond the limit.
const OTHERS: &str = "(others)";

/// Numbers names in order of appearance.
#[derive(Debug, Default)]
pub(crate) struct Names {
    numbers: HashMap<Box<str>, u16>,
    names: Vec<String>,
}

impl Names {
    /// The number of a name.
    pub(crate) fn number(&mut self, name: &str) -> u16 {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        let name = if self.names.len() < LIMIT { name } else { OTHERS };
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        let number = u16::try_from(self.names.len()).expect("at most LIMIT + 1");
        self.numbers.insert(name.into(), number);
        self.names.push(name.to_owned());
        number
    }

    /// All names, by number.
    pub(crate) fn all(&self) -> &[String] {
        &self.names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_beyond_the_limit_share_a_number() {
        let mut names = Names::default();
        let numbers: Vec<u16> = (0..300).map(|name| names.number(&name.to_string())).collect();
        assert_eq!((numbers[0], numbers[99], numbers[100], numbers[299]), (0, 99, 100, 100));
        assert_eq!(names.number("7"), 7);
        assert_eq!(names.all().last().unwrap(), OTHERS);
    }
}
