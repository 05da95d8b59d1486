//! What is refused before anything is sent: one line that says where, what, and what next.

use std::net::TcpListener;

use ce_testkit::{Run, broker};

use crate::{ce_blast, events};

/// A run that could not start.
#[track_caller]
fn refused(args: &[&str]) -> Run {
    let run = ce_blast().args(args).stdin(events(1)).run();
    run.expect_code(2);
    assert_eq!(run.stdout, "", "nothing is written before the target is open");
    run
}

#[track_caller]
fn refused_in_a_line(args: &[&str]) -> String {
    let run = refused(args);
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    let line = run.stderr.trim_end().strip_prefix("ce-blast: ").expect("the tool comes first");
    line.to_owned()
}

/// A port of this machine that nobody listens on.
fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn an_unreachable_target_is_one_error() {
    let port = closed_port();
    let line = refused_in_a_line(&["--rate=9/s", &format!("--to=http://127.0.0.1:{port}/")]);
    let expected = format!("127.0.0.1:{port}: cannot connect: Connection refused (os error 111)");
    assert!(line.contains(&expected), "{line}");
    assert!(line.ends_with("is the target running?"), "{line}");
    let line = refused_in_a_line(&["--rate=9/s", &format!("--to=amqp://127.0.0.1:{port}/%2f")]);
    assert!(line.contains("refused"), "{line}");
}

#[test]
fn a_target_that_does_not_answer_is_given_up() {
    // Nobody accepts: TCP connects, the protocol does not.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = format!("--to=amqp://{}/%2f", listener.local_addr().unwrap());
    let line = refused_in_a_line(&["--rate=9/s", "--timeout=300ms", &to]);
    assert!(line.contains("no connection within 300ms"), "{line}");
}

#[test]
fn a_wrong_url_is_named() {
    for url in ["", "localhost:8081", "ftp://127.0.0.1/", "http://", "null"] {
        let line = refused_in_a_line(&["--rate=9/s", &format!("--to={url}")]);
        let expected = format!("`{url}` is no target: write http(s)://");
        assert!(line.starts_with(&expected), "{line}");
    }
    let url = format!("amqp://127.0.0.1:1/{}", "v".repeat(256));
    let line = refused_in_a_line(&["--rate=9/s", &format!("--to={url}")]);
    assert_eq!(line, format!("{url}: the virtual host is longer than 255 bytes"));
}

#[test]
fn another_host_needs_a_word() {
    let line = refused_in_a_line(&["--rate=9/s", "--to=http://192.0.2.1/"]);
    let remedy =
        "192.0.2.1 (192.0.2.1) is not this machine: allow it with --allow-target 192.0.2.1";
    assert_eq!(line, remedy);
    // A name that resolves to this machine is not enough for another one.
    let other = ["--rate=9/s", "--to=http://192.0.2.1/", "--allow-target=localhost,192.0.2.10"];
    assert_eq!(refused_in_a_line(&other), remedy);
}

#[test]
fn a_password_is_never_printed() {
    let port = closed_port();
    for to in [
        format!("amqp://user:s3cret@127.0.0.1:{port}/%2f"),
        format!("http://user:s3cret@127.0.0.1:{port}/"),
        "ftp://user:s3cret@127.0.0.1/".to_owned(),
        "amqp://user:s3cret@192.0.2.1/".to_owned(),
        "amqp://user:s3cret@127.0.0.1/a/b/c?x=%".to_owned(),
    ] {
        for args in [vec!["--rate=9/s", "--to", &to], vec!["--rate=9/s", "--vus=1", "--to", &to]] {
            let run = refused(&args);
            assert!(!run.stderr.contains("s3cret"), "{to}: {}", run.stderr);
        }
        let run = ce_blast().env("CE_TO", &to).arg("--rate=9/s").stdin(events(1)).run();
        run.expect_code(2);
        let all = format!("{}{}", run.stdout, run.stderr);
        assert!(!all.contains("s3cret") && !all.contains("command line"), "{to}: {all}");
        let run = ce_blast().env("CE_TO", &to).args(["--rate", "9/s", "--help"]).run();
        assert!(!run.stdout.contains("s3cret"), "help shows the variable's value");
    }
}

#[test]
fn a_routing_key_that_is_no_template_is_told_with_place_and_remedy() {
    let remedy = "use type, source, subject, id, time, datacontenttype, dataschema";
    let line = refused_in_a_line(&["--to=null:", "--rate=9/s", "--routing-key=${type}.${kind}"]);
    let says = "--routing-key: character 9: `kind` is no attribute for a routing key: ";
    assert_eq!(line, format!("{says}{remedy}"));

    let folder = tempfile::tempdir().unwrap();
    let plan = folder.path().join("plan.toml");
    let text = "[scenarios.a]\nexecutor = 'constant-arrival-rate'\nrate = 1\nduration = '1s'\n\
                routingKey = 'x.${type'\n";
    std::fs::write(&plan, text).unwrap();
    let plan = format!("--plan={}", plan.display());
    let line = refused_in_a_line(&["--to=null:", &plan, "--dry-run"]);
    assert_eq!(line, "scenario `a`: routingKey: character 3: `${` without `}`");
}

