//! The files of the checkout, as the rules see them: a path from the root, and a text.
//!
//! Git is asked first, for what it tracks and what it would track; a checkout without git is
//! walked instead. Files that are not UTF-8 (icons, recorded frames) have no lines to judge and
//! are left out.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a walk never enters, at any depth: history, and what is built or downloaded.
const NOT_OURS: &[&str] = &[".git", "target", "node_modules"];

/// Where a demo keeps its data, at the root only; `.gitignore` says the same.
const DEMO_DATA: &str = "data";

/// One text file of the project.
pub(crate) struct File {
    /// Path from the root of the checkout, with `/` between its parts.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// A broken rule: where, and what to do about it.
pub(crate) struct Fault {
    path: String,
    line: usize,
    advice: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: {}", self.path, self.line, self.advice)
    }
}

impl File {
    /// The lines with their numbers, counted from one as editors do.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines())
    }

    pub(crate) fn extension(&self) -> &str {
        self.name()
            .rsplit_once('.')
            .map_or("", |(_, extension)| extension)
    }

    pub(crate) fn is_rust(&self) -> bool {
        self.extension() == "rs"
    }

    /// The file's name without its folder.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The folder the file lies in; empty at the root.
    pub(crate) fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// Written by a package manager: its long lines and hashes are not ours to judge.
    pub(crate) fn is_lock(&self) -> bool {
        ["Cargo.lock", "package-lock.json"].contains(&self.name())
    }

    /// The first line that belongs to tests: the first of a test file, else that of the test
    /// module, which by custom closes the file.
    pub(crate) fn tests_begin(&self) -> usize {
        let in_tests = self
            .path
            .split('/')
            .any(|part| part == "tests" || part == "tests.rs");
        if in_tests {
            return 1;
        }
        self.lines()
            .find(|(_, line)| line.trim_start().starts_with("#[cfg(test)]"))
            .map_or(usize::MAX, |(number, _)| number)
    }

    pub(crate) fn fault(&self, line: usize, advice: impl Into<String>) -> Fault {
        Fault {
            path: self.path.clone(),
            line,
            advice: advice.into(),
        }
    }
}

/// The root of the checkout.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every text file of the project, in the order of their paths.
pub(crate) fn files() -> Vec<File> {
    let mut paths = listed_by_git().unwrap_or_else(walked);
    paths.sort_unstable();
    paths.dedup();
    paths.into_iter().filter_map(read).collect()
}

/// A listed file may be gone from the disk, or not be text: then there is nothing to judge.
fn read(path: String) -> Option<File> {
    let bytes = std::fs::read(root().join(&path)).ok()?;
    Some(File {
        path,
        text: String::from_utf8(bytes).ok()?,
    })
}

/// None without git, outside a repository, or when git lists nothing here (an unpacked archive
/// inside somebody else's repository).
fn listed_by_git() -> Option<Vec<String>> {
    let listing = Command::new("git")
        .arg("-C")
        .arg(root())
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .output()
        .ok()
        .filter(|listing| listing.status.success())?;
    let names = String::from_utf8(listing.stdout).ok()?;
    let paths: Vec<String> = names.split_terminator('\0').map(String::from).collect();
    (!paths.is_empty()).then_some(paths)
}

fn walked() -> Vec<String> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = vec![root().to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).expect("the checkout can be listed");
        for entry in entries.filter_map(Result::ok) {
            let path = entry.path();
            let ours = !NOT_OURS.iter().any(|name| entry.file_name() == *name);
            if path.is_dir() && ours && path != root().join(DEMO_DATA) {
                folders.push(path);
            } else if path.is_file() {
                let inside = path
                    .strip_prefix(root())
                    .expect("a walk stays below its root");
                found.extend(inside.to_str().map(String::from));
            }
        }
    }
    found
}
