//! What somebody probably meant: a misspelt name must never silently select nothing.

/// What to say after `unknown x`: the nearest of the valid names, or all of them when none is near.
pub fn remedy<'a>(word: &str, valid: impl IntoIterator<Item = &'a str>) -> String {
    let valid: Vec<&str> = valid.into_iter().collect();
    let distances = valid.iter().map(|name| (distance(word, name), *name));
    match distances.min() {
        Some((_, name)) if is_near(word, name) => format!("did you mean `{name}`?"),
        _ => format!("valid are {}", valid.join(", ")),
    }
}

/// Whether `word` may be a misspelt `name`.
pub fn is_near(word: &str, name: &str) -> bool {
    distance(word, name) <= 1 + word.chars().count() / 3
}

/// Insertions, deletions and replacements that turn `a` into `b` (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_edits() {
        for (a, b, edits) in
            [("", "", 0), ("abc", "", 3), ("latncy", "latency", 1), ("kitten", "sitting", 3)]
        {
            assert_eq!((distance(a, b), distance(b, a)), (edits, edits), "{a} {b}");
        }
    }

    #[test]
    fn the_nearest_name_is_offered_and_all_names_where_none_is_near() {
        assert_eq!(remedy("latncy", ["lag", "latency"]), "did you mean `latency`?");
        assert_eq!(remedy("throughput", ["lag", "e2e"]), "valid are lag, e2e");
    }
}
