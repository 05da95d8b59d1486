//! One run of a binary: what goes in, and the exit code and both streams that come out.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::Running;

/// How long any tool may take in a test before it counts as hanging.
const DEADLINE: Duration = Duration::from_mins(2);

/// A binary and how to call it.
#[derive(Debug)]
pub struct Tool {
    command: Command,
    stdin: Option<Vec<u8>>,
    stdout: Out,
    deadline: Duration,
}

#[derive(Debug)]
enum Out {
    Captured,
    /// The reader leaves before the tool writes.
    Closed,
    File(PathBuf),
}

/// What a run left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The exit code; a negative number is the signal that ended it.
    pub code: i32,
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
}

/// The path of a binary of this workspace, found beside the test that asks. `cargo test --workspace`
/// builds it, because each tool has a test of its own.
pub fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    let folder = test.parent().and_then(Path::parent).expect("target/<profile>/deps/<test>");
    let path = folder.join(name);
    assert!(path.exists(), "{} is missing: build the whole workspace", path.display());
    path
}

impl Tool {
    /// Calls the binary at `path`.
    pub fn new(path: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(path);
        // A group of its own, so that what it leaves behind can be ended with it.
        command.env("NO_COLOR", "1").stdin(Stdio::null()).process_group(0);
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_ours(name)) {
            command.env_remove(name);
        }
        Self { command, stdin: None, stdout: Out::Captured, deadline: DEADLINE }
    }

    /// Calls a binary of this workspace by its name.
    pub fn named(name: &str) -> Self {
        Self::new(binary(name))
    }

    /// Runs a shell script in which the tools of this workspace are on the path. A pipe fails when
    /// any of its tools does.
    pub fn shell(script: &str) -> Self {
        let tools = binary("ce-gen");
        let folder = tools.parent().expect("a file is in a folder").as_os_str().to_owned();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = [folder, path].join(OsStr::new(":"));
        Self::new("bash").args(["-euo", "pipefail", "-c", script]).env("PATH", path)
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(mut self, args: I) -> Self {
        self.command.args(args);
        self
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs in this folder.
    #[must_use]
    pub fn current_dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Feeds this to stdin.
    #[must_use]
    pub fn stdin(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(text.into());
        self
    }

    /// Feeds this file to stdin.
    #[must_use]
    pub fn stdin_file(mut self, path: impl AsRef<Path>) -> Self {
        let file = File::open(path.as_ref()).expect("the input exists");
        self.command.stdin(file);
        self
    }

    /// Writes stdout to this file; `/dev/full` is a full disk.
    #[must_use]
    pub fn stdout_file(mut self, path: impl AsRef<Path>) -> Self {
        self.stdout = Out::File(path.as_ref().to_owned());
        self
    }

    /// Closes the reading end of stdout before the tool writes.
    #[must_use]
    pub fn close_stdout(mut self) -> Self {
        self.stdout = Out::Closed;
        self
    }

    /// Gives up after this time.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Runs to the end and fails the test if that takes too long.
    pub fn run(mut self) -> Run {
        let captured = matches!(self.stdout, Out::Captured);
        let mut child = self.start();
        let close = matches!(self.stdout, Out::Closed);
        let stdout = child.stdout.take().filter(|_| !close);
        let stdout = thread::spawn(move || read_all(stdout.filter(|_| captured)));
        let stderr = child.stderr.take();
        let stderr = thread::spawn(move || read_all(stderr));
        let mut running = Running::new(child, self.deadline);
        let code = running.wait();
        // Something that a script has left in the background would keep the streams open.
        running.end_group();
        Run {
            code,
            stdout: stdout.join().expect("reading stdout"),
            stderr: stderr.join().expect("reading stderr"),
        }
    }

    /// Starts and goes on. Stdout is lost unless it goes to a file.
    pub fn spawn(mut self) -> Running {
        if matches!(self.stdout, Out::Captured) {
            self.stdout = Out::File("/dev/null".into());
        }
        let child = self.start();
        Running::new(child, self.deadline)
    }

    fn start(&mut self) -> std::process::Child {
        let stdout = match &self.stdout {
            Out::Captured | Out::Closed => Stdio::piped(),
            Out::File(path) => File::options()
                .create(true)
                .write(true)
                .truncate(true)
                .open(path)
                .map_or_else(|err| panic!("{}: {err}", path.display()), Stdio::from),
        };
        self.command.stdout(stdout).stderr(Stdio::piped());
        if self.stdin.is_some() {
            self.command.stdin(Stdio::piped());
        }
        let mut child =
            self.command.spawn().unwrap_or_else(|err| panic!("{:?}: {err}", self.command));
        if let Some(text) = self.stdin.take() {
            let mut stdin = child.stdin.take().expect("it was piped");
            // The tool may leave early; that is for the test to judge.
            thread::spawn(move || drop(stdin.write_all(&text)));
        }
        child
    }
}

impl Run {
    /// Fails the test with both streams unless the exit code is `code`.
    #[track_caller]
    pub fn expect_code(&self, code: i32) -> &Self {
        let Self { code: found, stdout, stderr } = self;
        let head: String = stdout.chars().take(2000).collect();
        assert_eq!(*found, code, "\n--- stdout\n{head}\n--- stderr\n{stderr}\n---");
        self
    }
}

/// Settings of the person who runs the tests must not change them.
fn is_ours(name: &OsString) -> bool {
    name.to_str().is_some_and(|name| {
        let of_scripts = [
            "BIN",
            "BROKER_URL",
            "CONCURRENT",
            "DURATION",
            "ENV",
            "EVENT_TYPE",
            "OUT",
            "PAUSE_MS",
            "RAMP_UP",
            "RATE",
            "TIME_SCALE",
        ];
        name.starts_with("CE_") || of_scripts.contains(&name)
    })
}

fn read_all(from: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut from) = from {
        from.read_to_end(&mut bytes).expect("a pipe can be read");
    }
    String::from_utf8(bytes).expect("the tools write UTF-8")
}

/// Asks `done` until it says so; fails the test at the deadline.
pub fn wait_until<T>(deadline: Duration, what: &str, mut done: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + deadline;
    loop {
        if let Some(value) = done() {
            return value;
        }
        assert!(Instant::now() < end, "{what}: not within {deadline:?}");
        thread::sleep(Duration::from_millis(2));
    }
}