#[test]
fn what_concerns_amqp_is_refused_without_such_a_target() {
    let args = ["--to=http://127.0.0.1/", "--rate=1/s", "--mode=binary", "--amqp-dialect=ce"];
    assert_eq!(refused_in_a_line(&args), "--amqp-dialect: no target is reached over AMQP");
    let args = ["--to=null:", "--rate=1/s", "--republish=nacked"];
    assert_eq!(refused_in_a_line(&args), "--republish: no target is reached over AMQP");
}

#[test]
fn flags_that_would_do_nothing_are_refused() {
    let http = ["--to=http://127.0.0.1:9/", "--rate=1/s"];
    let refusal = |flag| refused_in_a_line(&[http[0], http[1], flag]);
    let line = refusal("--connections=4");
    assert!(line.starts_with("--connections: HTTP/1.1 has one for each event"), "{line}");
    let line = refusal("--credentials-file=/nowhere");
    assert!(line.starts_with("--credentials-file: no target is reached over AMQP"), "{line}");
    let run = refused(&[http[0], http[1], "--timeout=0s"]);
    assert!(run.stderr.contains("no answer comes in no time"), "{}", run.stderr);
}

#[test]
fn a_password_on_the_command_line_is_refused_with_a_hint() {
    let hint = "`amqp://user:***@127.0.0.1/%2f`: others can read a password on the command line: \
                set CE_AMQP_USER and CE_AMQP_PASSWORD, or use --credentials-file FILE; for HTTP, \
                --header @FILE";
    let to = "amqp://user:s3cret@127.0.0.1/%2f";
    assert_eq!(refused_in_a_line(&["--rate=9/s", "--to", to]), hint);
    assert_eq!(refused_in_a_line(&["--rate=9/s", "--dry-run", "--to", to]), hint);
}

#[test]
fn a_secret_in_the_query_of_a_url_is_refused_with_a_hint() {
    let line = refused_in_a_line(&["--rate=9/s", "--to=http://127.0.0.1/?a=b&token=s3cret"]);
    let shown =
        "`--to=http://127.0.0.1/?a=b&token=***`: others can read a secret on the command line";
    assert!(line.starts_with(shown) && line.contains("CE_TO"), "{line}");
    let to = format!("http://127.0.0.1:{}/?token=s3cret", closed_port());
    let run = ce_blast().env("CE_TO", &to).arg("--rate=9/s").stdin(events(1)).run();
    assert!(run.expect_code(2).stderr.contains("cannot connect"), "{}", run.stderr);
    assert!(!run.stderr.contains("s3cret"), "{}", run.stderr);
}

#[test]
fn a_user_in_an_http_url_is_refused_and_not_dropped() {
    let remedy = "HTTP has no user in its URL: put `authorization: Basic …` into a file, \
                  --header @FILE, or use --bearer-token-file FILE";
    let line = refused_in_a_line(&["--rate=9/s", "--to=http://user@127.0.0.1/"]);
    assert_eq!(line, format!("`http://user@127.0.0.1/`: {remedy}"));
    let run = ce_blast().env("CE_TO", "https://u:s3cret@127.0.0.1/").arg("--rate=9/s").run();
    let expected = format!("ce-blast: `https://u:***@127.0.0.1/`: {remedy}\n");
    assert_eq!(run.expect_code(2).stderr, expected);
}

#[test]
fn batches_are_for_http_only_and_their_flags_for_batches() {
    let http = "--to=http://127.0.0.1:9/";
    let line = refused_in_a_line(&["--rate=1/s", http, "--batch=5"]);
    assert_eq!(line, "--batch is about events that leave together: add --mode batched");
    let line = refused_in_a_line(&["--rate=1/s", http, "--batch-wait=5ms"]);
    assert_eq!(line, "--batch-wait is about events that leave together: add --mode batched");
    let amqp = ["--rate=1/s", "--to=amqp://127.0.0.1/%2f", "--mode=batched"];
    let line = refused_in_a_line(&amqp);
    assert_eq!(line, "--mode batched: AMQP has no batches; leave it out for amqp://127.0.0.1/%2f");
}

#[test]
fn events_are_not_let_be_so_late_that_it_is_another_load() {
    for flags in [&["--mode=batched", "--batch-wait=51ms"][..], &["--timer-slack=1s"]] {
        let run = refused(&[&["--rate=1/s", "--to=http://127.0.0.1:9/"], flags].concat());
        assert!(run.stderr.contains("events would be late: wait 50ms at most"), "{}", run.stderr);
    }
    let run = refused(&["--vus=1", "--to=null:", "--timer-slack=1ms"]);
    assert!(run.stderr.contains("cannot be used with"), "{}", run.stderr);
}

