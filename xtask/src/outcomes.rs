//! Each outcome has a test that produces it, and the documentation names it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn text(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap()
}

#[test]
fn the_table_of_outcomes_is_whole_and_its_tests_exist() {
    let source = text("crates/ce-record/src/outcome.rs");
    let arms = source.lines().filter_map(|line| line.trim().strip_prefix("Self::"));
    let outcomes: BTreeSet<&str> = arms.filter_map(|arm| arm.split('"').nth(1)).collect();
    assert!(outcomes.len() >= 10, "{outcomes:?}");

    let folder = fs::read_dir(root().join("crates/ce-blast/tests/it")).unwrap();
    let files = folder.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let tests: String = files.map(|path| fs::read_to_string(path).unwrap()).collect();

    let table = text("docs/outcomes.md");
    let mut named = BTreeSet::new();
    for row in table.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        named.insert(cells[1]);
        assert!(tests.contains(&format!("#[test]\nfn {}()", cells[3])), "no such test: {row}");
    }
    assert_eq!(named, outcomes);
}
