//! Chromium, driven by a script of this folder in Node, and the conversation with it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::process::announce;

/// Where Debian and others put it.
const CHROMIUM: [&str; 3] = [
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
];

/// The scripts, and what npm is told.
const FILES: [&str; 18] = [
    "package.json",
    "package-lock.json",
    "harness.mjs",
    "accounts.mjs",
    "door.mjs",
    "watch.mjs",
    "fortnight.mjs",
    "day.mjs",
    "demo.mjs",
    "every.mjs",
    "ward.mjs",
    "family.mjs",
    "enrol.mjs",
    "fleet.mjs",
    "handover.mjs",
    "phone.mjs",
    "passkey.mjs",
    "patient.mjs",
];

/// Playwright needs it.
const NODE_AT_LEAST: u32 = 20;

/// A browser that can be driven.
#[derive(Debug, Clone)]
pub(crate) struct Chromium {
    program: PathBuf,
    /// Where the scripts and what npm fetched lie together.
    workshop: PathBuf,
}

/// What comes back when a wish was granted.
pub(crate) trait Answer {
    /// One line.
    fn line(self) -> String;
}

impl Answer for () {
    fn line(self) -> String {
        String::new()
    }
}

impl Answer for String {
    fn line(self) -> String {
        self
    }
}

/// A script; it ends with the test.
struct Script(Child);

impl Drop for Script {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Chromium {
    /// The browser of this machine, made ready once for all tests.
    pub(crate) fn find() -> Result<Self, String> {
        static FOUND: OnceLock<Result<Chromium, String>> = OnceLock::new();
        FOUND.get_or_init(Self::prepare).clone()
    }

    fn prepare() -> Result<Self, String> {
        let program = CHROMIUM.iter().map(PathBuf::from).find(|it| it.exists());
        let program = program.ok_or("there is no Chromium; on Debian: apt install chromium")?;
        let node = output(Command::new("node").arg("--version"))?;
        let major = node.trim_start_matches('v').split('.').next();
        if major
            .and_then(|major| major.parse::<u32>().ok())
            .is_none_or(|major| major < NODE_AT_LEAST)
        {
            return Err(format!("Node is {node}, and {NODE_AT_LEAST} is needed"));
        }
        let workshop = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
        fs::create_dir_all(workshop.join("pictures")).map_err(|error| error.to_string())?;
        let ready = workshop.join("ready");
        let lock = source("package-lock.json");
        let is_ready = fs::read(&ready).is_ok_and(|held| Some(held) == fs::read(&lock).ok());
        for name in FILES {
            let copied = fs::copy(source(name), workshop.join(name));
            copied.map_err(|error| format!("{name}: {error}"))?;
        }
        if !is_ready {
            // No install scripts: what is fetched must not run anything by being fetched.
            let mut npm = Command::new("npm");
            npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
            output(npm.arg("--loglevel=error").current_dir(&workshop))?;
            fs::copy(lock, ready).map_err(|error| error.to_string())?;
        }
        announce(&format!(
            "pictures: {}",
            workshop.join("pictures").display()
        ));
        Ok(Self { program, workshop })
    }

    /// Runs a script to its good end; `grant` does what it asks for, and may tell it something.
    /// What the script said is returned.
    pub(crate) fn run<A: Answer>(
        &self,
        script: &str,
        told: &Value,
        mut grant: impl FnMut(&str) -> A,
    ) -> Vec<String> {
        let mut told = told.clone();
        told["chromium"] = json!(self.program);
        told["scratch"] = json!(self.workshop);
        told["pictures"] = json!(self.workshop.join("pictures"));
        let mut command = Command::new("node");
        command.arg(script).current_dir(&self.workshop);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut node = Script(command.spawn().expect("node was found before"));
        let mut input = node.0.stdin.take().expect("its input is piped");
        let output = node.0.stdout.take().expect("its output is piped");
        writeln!(input, "{told}").expect("the script listens");
        let mut said = Vec::new();
        for line in BufReader::new(output).lines() {
            let line = line.expect("what a script says is text");
            match line.strip_prefix("ask ") {
                Some(wish) => {
                    let answer = grant(wish).line();
                    writeln!(input, "{answer}").expect("the script waits for the answer");
                }
                None => {
                    if !line.starts_with("readings ") {
                        announce(&line);
                    }
                    said.push(line);
                }
            }
        }
        let status = node.0.wait().expect("a child can be waited for");
        let why = said.iter().skip_while(|line| !line.starts_with("failed"));
        let why: Vec<_> = why.map(String::as_str).collect();
        assert!(
            status.success(),
            "{script} ended with {status}\n{}",
            why.join("\n")
        );
        said
    }
}

fn source(name: &str) -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    tests.join("browser").join(name)
}

/// What a command prints; its failure in one sentence.
fn output(command: &mut Command) -> Result<String, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let done = command.output();
    let done = done.map_err(|error| format!("`{program}` cannot be started: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if done.status.success() {
        Ok(text(&done.stdout))
    } else {
        Err(format!("`{program}` failed: {}", text(&done.stderr)))
    }
}
