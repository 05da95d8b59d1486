//! Headers that the user adds, and the secrets among them.

use std::path::Path;

use ce_record::Outcome::Ok;
use ce_testkit::{Run, Tool};

use crate::support::{Act, Server, Stream};
use crate::{ce_blast, events};

/// Sends one event; the head of its request and what the run left behind.
fn send(tool: Tool) -> (Vec<String>, Run) {
    let server = Server::start(|_| Act::Reply(200));
    let run = tool.args(["--to", &server.url(), "--rate", "9/s"]).stdin(events(1)).run();
    Stream::read(&run.expect_code(0).stdout).expect_outcomes(&[(Ok, 1)]);
    let [request] = &server.requests()[..] else { panic!("one request") };
    (request.head.clone(), run)
}

fn lines<'a>(head: &'a [String], name: &str) -> Vec<&'a str> {
    head.iter().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).collect()
}

/// The error of a run that must not start.
#[track_caller]
fn refusal(tool: Tool) -> String {
    let server = Server::start(|_| Act::Reply(200));
    let run = tool.args(["--to", &server.url(), "--rate", "9/s"]).stdin(events(1)).run();
    run.expect_code(2);
    assert_eq!((run.stdout.as_str(), server.connections()), ("", 0));
    assert!(!run.stderr.contains("s3cret"), "{}", run.stderr);
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    run.stderr
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn headers_are_added_repeated_and_replaced() {
    let added = ["--header", "X-Tenant: a b", "--header", "x-tenant:c", "--header", "Host: inner"];
    let (head, run) = send(ce_blast().args(added).args(["--header", "user-agent: probe/1"]));
    assert_eq!(lines(&head, "x-tenant"), ["a b", "c"]);
    assert_eq!(lines(&head, "host"), ["inner"]);
    assert_eq!(lines(&head, "user-agent"), ["probe/1"]);
    assert_eq!(lines(&head, "content-type"), ["application/cloudevents+json"]);
    assert_eq!(lines(&head, "authorization"), [""; 0]);
    assert_eq!(run.stderr.matches("header").count(), 0, "{}", run.stderr);
}

#[test]
fn a_token_comes_from_a_file_or_the_environment_and_is_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "token", "s3cret-1\n");
    let basic = write(folder.path(), "headers", "\nAuthorization: Basic s3cret-3\r\nx-a: s3cret\n");
    for (tool, expected) in [
        (ce_blast().args(["--bearer-token-file", &file]), "Bearer s3cret-1"),
        (ce_blast().env("CE_BEARER_TOKEN_FILE", &file), "Bearer s3cret-1"),
        (ce_blast().env("CE_BEARER_TOKEN", "s3cret-2"), "Bearer s3cret-2"),
        (ce_blast().args(["--header", &format!("@{basic}")]), "Basic s3cret-3"),
    ] {
        let (head, run) = send(tool);
        assert_eq!(lines(&head, "authorization"), [expected]);
        assert!(!run.stdout.contains("s3cret") && !run.stderr.contains("s3cret"), "{run:?}");
    }
    let help = ce_blast().env("CE_BEARER_TOKEN", "s3cret").arg("--help").run();
    assert!(!help.expect_code(0).stdout.contains("s3cret"));
}

#[test]
fn a_secret_on_the_command_line_is_refused_with_a_hint() {
    for name in ["Authorization", "proxy-authorization", "Cookie", "X-Api-Key", "X-Auth"] {
        let line = refusal(ce_blast().args(["--header", &format!("{name}: s3cret")]));
        assert!(line.contains(&format!("`{}`", name.to_lowercase())), "{line}");
        assert!(line.contains("use --bearer-token-file, CE_BEARER_TOKEN or --header @FILE"));
    }
}

#[test]
fn a_header_that_cannot_be_is_one_error_that_says_where() {
    let folder = tempfile::tempdir().unwrap();
    let broken = write(folder.path(), "broken", "x-a: 1\n\ns3cret\n");
    let token = write(folder.path(), "token", "s3cret");
    let empty = write(folder.path(), "empty", " \n");
    let double = write(folder.path(), "double", "authorization: Basic s3cret");
    let check = |args: &[&str], says: &str| {
        let line = refusal(ce_blast().args(args));
        assert!(line.contains(says), "{args:?}: {line}");
    };
    check(&["--header", "s3cret"], "--header: no header: write `Name: value`");
    check(&["--header", "ce-id: 1"], "`ce-id` is an attribute: set it in the events");
    check(&["--header", "content-type: a/b"], "`content-type` follows from the event");
    check(&["--header", &format!("@{broken}")], "broken:3: no header: write `Name: value`");
    check(&["--header", "@/nowhere"], "--header: /nowhere: cannot read: No such file");
    check(&["--bearer-token-file", "/nowhere"], "/nowhere: cannot read: No such file");
    check(&["--bearer-token-file", &empty], "empty: holds no token");
    let both = ["--bearer-token-file", &token, "--header", &format!("@{double}")];
    check(&both, "keep one of them");
}

#[test]
fn a_request_has_one_host() {
    let two = ["--header", "Host: a.test", "--header", "host: b.test"];
    assert!(refusal(ce_blast().args(two)).contains("two `host`"));
}

#[test]
fn headers_without_an_http_target_are_refused() {
    for (args, flag) in [
        (["--header", "x-a: 1"], "--header"),
        (["--bearer-token-file", "/nowhere"], "--bearer-token-file"),
    ] {
        let run = ce_blast().args(["--to=null:", "--rate=9/s"]).args(args).stdin(events(1)).run();
        let expected = format!("ce-blast: {flag}: no target is reached over HTTP\n");
        assert_eq!(run.expect_code(2).stderr, expected);
    }
}

#[test]
fn headers_from_a_pipe_reach_every_target() {
    let servers = [(); 2].map(|()| Server::start(|_| Act::Reply(202)));
    let folder = tempfile::tempdir().unwrap();
    let scenario = |name, server: &Server| {
        format!(
            "[scenarios.{name}]\nexecutor = 'constant-arrival-rate'\nrate = 50\nduration = '100ms'\n\
             to = '{}'\n",
            server.url()
        )
    };
    let plan = scenario("a", &servers[0]) + &scenario("b", &servers[1]);
    std::fs::write(folder.path().join("plan.toml"), plan).unwrap();
    std::fs::write(folder.path().join("events"), events(10)).unwrap();
    let script = format!(
        "{} --plan plan.toml --header @<(echo 'x-team: blue') events > sent",
        env!("CARGO_BIN_EXE_ce-blast")
    );
    Tool::shell(&script).current_dir(folder.path()).run().expect_code(0);
    for server in servers {
        let requests = server.requests();
        assert_eq!(requests.len(), 5);
        assert!(requests.iter().all(|it| it.head.contains(&"x-team: blue".to_owned())));
    }
}
