//! What an event is known by without its texts: 128 bits of XXH3. With a billion events the chance
//! that two share theirs is below 10⁻²⁰.

use xxhash_rust::xxh3::xxh3_128;

/// No UTF-8 text holds this byte, so (`a`, `bc`) is not (`ab`, `c`).
const BETWEEN: u8 = 0xff;

/// Makes fingerprints, one after the other, in the same memory.
#[derive(Debug, Default)]
pub(crate) struct Fingerprints {
    bytes: Vec<u8>,
}

impl Fingerprints {
    /// The fingerprint of an event.
    pub(crate) fn of(&mut self, source: &str, id: &str) -> u128 {
        self.bytes.clear();
        self.bytes.extend_from_slice(source.as_bytes());
        self.bytes.push(BETWEEN);
        self.bytes.extend_from_slice(id.as_bytes());
        xxh3_128(&self.bytes)
    }

    /// The fingerprint of an event that is known by a key instead.
    pub(crate) fn of_key(&mut self, key: &str) -> u128 {
        self.bytes.clear();
        self.bytes.extend_from_slice(&[BETWEEN, BETWEEN]);
        self.bytes.extend_from_slice(key.as_bytes());
        xxh3_128(&self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_and_id_are_not_run_together() {
        let mut fingerprints = Fingerprints::default();
        assert_ne!(fingerprints.of("a", "bc"), fingerprints.of("ab", "c"));
        assert_eq!(fingerprints.of("a", "bc"), fingerprints.of("a", "bc"));
        assert_ne!(fingerprints.of_key("a"), fingerprints.of("", "a"));
    }
}
