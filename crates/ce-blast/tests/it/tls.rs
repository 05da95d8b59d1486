//! TLS, over HTTP against a server of the test and over AMQP against a real broker: whom we trust,
//! who we are, and what a failed handshake says.

use ce_record::Outcome::{Ok, ProtocolError};
use ce_testkit::{Run, broker_tls};

use crate::support::Stream;
use crate::support::authority::Authority;
use crate::support::tls_server::TlsServer;
use crate::support::topology::Topology;
use crate::{ce_blast, events};

fn send(url: &str, args: &[&str]) -> Run {
    let load = ["--rate", "100/s", "--timeout", "5s", "--to", url];
    ce_blast().args(load).args(args).stdin(events(3)).run()
}

#[track_caller]
fn refused(url: &str, args: &[&str]) -> String {
    let run = send(url, args);
    run.expect_code(2);
    assert_eq!((run.stdout.as_str(), run.stderr.lines().count()), ("", 1), "{}", run.stderr);
    run.stderr.trim_end().to_owned()
}

#[track_caller]
fn accepted(url: &str, args: &[&str]) {
    Stream::read(&send(url, args).expect_code(0).stdout).expect_outcomes(&[(Ok, 3)]);
}

#[test]
fn only_a_server_of_the_named_authority_is_trusted() {
    let (ours, other) = (Authority::new(), Authority::new());
    let server = TlsServer::start(ours.server("127.0.0.1", false));
    let (ca, wrong) = (ours.file("ca.pem"), other.file("ca.pem"));
    accepted(&server.url(), &["--ca-file", &ca]);
    assert_eq!(server.requests(), 3);
    let line = refused(&server.url(), &["--ca-file", &wrong]);
    assert!(line.contains("cannot connect: invalid peer certificate"), "{line}");
    assert!(line.ends_with("name the authority's own with --ca-file"), "{line}");
    assert_eq!(server.requests(), 3, "nothing was sent to a stranger");
}

#[test]
fn the_time_that_tls_takes_is_told_apart() {
    let authority = Authority::new();
    let server = TlsServer::start(authority.server("127.0.0.1", false));
    let ca = authority.file("ca.pem");
    let args = ["--vus", "5", "--to", &server.url(), "--ca-file", &ca];
    let run = ce_blast().args(args).stdin(events(100)).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    stream.expect_outcomes(&[(Ok, 100)]);
    let opened: Vec<_> = stream.samples.iter().filter(|it| it.connect_ns.is_some()).collect();
    assert!((1..=4).contains(&opened.len()), "the first was opened before the run");
    for sample in &opened {
        let (connect_ns, tls_ns) = (sample.connect_ns.unwrap(), sample.tls_ns.unwrap());
        assert!(tls_ns > 0 && connect_ns + tls_ns < sample.service_ns, "{sample:?}");
    }
    let others = stream.samples.iter().filter(|it| it.connect_ns.is_none());
    assert!(others.into_iter().all(|sample| sample.tls_ns.is_none()));
}

#[test]
fn a_certificate_for_another_name_needs_that_name() {
    let authority = Authority::new();
    let server = TlsServer::start(authority.server("broker.test", false));
    let ca = authority.file("ca.pem");
    let line = refused(&server.url(), &["--ca-file", &ca]);
    assert!(line.ends_with("give a name of its certificate with --tls-server-name"), "{line}");
    assert_eq!(server.connections(), 1, "it will not have another one in a moment");
    accepted(&server.url(), &["--ca-file", &ca, "--tls-server-name", "broker.test"]);
    refused(&server.url(), &["--ca-file", &ca, "--tls-server-name", "other.test"]);
}

#[test]
fn a_server_that_wants_a_certificate_gets_it_or_says_so() {
    let authority = Authority::new();
    let server = TlsServer::start(authority.server("127.0.0.1", true));
    authority.sign("client", "client.test");
    let [ca, cert, key] = ["ca.pem", "client.pem", "client.key"].map(|name| authority.file(name));
    let ours = ["--ca-file", &ca, "--client-cert", &cert, "--client-key", &key];
    accepted(&server.url(), &ours);
    // In TLS 1.3 a client has finished its handshake before the server can refuse it.
    let run = send(&server.url(), &["--ca-file", &ca]);
    let stream = Stream::read(&run.expect_code(0).stdout);
    stream.expect_outcomes(&[(ProtocolError, 3)]);
    for sample in &stream.samples {
        let error = sample.error.as_deref().unwrap();
        assert!(error.contains("give one with --client-cert and --client-key"), "{error}");
    }
    assert_eq!(server.requests(), 3);
}

