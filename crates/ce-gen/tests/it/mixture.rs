//! Kinds are mixed by their weights.

use crate::events;

/// How many of `count` events are build, parser and delete events.
fn mixture(args: &[&str], count: u32) -> [u32; 3] {
    let mut counts = [0; 3];
    for event in events(&[args, &["--count", &count.to_string()]].concat()) {
        let kind = ["build.start", "parser.start", "delete"]
            .iter()
            .position(|end| event["type"].as_str().is_some_and(|kind| kind.ends_with(end)));
        counts[kind.expect("one of the three")] += 1;
    }
    counts
}

#[test]
fn weights_are_kept() {
    // Bounds are five standard deviations away from what is expected.
    let [build, parser, delete] = mixture(&["--kind", "build", "--kind", "parser=3"], 8000);
    assert!((1807..=2193).contains(&build), "{build}");
    assert_eq!((parser, delete), (8000 - build, 0));
    let [build, parser, delete] = mixture(&["--kind", "delete=10,build=70,parser=20"], 8000);
    assert!((5396..=5804).contains(&build), "{build}");
    assert!((1422..=1778).contains(&parser), "{parser}");
    assert!((666..=934).contains(&delete), "{delete}");
}

#[test]
fn a_kind_without_weight_never_comes() {
    assert_eq!(mixture(&["--kind", "build=0,parser=1,delete=0"], 500), [0, 500, 0]);
}

#[test]
fn the_largest_weights_do_not_overflow() {
    let most = "build=4294967295,parser=4294967295,delete=4294967295";
    let counts = mixture(&["--kind", most], 3000);
    assert!(counts.iter().all(|count| (870..=1130).contains(count)), "{counts:?}");
}
