//! A program under test as a process of its own, with its log in a file.
//!
//! Whatever happens to the test, the process ends with it. Waiting is always for a level (the log
//! says it, the file is there), never for a moment, and always has an end.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Longest wait for anything. Most of what is waited for takes a moment; a client that has met a
/// dead broker again and again may rest for two minutes before it tries once more.
pub(crate) const PATIENCE: Duration = Duration::from_secs(240);

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How much of a log a failure shows.
const TAIL_BYTES: usize = 4_000;

/// Waits until `look` sees something, and panics with `what` when it never does.
pub(crate) fn wait_until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(begun.elapsed() < PATIENCE, "in vain: {what}");
        thread::sleep(LOOK_EVERY);
    }
}

/// A line for whoever watches the test; libtest would hide it when all is well.
pub(crate) fn announce(line: &str) {
    writeln!(io::stderr(), "{line}").expect("standard error is open");
}

/// A running process. Dropping it is SIGKILL: no last word, nothing flushed, and it is gone.
#[derive(Debug)]
pub(crate) struct Process {
    log: PathBuf,
    child: Child,
}

impl Process {
    /// Starts `command`; all that it says goes to `log`.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Self {
        let out = File::create(log).expect("the log can be made");
        let same = out.try_clone().expect("a file can be held twice");
        let command = command.stdin(Stdio::null()).stdout(same).stderr(out);
        Self {
            log: log.to_owned(),
            child: command.spawn().expect("the program can be started"),
        }
    }

    /// All that it has said so far.
    pub(crate) fn said(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).expect("the log can be read")).into_owned()
    }

    /// Waits until it has said `text` so many times; panics when it ends before.
    pub(crate) fn wait_for(&mut self, text: &str, times: usize) {
        let what = format!("{} says {text:?} {times} times", self.log.display());
        wait_until(&what, || {
            // Asked first: what it said before it ended is in the log by then.
            let ended = self.ended();
            let told = self.has_said(text, times);
            assert!(told || ended.is_none(), "{what}, but it ended: {ended:?}");
            told.then_some(())
        });
    }

    /// Whether it has said `text` so many times.
    pub(crate) fn has_said(&self, text: &str, times: usize) -> bool {
        self.said().matches(text).count() >= times
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be asked after")
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGTERM: it drains, and must say that all went well.
    pub(crate) fn end(mut self) -> String {
        let number = i32::try_from(self.id()).expect("a process number fits");
        let process = rustix::process::Pid::from_raw(number).expect("a process number is not 0");
        rustix::process::kill_process(process, rustix::process::Signal::TERM)
            .expect("a child can be told to end");
        let what = format!("{} ends when told to", self.log.display());
        let status = wait_until(&what, || self.ended());
        assert!(status.success(), "{what}: {status}");
        self.said()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
        if thread::panicking() {
            let said = self.said();
            let cut = said.len().saturating_sub(TAIL_BYTES);
            let tail = said.get(cut..).unwrap_or(&said);
            announce(&format!("--- {} ends with\n{tail}", self.log.display()));
        }
    }
}