#[test]
fn a_file_that_cannot_be_used_is_named_with_the_remedy() {
    let authority = Authority::new();
    authority.sign("a", "a.test");
    authority.sign("b", "b.test");
    authority.write(
        "sealed.key",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    authority.write("broken.pem", "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n");
    let file = |name: &str| authority.file(name);
    let check = |flags: &[(&str, &str)], says: &str| {
        let args: Vec<String> =
            flags.iter().flat_map(|(flag, name)| [(*flag).to_owned(), file(name)]).collect();
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let line = refused("https://127.0.0.1:1/", &args);
        let first = file(flags[flags.len() - 1].1);
        assert!(line.contains(says) && line.contains(&first), "{says}: {line}");
    };
    check(&[("--ca-file", "none.pem")], "cannot read: No such file or directory");
    check(&[("--ca-file", "a.key")], "no certificate in it; it must be PEM");
    check(&[("--ca-file", "broken.pem")], "a certificate in it cannot be used");
    let with_key = |key: &'static str| [("--client-cert", "a.pem"), ("--client-key", key)];
    check(&with_key("b.key"), "it is not the key of the certificate in");
    check(&with_key("a.pem"), "no private key in it");
    check(&with_key("sealed.key"), "it is encrypted; decrypt it with `openssl pkey");
}

#[test]
fn a_flag_of_tls_that_would_do_nothing_is_refused() {
    let authority = Authority::new();
    let line = refused("http://127.0.0.1:1/", &["--ca-file", &authority.file("ca.pem")]);
    assert_eq!(line, "ce-blast: --ca-file: no target is reached over TLS: write https: or amqps:");
    let run = send("https://127.0.0.1:1/", &["--client-cert", "a.pem"]);
    assert!(run.expect_code(2).stderr.contains("--client-key"), "{}", run.stderr);
    let line = refused("https://127.0.0.1:1/", &["--tls-server-name", "a b"]);
    assert!(line.contains("--tls-server-name: `a b` is neither a host name"), "{line}");
}

#[test]
fn a_broker_is_reached_over_tls_with_a_client_certificate() {
    let Some(broker) = broker_tls("a_broker_is_reached_over_tls") else { return };
    let mut topology = Topology::new(&broker.plain, "tls");
    let queue = topology.queue("t", None);
    let [ca, cert, key, stranger] =
        ["ca.pem", "client.pem", "client.key", "stranger.pem"].map(|name| broker.file(name));
    let exchange = ["--exchange", &topology.exchange];
    let with = |args: &[&'static str], ca: &str| {
        let ours = ["--ca-file", ca, "--client-cert", &cert, "--client-key", &key];
        let all = [&exchange[..], &ours[..], args].concat();
        all.into_iter().map(ToOwned::to_owned).collect::<Vec<String>>()
    };
    let run = |args: &[String]| {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        send(&broker.amqps_url, &args)
    };
    for name in [&[][..], &["--tls-server-name", "broker.test"]] {
        let run = run(&with(name, &ca));
        Stream::read(&run.expect_code(0).stdout).expect_outcomes(&[(Ok, 3)]);
    }
    assert_eq!(topology.drain(&queue).len(), 6);

    let says = |args: &[String], says: &str| {
        let run = run(args);
        run.expect_code(2);
        assert!(run.stderr.contains(says), "{says}: {}", run.stderr);
        assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    };
    says(&with(&[], &stranger), "name the authority's own with --ca-file");
    says(&with(&["--tls-server-name", "other.test"], &ca), "with --tls-server-name");
    let nobody = [&exchange[..], &["--ca-file", &ca]].concat();
    let nobody: Vec<String> = nobody.into_iter().map(ToOwned::to_owned).collect();
    says(&nobody, "give one with --client-cert and --client-key");
    assert_eq!(topology.drain(&queue).len(), 0);
}
