//! A process that goes on while the test does something else. It never outlives the test.

use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::process::{
    Pid, Resource, Rlimit, Signal, getrlimit, kill_process, kill_process_group, prlimit,
};

use crate::tool::wait_until;

/// A started process.
#[derive(Debug)]
pub struct Running {
    child: Child,
    deadline: Duration,
    stderr: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Running {
    pub(crate) fn new(mut child: Child, deadline: Duration) -> Self {
        let stderr = Arc::new(Mutex::new(String::new()));
        let reader = child.stderr.take().map(|from| {
            let to = Arc::clone(&stderr);
            thread::spawn(move || {
                for line in BufReader::new(from).lines().map_while(Result::ok) {
                    let mut text = to.lock().expect("the reader does not panic");
                    text.push_str(&line);
                    text.push('\n');
                }
            })
        });
        Self { child, deadline, stderr, reader }
    }

    /// What it has written to stderr so far.
    pub fn stderr(&self) -> String {
        self.stderr.lock().expect("the reader does not panic").clone()
    }

    /// Waits for a line of stderr that contains `text`, and returns that line.
    pub fn wait_for(&self, text: &str) -> String {
        let what = format!("`{text}` on stderr");
        wait_until(self.deadline, &what, || {
            self.stderr().lines().find(|line| line.contains(text)).map(ToOwned::to_owned)
        })
    }

    /// Waits until `done` says so.
    pub fn wait_until(&self, what: &str, mut done: impl FnMut() -> bool) {
        wait_until(self.deadline, what, || done().then_some(()));
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ctrl-C.
    pub fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// Ends it without a chance to clean up.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("the process is ours and was not waited for");
    }

    /// From now on it may have so many files open, as after `ulimit -Sn`; what it has open stays so.
    pub fn limit_open_files(&self, count: Option<u64>) {
        let pid = Pid::from_child(&self.child);
        let maximum = getrlimit(Resource::Nofile).maximum;
        let limit = Rlimit { current: count.or(maximum), maximum };
        prlimit(Some(pid), Resource::Nofile, limit).expect("the process is ours");
    }

    /// Waits for the end of the process and of its stderr; the exit code, or the negative number of
    /// the signal.
    pub fn wait(&mut self) -> i32 {
        let (child, deadline) = (&mut self.child, self.deadline);
        let status = wait_until(deadline, "the end of the process", || {
            child.try_wait().expect("the process is ours")
        });
        if let Some(reader) = self.reader.take() {
            self.end_group();
            reader.join().expect("the reader does not panic");
        }
        status.code().unwrap_or_else(|| -status.signal().unwrap_or(0))
    }

    /// Ends everything that the process has started and left.
    pub(crate) fn end_group(&self) {
        // The group is gone when nothing is left of it.
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
    }

    /// Ctrl-C, then waits for the end.
    pub fn stop(&mut self) -> i32 {
        self.interrupt();
        self.wait()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.end_group();
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
