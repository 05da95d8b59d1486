//! Whole pipes with the real binaries; the tests are in `tests/it`.
