//! Shares of a run: together they are the whole, byte for byte.

use proptest::prelude::*;
use proptest::test_runner::Config;

use crate::{ce_gen, lines};

const TEMPLATE: &str = r#"{"type":"t","source":"/s","data":["${uuid}","${int 1..99}","${seq}"]}"#;

const KINDS: &[&str] = &["--kind=build,parser=2,delete", "--id=seq", "--sequence"];

fn share(args: &[&str], seed: u64, shard: &str, count: u64) -> Vec<String> {
    let (seed, count) = (seed.to_string(), count.to_string());
    let run = ce_gen()
        .args(args)
        .args(["--seed", &seed, "--shard", shard, "--count", &count])
        .stdin(TEMPLATE)
        .run();
    run.expect_code(0).stdout.lines().map(ToOwned::to_owned).collect()
}

proptest! {
    // A case starts up to eight processes.
    #![proptest_config(Config { cases: 24, failure_persistence: None, ..Config::default() })]

    #[test]
    fn the_shares_of_a_run_are_the_run(
        args in prop_oneof![Just(KINDS), Just(&["--template=-"][..])],
        seed: u64,
        shards in 1u64..8,
        count in 0u64..60,
    ) {
        let whole = share(args, seed, "0/1", count);
        prop_assert_eq!(whole.len() as u64, count);
        let mut shares: Vec<_> = (0..shards)
            .map(|shard| share(args, seed, &format!("{shard}/{shards}"), count).into_iter())
            .collect();
        for (number, line) in (0..).zip(whole) {
            let share = &mut shares[usize::try_from(number % shards).unwrap()];
            prop_assert_eq!(share.next(), Some(line));
        }
        prop_assert!(shares.iter_mut().all(|share| share.next().is_none()));
    }
}

#[test]
fn a_share_starts_at_its_number_and_keeps_its_step() {
    let args = ["--id", "seq", "--count", "10", "--shard", "1/4"];
    let ids: Vec<_> =
        lines(&args).iter().map(|line| line.split('"').nth(7).unwrap().to_owned()).collect();
    assert_eq!(ids, ["ce-gen-000000000001", "ce-gen-000000000005", "ce-gen-000000000009"]);
}

#[test]
fn what_is_no_share_is_refused() {
    for shard in ["3/3", "1", "0/0", "-1/2"] {
        let run = ce_gen().args([&format!("--shard={shard}"), "--count=1"]).run();
        assert!(run.expect_code(2).stderr.contains("is no share: write index/count"), "{shard}");
    }
}
