//! Texts that recur (scenarios, types, tags, reasons) as small numbers.

use std::collections::HashMap;

/// Names that are told apart; those that come later share one group.
const LIMIT: usize = 100;
/// The group of all names beyond the limit.
pub(crate) const OTHERS: &str = "(others)";

/// Numbers names in order of appearance.
#[derive(Debug)]
pub(crate) struct Names {
    limit: usize,
    numbers: HashMap<Box<str>, u16>,
    all: Vec<String>,
}

impl Default for Names {
    fn default() -> Self {
        Self::with_limit(LIMIT)
    }
}

impl Names {
    /// Tells at most so many names apart.
    pub(crate) fn with_limit(limit: usize) -> Self {
        Self { limit, numbers: HashMap::new(), all: Vec::new() }
    }

    /// The number of a name; beyond the limit that of [`OTHERS`].
    pub(crate) fn number(&mut self, name: &str) -> u16 {
        self.known(name)
            .or_else(|| self.numbers.get(OTHERS).copied())
            .unwrap_or_else(|| self.add(OTHERS))
    }

    /// The number of a name, or `None` beyond the limit.
    pub(crate) fn known(&mut self, name: &str) -> Option<u16> {
        match self.numbers.get(name) {
            Some(&number) => Some(number),
            None => (self.all.len() < self.limit).then(|| self.add(name)),
        }
    }

    fn add(&mut self, name: &str) -> u16 {
        let number = u16::try_from(self.all.len()).expect("limits are below 65,535");
        self.numbers.insert(name.into(), number);
        self.all.push(name.to_owned());
        number
    }

    /// All names, by number.
    pub(crate) fn all(&self) -> &[String] {
        &self.all
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
        assert_eq!((names.known("7"), names.known("299")), (Some(7), None));
    }
}
