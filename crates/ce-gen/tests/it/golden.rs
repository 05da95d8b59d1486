//! The bytes themselves. A change here breaks every comparison with earlier runs: do not.

use crate::{ce_gen, lines};

#[track_caller]
fn check(args: &[&str], expected: &[&str]) {
    assert_eq!(lines(args), expected);
}

#[test]
fn build_events_of_the_default_seed() {
    check(
        &["--count", "3"],
        &[
            concat!(
                r#"{"specversion":"1.0","id":"da28560f-37e3-40a8-86ce-a95156920249","#,
                r#""type":"network.notifi.lambda.build.start","#,
                r#""source":"network.notifi.parsers.example-wallet.incoming-v1","#,
                r#""datacontenttype":"application/json","#,
                r#""data":{"third_party_id":"example-wallet","parser_id":"incoming-v1"}}"#,
            ),
            concat!(
                r#"{"specversion":"1.0","id":"864a9dea-4db8-4608-8c7e-884b28359b0c","#,
                r#""type":"network.notifi.lambda.build.start","#,
                r#""source":"network.notifi.parsers.example-staking.unbondings-v1","#,
                r#""datacontenttype":"application/json","#,
                r#""data":{"third_party_id":"example-staking","parser_id":"unbondings-v1"}}"#,
            ),
            concat!(
                r#"{"specversion":"1.0","id":"3e9a5c85-4380-447f-a506-6beaf9d209b9","#,
                r#""type":"network.notifi.lambda.build.start","#,
                r#""source":"network.notifi.parsers.example-lending.health-factor-v2","#,
                r#""datacontenttype":"application/json","#,
                r#""data":{"third_party_id":"example-lending","parser_id":"health-factor-v2"}}"#,
            ),
        ],
    );
}

#[test]
fn parser_events_of_seed_7() {
    check(
        &["--kind", "parser", "--seed", "7", "--count", "2"],
        &[
            concat!(
                r#"{"specversion":"1.0","id":"f89e39f3-5287-46b6-93c5-59cd14bb2394","#,
                r#""type":"network.notifi.lambda.parser.start","#,
                r#""source":"network.notifi.load-test","subject":"parser-load-test","#,
                r#""datacontenttype":"application/json","#,
                r#""data":{"contextId":"ctx-3a4fa3bd9c66555e","#,
                r#""parameters":{"blockId":"609580052","blockchainType":52,"#,
                r#""urlForBlob":"redis://ephemeralblock/load-test/609580052","logIndices":[181,"#,
                r#"248,394,501,551,707]}}}"#,
            ),
            concat!(
                r#"{"specversion":"1.0","id":"2d6fefe1-031e-4254-bb2b-456cbfd408d8","#,
                r#""type":"network.notifi.lambda.parser.start","#,
                r#""source":"network.notifi.load-test","subject":"parser-load-test","#,
                r#""datacontenttype":"application/json","#,
                r#""data":{"contextId":"ctx-046dbf004271620e","#,
                r#""parameters":{"blockId":"918947574","blockchainType":52,"#,
                r#""urlForBlob":"redis://ephemeralblock/load-test/918947574","logIndices":[206,"#,
                r#"298,338]}}}"#,
            ),
        ],
    );
}

#[test]
fn delete_events_of_a_named_run() {
    check(
        &["--kind", "delete", "--run", "nightly-7", "--count", "2"],
        &[
            concat!(
                r#"{"specversion":"1.0","id":"468ce766-a4da-4bb7-b4d0-cb51b3003e6d","#,
                r#""type":"network.notifi.lambda.delete","#,
                r#""source":"network.notifi.parsers.example-wallet.incoming-v1","#,
                r#""datacontenttype":"application/json","#,
                r#""data":{"third_party_id":"example-wallet","parser_id":"incoming-v1"}}"#,
            ),
            concat!(
                r#"{"specversion":"1.0","id":"1aee2c83-de81-4d17-be60-ea4bcda7a728","#,
                r#""type":"network.notifi.lambda.delete","#,
                r#""source":"network.notifi.parsers.example-staking.unbondings-v1","#,
                r#""datacontenttype":"application/json","#,
                r#""data":{"third_party_id":"example-staking","parser_id":"unbondings-v1"}}"#,
            ),
        ],
    );
}

