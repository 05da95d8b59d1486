//! The management API over TLS.

use ce_testkit::broker_tls;

use crate::sys_watch;

#[test]
fn the_management_api_is_asked_over_tls() {
    let Some(broker) = broker_tls("the_management_api_is_asked_over_tls") else { return };
    let [ca, stranger] = ["ca.pem", "stranger.pem"].map(|name| broker.file(name));
    let watch = |args: &[&str]| {
        let url = ["--rabbitmq", &broker.management_url, "--duration", "100ms"];
        sys_watch().args(url).args(args).run()
    };
    for name in [&[][..], &["--tls-server-name", "broker.test"]] {
        let run = watch(&[&["--ca-file", &ca], name].concat());
        assert!(run.expect_code(0).stdout.contains("rabbitmq_queues"), "{}", run.stdout);
    }
    let line = watch(&["--ca-file", &stranger]).expect_code(2).stderr.clone();
    assert!(line.contains("name the authority's own with --ca-file"), "{line}");
    let other = watch(&["--ca-file", &ca, "--tls-server-name", "other.test"]);
    let line = &other.expect_code(2).stderr;
    assert!(line.contains("with --tls-server-name"), "{line}");
}

#[test]
fn a_flag_of_tls_without_tls_is_refused() {
    let run = sys_watch().args(["--rabbitmq", "http://127.0.0.1:1", "--ca-file", "ca.pem"]).run();
    let line =
        "sys-watch: --ca-file: nothing is asked over TLS: write --rabbitmq https://host:port\n";
    assert_eq!(run.expect_code(2).stderr, line);
}
