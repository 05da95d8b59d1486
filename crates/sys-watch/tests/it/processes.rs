//! Real processes: busy, idle, ended, and some that come later.

use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use crate::stream::{Stream, wait_for_output, written};
use crate::sys_watch;

/// A shell that never outlives its test.
struct Shell(Child);

impl Shell {
    fn run(command: &mut Command, script: &str) -> Self {
        // A shell that reads waits until its stdin is closed, so at the latest for the test's end.
        let command = command.args(["-c", script]).stdin(Stdio::piped());
        Self(command.spawn().expect("there is a shell"))
    }

    fn called(argv0: &str, script: &str) -> Self {
        Self::run(Command::new("sh").arg0(argv0), script)
    }

    fn pid(&self) -> String {
        self.0.id().to_string()
    }

    /// Ends it and leaves a zombie, because nobody asks how it ended.
    fn end(&mut self) {
        self.0.kill().expect("the shell is ours");
    }

    /// Ends it for good; its pid is free again.
    fn reap(mut self) -> String {
        self.end();
        self.0.wait().expect("the shell is ours");
        self.pid()
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Nothing else on this machine has such a name.
fn unique(name: &str) -> String {
    format!("{name}-{}", std::process::id())
}

fn watch(args: &[&str]) -> Stream {
    let run = sys_watch().args(args).run();
    assert_eq!(run.expect_code(0).stderr, "");
    Stream::read(&run.stdout)
}

#[test]
fn a_busy_process_is_told_from_an_idle_one() {
    let busy = Shell::called("sh", "while :; do :; done");
    let idle = Shell::called("sh", "read _");
    let stream =
        watch(&["--proc", &busy.pid(), "--proc", &idle.pid(), "--interval=200ms", "--duration=1s"]);
    let ratios_of = |shell: &Shell| -> Vec<f64> {
        let gauges = stream.gauges("process_cpu_ratio").into_iter();
        let own = gauges.filter(|gauge| gauge["labels"]["pid"] == shell.pid().as_str());
        own.map(|gauge| gauge["value"].as_f64().unwrap()).collect()
    };
    let busy_sum: f64 = ratios_of(&busy).iter().sum();
    let idle_sum: f64 = ratios_of(&idle).iter().sum();
    // On a machine with other work the busy one gets less than a core, but never more.
    assert!(busy_sum > 0.2 && busy_sum / 5.0 < 1.2, "{busy_sum}");
    assert!(idle_sum < 0.1, "{idle_sum}");
    assert_eq!(stream.marks(), [""; 0]);
}

#[test]
fn every_look_has_memory_threads_descriptors_and_storage() {
    let shell = Shell::called("sh", "read _");
    let stream = watch(&["--proc", &shell.pid(), "--duration=0s"]);
    let names = [
        "process_resident_memory_bytes",
        "process_open_fds",
        "process_threads",
        "process_read_bytes_total",
        "process_write_bytes_total",
    ];
    let written: Vec<&str> =
        stream.records.iter().map(|gauge| gauge["name"].as_str().unwrap()).collect();
    assert_eq!(written, names);
    for gauge in &stream.records {
        assert_eq!(gauge["labels"], serde_json::json!({"name": "sh", "pid": shell.pid()}));
    }
    assert!(stream.values("process_resident_memory_bytes")[0] > 100_000.0);
    assert!(stream.values("process_open_fds")[0] >= 3.0);
    assert_eq!(stream.values("process_threads"), [1.0]);
}

#[test]
fn the_watch_ends_with_the_last_process() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("records.ndjson");
    let mut shells = [Shell::called("sh", "read _"), Shell::called("sh", "read _")];
    let pids = shells.iter().map(Shell::pid).collect::<Vec<_>>().join(",");
    let args = ["--proc", &pids, "--interval", "100ms"];
    let mut running = sys_watch().args(args).stdout_file(&path).spawn();
    wait_for_output(&running, &path, "process_threads");
    shells[0].end();
    wait_for_output(&running, &path, "process_ended");
    shells[1].end();
    assert_eq!((running.wait(), running.stderr().as_str()), (0, ""));

    let stream = Stream::read(&written(&path));
    assert_eq!(stream.marks(), ["process_ended"; 2]);
    assert_eq!(stream.mark("process_ended")["labels"]["pid"], shells[0].pid().as_str());
    assert_eq!(stream.end["stopped"], "done");
}

#[test]
fn a_name_is_waited_for_and_outlives_its_process() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("records.ndjson");
    let name = unique("late");
    let args = ["--proc", &name, "--interval", "100ms"];
    let mut running = sys_watch().args(args).stdout_file(&path).spawn();
    running.wait_for(&format!("sys-watch: no process is called {name} yet: waiting for it"));

    let program = dir.path().join(&name);
    symlink("/bin/sh", &program).unwrap();
    let shell = Shell::run(Command::new(&program).arg0("other"), "read _");
    wait_for_output(&running, &path, "process_started");
    let pid = shell.reap();
    wait_for_output(&running, &path, "process_ended");
    assert_eq!(running.stop(), 0);

    let stream = Stream::read(&written(&path));
    assert_eq!(stream.marks(), ["process_started", "process_ended"]);
    let mark = stream.mark("process_started");
    assert_eq!((&mark["name"], &mark["labels"]["pid"]), (&name.into(), &pid.into()));
    assert_eq!(stream.end["stopped"], "interrupted");
}

#[test]
fn all_processes_of_a_name_are_watched_whatever_their_path() {
    let name = unique("twin");
    let shells = [
        Shell::called(&format!("/opt/app/{name}"), "read _"),
        Shell::called(&name, "read _"),
        Shell::called(&format!("{name}-other"), "read _"),
    ];
    let stream = watch(&["--proc", &name, "--duration=0s"]);
    let mut pids: Vec<u32> = stream
        .gauges("process_threads")
        .iter()
        .map(|gauge| gauge["labels"]["pid"].as_str().unwrap().parse().unwrap())
        .collect();
    pids.sort_unstable();
    let mut expected = [shells[0].0.id(), shells[1].0.id()];
    expected.sort_unstable();
    assert_eq!(pids, expected);
}

#[test]
fn a_process_that_is_named_twice_is_watched_once() {
    let name = unique("both");
    let shell = Shell::called(&name, "read _");
    let stream = watch(&["--proc", &name, "--proc", &shell.pid(), "--duration=0s"]);
    assert_eq!(stream.values("process_threads"), [1.0]);
}

#[test]
fn a_pid_that_does_not_exist_is_refused_before_any_record() {
    let pid = Shell::called("sh", "read _").reap();
    let run = sys_watch().args(["--proc", &pid]).run();
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    let line =
        format!("sys-watch: --proc {pid}: no such process; name the program to wait for it\n");
    assert_eq!(run.stderr, line);
}