#[test]
fn a_mixture_with_everything() {
    check(
        &[
            "--kind",
            "build,parser=2,delete",
            "--seed",
            "18446744073709551615",
            "--id",
            "seq",
            "--sequence",
            "--time",
            "2026-01-31T09:15:00Z",
            "--size",
            "360",
            "--count",
            "4",
        ],
        &[
            concat!(
                r#"{"specversion":"1.0","id":"ce-gen-000000000000","#,
                r#""type":"network.notifi.lambda.build.start","#,
                r#""source":"network.notifi.parsers.example-auctions.expired-listings-v1","#,
                r#""time":"2026-01-31T09:15:00Z","sequence":"000000000000","#,
                r#""datacontenttype":"application/json","#,
                r#""data":{"third_party_id":"example-auctions","#,
                r#""parser_id":"expired-listings-v1","padding":"xxxxxxxxxxxxx"}}"#,
            ),
            concat!(
                r#"{"specversion":"1.0","id":"ce-gen-000000000001","#,
                r#""type":"network.notifi.lambda.parser.start","#,
                r#""source":"network.notifi.load-test","subject":"parser-load-test","#,
                r#""time":"2026-01-31T09:15:00Z","sequence":"000000000001","#,
                r#""datacontenttype":"application/json","#,
                r#""data":{"contextId":"ctx-b6db1ea9d350d95f","#,
                r#""parameters":{"blockId":"370253502","blockchainType":52,"#,
                r#""urlForBlob":"redis://ephemeralblock/load-test/370253502","logIndices":[128,"#,
                r#"271,343,456]},"padding":""}}"#,
            ),
            concat!(
                r#"{"specversion":"1.0","id":"ce-gen-000000000002","#,
                r#""type":"network.notifi.lambda.delete","#,
                r#""source":"network.notifi.parsers.example-exchange.swaps-v2","#,
                r#""time":"2026-01-31T09:15:00Z","sequence":"000000000002","#,
                r#""datacontenttype":"application/json","#,
                r#""data":{"third_party_id":"example-exchange","parser_id":"swaps-v2","#,
                r#""padding":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}}"#,
            ),
            concat!(
                r#"{"specversion":"1.0","id":"ce-gen-000000000003","#,
                r#""type":"network.notifi.lambda.delete","#,
                r#""source":"network.notifi.parsers.example-oracle.missed-rounds-v1","#,
                r#""time":"2026-01-31T09:15:00Z","sequence":"000000000003","#,
                r#""datacontenttype":"application/json","#,
                r#""data":{"third_party_id":"example-oracle","parser_id":"missed-rounds-v1","#,
                r#""padding":"xxxxxxxxxxxxxxxxxxxxxxxxxxxx"}}"#,
            ),
        ],
    );
}

#[test]
fn a_template_with_everything() {
    let template = r#"{"type":"t","source":"/${choice a=3|b}","data":{"n":"${=int -9..9}",
        "h":"${hex 5}","u":"${uuid}","p":"${pad 230}","c":["${=choice 1|2.5}","${seq}"]}}"#;
    let run = ce_gen().args(["--template=-", "--seed=7", "--count=2"]).stdin(template).run();
    let expected = [
        concat!(
            r#"{"specversion":"1.0","id":"f89e39f3-5287-46b6-93c5-59cd14bb2394","#,
            r#""type":"t","source":"/b","data":{"n":2,"h":"d7bd8","#,
            r#""u":"b7793125-6d06-4c69-8ff3-5f8c70b15a8a","#,
            r#""p":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx","#,
            r#""c":[1,"000000000000"]}}"#
        ),
        concat!(
            r#"{"specversion":"1.0","id":"2d6fefe1-031e-4254-bb2b-456cbfd408d8","#,
            r#""type":"t","source":"/a","data":{"n":-3,"h":"2c381","#,
            r#""u":"1ecffee3-3fde-46d6-9f31-f0e6d7dd94bc","#,
            r#""p":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx","#,
            r#""c":[2.5,"000000000001"]}}"#
        ),
    ];
    assert_eq!(run.expect_code(0).stdout.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn two_runs_are_equal() {
    let args = ["--kind", "build,parser,delete", "--count", "5000", "--sequence"];
    assert_eq!(lines(&args), lines(&args));
}

#[test]
fn fewer_events_are_the_first_of_more() {
    let args = |count| ["--kind", "build,parser=3,delete", "--size", "400", "--count", count];
    let (ten, twenty) = (lines(&args("10")), lines(&args("20")));
    assert_eq!((ten.len(), twenty.len()), (10, 20));
    assert_eq!(ten, twenty[..10]);
}

#[test]
fn another_run_has_other_ids_and_the_same_load() {
    let args = |run| ["--run", run, "--kind", "build,delete", "--count", "1000"];
    let (one, other) = (lines(&args("one")), lines(&args("other")));
    for (one, other) in one.iter().zip(&other) {
        let (one, other): (Vec<_>, Vec<_>) = (one.split('"').collect(), other.split('"').collect());
        assert_ne!(one[7], other[7]);
        assert_eq!((&one[..7], &one[8..]), (&other[..7], &other[8..]));
    }
}

#[test]
fn another_seed_is_another_load() {
    let sources = |seed| -> Vec<String> {
        let lines = lines(&["--seed", seed, "--count", "100"]);
        lines.iter().map(|line| line.split('"').nth(15).unwrap().to_owned()).collect()
    };
    assert_ne!(sources("0"), sources("1"));
}