#[test]
fn a_name_of_production_needs_a_second_word() {
    // Refused by its name alone: `.invalid` has no address to be asked for.
    let expected = "mq-prod.invalid looks like production: if you mean it, \
                    add --allow-production mq-prod.invalid";
    let to = "--to=amqp://mq-prod.invalid/%2f";
    for allowed in ["--allow-target=mq-prod.invalid", "--allow-production=prod.invalid"] {
        assert_eq!(refused_in_a_line(&["--rate=9/s", to, allowed]), expected);
    }
    let both = ["--rate=9/s", to, "--allow-production=MQ-prod.invalid"];
    assert!(refused_in_a_line(&both).contains("cannot resolve"), "the name alone was in the way");
}

#[test]
fn a_tunnel_hides_no_production() {
    let to = ["--rate=9/s", "--to=https://127.0.0.1:9/"];
    for named in ["--header=host: api.prod2.test:443", "--tls-server-name=api.prod2.test"] {
        let line = refused_in_a_line(&[to[0], to[1], named]);
        assert!(line.starts_with("api.prod2.test looks like production"), "{line}");
        let allowed = "--allow-production=api.prod2.test";
        let line = refused_in_a_line(&[to[0], to[1], named, allowed]);
        assert!(line.contains("cannot connect"), "{line}");
    }
}

#[test]
fn targets_in_a_plan_are_guarded_too() {
    let dir = tempfile::tempdir().unwrap();
    let plan = dir.path().join("plan.toml");
    let text = "[scenarios.a]\nexecutor = \"constant-arrival-rate\"\nrate = 1\nduration = \"1s\"\n\
                preAllocatedVUs = 1\nto = \"http://api.live.invalid/\"\n";
    std::fs::write(&plan, text).unwrap();
    let line = refused_in_a_line(&["--to=null:", "--plan", plan.to_str().unwrap()]);
    assert!(line.contains("api.live.invalid looks like production"), "{line}");
}

#[test]
fn credentials_come_from_a_file_or_the_environment() {
    let Some(broker) = broker("credentials") else { return };
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("credentials");
    let to = format!("--to={}", broker.amqp_url);
    let publish = |user: &str, password: &str, from_file: bool| {
        let tool = ce_blast().args(["--rate=99/s", "--exchange=", &to]).stdin(events(1));
        if from_file {
            std::fs::write(&file, format!("{user}:{password}\n")).unwrap();
            tool.args(["--credentials-file", file.to_str().unwrap()]).run()
        } else {
            tool.env("CE_AMQP_USER", user).env("CE_AMQP_PASSWORD", password).run()
        }
    };
    for from_file in [false, true] {
        publish("guest", "guest", from_file).expect_code(0);
        let run = publish("guest", "s3cret@/", from_file);
        run.expect_code(2);
        assert!(run.stderr.contains("ACCESS_REFUSED"), "{}", run.stderr);
        assert!(run.stderr.contains("guest:***@") && !run.stderr.contains("s3cret"));
    }
    let half = ce_blast().args(["--rate=9/s", &to]).env("CE_AMQP_USER", "guest").run();
    half.expect_code(2);
    assert!(half.stderr.contains("CE_AMQP_PASSWORD is not: set both"), "{}", half.stderr);
}

#[test]
fn contradictions_are_refused() {
    let check = |args: &[&str], says: &str| {
        let run = refused(&[&["--to", "null:"], args].concat());
        assert!(run.stderr.contains(says), "{args:?}: {}", run.stderr);
    };
    check(&[], "<--rate <RATE>|--stages <STAGES>|--vus <N>|--plan <FILE>|--check-topology>");
    check(&["--rate=1/s", "--vus=1"], "cannot be used with");
    check(&["--rate=1/s", "--ramp-up=1s"], "cannot be used with");
    check(&["--stages=1m:1", "--pause=1s"], "cannot be used with");
    check(&["--stages=1m:10", "--duration=1m"], "leave out --duration");
    check(&["--rate=1/s", "--amqp-dialect=bare"], "add --mode binary");
    check(&["--rate=fast"], "--rate <RATE>");
    check(&["--rate=1/s", "--scenario=a,b"], "letters, digits, `_` and `-` only");
    check(&["--rate=1/s", "--max-in-flight=0"], "--max-in-flight <N>");
    check(&["--rate=1/s", "--expect-json=status"], "`status` has no value: write, e.g., /status=");
    check(&["--rate=1/s", "--expect-json=a=1"], "`a` is no JSON pointer: write, e.g., /a");
    check(&["--rate=1/s", "--retry-on=503"], "--retry-on is about events that are sent again");
    check(&["--rate=1/s", "--retry=1", "--retry-on=5xx"], "write, e.g., 200-299,302, connect or");
    check(&["--rate=1/s", "--retry=1"], "--retry: no target is reached over HTTP");
    check(&["--rate=1/s", "--expect-within=1s"], "--expect-within: no target is reached over HTTP");
    check(&["--rate=1/s", "--success=2xx"], "`2xx` is no status code from 200 to 599");
}
