//! Checks on the code base itself. They are tests, so `cargo test` is the only gate to remember.

#[cfg(test)]
mod dependencies;
#[cfg(test)]
mod outcomes;
#[cfg(test)]
mod sources;
