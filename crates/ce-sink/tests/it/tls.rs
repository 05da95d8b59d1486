//! A broker over TLS: whom the sink trusts, and who it is.

use ce_testkit::broker_tls;

use crate::ce_sink;
use crate::lab::Lab;

#[test]
fn a_broker_over_tls_wants_the_right_authority_and_a_client_certificate() {
    let Some(broker) = broker_tls("a_broker_over_tls_wants_the_right_authority") else { return };
    let lab = Lab::new(&broker.plain);
    lab.queue();
    lab.events(0..3);
    let [ca, cert, key, stranger] =
        ["ca.pem", "client.pem", "client.key", "stranger.pem"].map(|name| broker.file(name));
    let sink = |args: &[&str]| {
        let from = ["amqp", "--from", &broker.amqps_url, "--queue", &lab.name, "--count", "3"];
        ce_sink().args(from).args(args).run()
    };
    let says = |args: &[&str], says: &str| {
        let run = sink(args);
        run.expect_code(2);
        assert!(run.stderr.contains(says) && run.stdout.is_empty(), "{says}: {}", run.stderr);
    };
    says(&["--ca-file", &ca], "give one with --client-cert");
    let ours = ["--client-cert", &cert, "--client-key", &key];
    says(&[&ours[..], &["--ca-file", &stranger]].concat(), "with --ca-file");
    let run = sink(&[&ours[..], &["--ca-file", &ca]].concat());
    let receipts = run.expect_code(0).stdout.matches(r#""kind":"receipt""#).count();
    assert_eq!(receipts, 3);
}

#[test]
fn a_flag_of_tls_without_tls_is_refused() {
    let run = ce_sink().args(["amqp", "--from", "amqp://127.0.0.1:1/%2f", "--queue", "q"]);
    let run = run.args(["--ca-file", "ca.pem"]).run();
    let line = "ce-sink: --ca-file: amqp://127.0.0.1:1/%2f is not reached over TLS: write amqps:\n";
    assert_eq!(run.expect_code(2).stderr, line);
}
