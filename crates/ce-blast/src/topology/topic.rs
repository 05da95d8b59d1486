//! How a topic exchange compares a routing key with the key of a binding.

/// Whether `pattern` takes `key`: both are words between dots, `*` is any one word, `#` any number
/// of words, none included.
pub(super) fn takes(pattern: &str, key: &str) -> bool {
    let (pattern, key) = (words(pattern), words(key));
    // For each beginning of the key, whether the pattern so far takes exactly that.
    let mut taken = vec![false; key.len() + 1];
    taken[0] = true;
    for word in pattern {
        let mut next = vec![false; key.len() + 1];
        for end in 0..=key.len() {
            next[end] = if word == "#" {
                taken[end] || end > 0 && next[end - 1]
            } else {
                end > 0 && taken[end - 1] && (word == "*" || word == key[end - 1])
            };
        }
        taken = next;
    }
    taken[key.len()]
}

/// An empty key has no words, and not one that is empty.
fn words(text: &str) -> Vec<&str> {
    if text.is_empty() { Vec::new() } else { text.split('.').collect() }
}

#[cfg(test)]
mod tests {
    use super::takes;

    #[test]
    fn stars_are_one_word_and_hashes_any_number() {
        let check = |pattern: &str, keys: &[&str], others: &[&str]| {
            assert!(keys.iter().all(|key| takes(pattern, key)), "{pattern}");
            assert!(!others.iter().any(|key| takes(pattern, key)), "{pattern}");
        };
        check("a.b", &["a.b"], &["a", "a.b.c", "a.c", "", "A.b"]);
        check("#", &["", "a", "a.b", "..."], &[]);
        check("*", &["a"], &["", "a.b"]);
        check("a.*", &["a.b", "a."], &["a", "a.b.c", "b.b"]);
        check("a.#", &["a", "a.b", "a.b.c"], &["", "b.a", "ab"]);
        check("#.z", &["z", "a.z", "a.b.z"], &["z.a", "a.b", "az"]);
        check("a.#.z", &["a.z", "a.b.z", "a.z.z"], &["a", "z", "a.z.b"]);
        check("*.*.c", &["a.b.c"], &["b.c", "a.a.b.c"]);
        check("#.b.#", &["b", "a.b", "b.a", "a.b.c", "b.b"], &["a", "a.c", ""]);
        check("*.#", &["a", "a.b"], &[""]);
        check("", &[""], &["a"]);
    }
}
