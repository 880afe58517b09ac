//! The workspace as its manifests tell it: rooms, and who depends on whom.
//!
//! Only manifests are read. What Cargo resolves behind them (features, transitive crates from
//! the registry) is the business of `deny.toml`.

use crate::tree::{Fault, File};
use std::collections::{BTreeMap, BTreeSet};

/// Package names carry it; rooms are called without it.
const PREFIX: &str = "veglia-";

/// The fuzz targets are a workspace of their own.
const FUZZ_LOCK: &str = "broker/fuzz/Cargo.lock";

/// The root package is no room: it knows them all.
pub(crate) const ROOT: &str = "veglia";

/// Who depends directly on whom, by the names of the rooms.
pub(crate) type Graph = BTreeMap<String, BTreeSet<String>>;

/// One package of the workspace.
pub(crate) struct Room<'a> {
    pub(crate) file: &'a File,
    /// The package name without the project's prefix.
    pub(crate) name: String,
    pub(crate) dependencies: Vec<Dependency>,
    table: toml::Table,
}

/// One line of a dependency section.
pub(crate) struct Dependency {
    /// Without the project's prefix when it is a room.
    pub(crate) name: String,
    pub(crate) is_room: bool,
    pub(crate) in_tests: bool,
    pub(crate) line: usize,
    from_workspace: bool,
}

/// The root package and every member, read from `files`.
pub(crate) fn rooms(files: &[File]) -> Vec<Room<'_>> {
    let root = parse(root_manifest(files));
    let members = members(&root);
    files
        .iter()
        .filter(|file| file.name() == "Cargo.toml")
        .filter(|file| file.folder().is_empty() || members.contains(file.folder()))
        .map(room)
        .collect()
}

/// The direct edges between rooms. Tests have their own, wider, set.
pub(crate) fn graph(rooms: &[Room<'_>]) -> Graph {
    let edges = |room: &Room<'_>| {
        let shipped = room
            .dependencies
            .iter()
            .filter(|it| it.is_room && !it.in_tests);
        shipped.map(|it| it.name.clone()).collect()
    };
    rooms
        .iter()
        .map(|room| (room.name.clone(), edges(room)))
        .collect()
}

/// The shortest way from one room down to another, both ends included.
pub(crate) fn route(graph: &Graph, from: &str, to: &str) -> Option<Vec<String>> {
    let mut seen = BTreeSet::from([from]);
    let mut ways = std::collections::VecDeque::from([vec![from]]);
    while let Some(way) = ways.pop_front() {
        let here = way.last().copied()?;
        if here == to {
            return Some(way.into_iter().map(String::from).collect());
        }
        for next in graph.get(here).into_iter().flatten() {
            if seen.insert(next) {
                ways.push_back(way.iter().copied().chain([next.as_str()]).collect());
            }
        }
    }
    None
}

/// One dependency table: every entry of every section says `workspace = true`.
pub(crate) fn versions_outside_the_table(room: &Room<'_>) -> Vec<Fault> {
    let strays = room.dependencies.iter().filter(|it| !it.from_workspace);
    let advice = |name: &str| {
        format!("`{name}` must say `workspace = true`: versions stand in the root Cargo.toml only")
    };
    strays
        .map(|it| room.file.fault(it.line, advice(&it.name)))
        .collect()
}

/// One lint table: every package inherits it.
pub(crate) fn own_lints(room: &Room<'_>) -> Option<Fault> {
    let inherits = room
        .table
        .get("lints")
        .and_then(|lints| lints.get("workspace"));
    let missing = inherits.and_then(toml::Value::as_bool) != Some(true);
    missing.then(|| room.file.fault(1, "add `[lints]` with `workspace = true`"))
}

/// Members are listed by name, and every package of the tree is one, unless a workspace of its
/// own stands above it: the firmware boards (another target), the fuzz targets (counters in every
/// branch, and a C++ library that is never shipped). Each has a lock file of its own.
pub(crate) fn unlisted_members(files: &[File]) -> Vec<Fault> {
    let manifest = root_manifest(files);
    let members = members(&parse(manifest));
    let globs = members
        .iter()
        .filter(|member| member.contains('*'))
        .map(|member| {
            manifest.fault(
                line_of(manifest, "[workspace]", member),
                "list members by name, no globs",
            )
        });
    let own: Vec<&str> = files
        .iter()
        .filter(|file| file.name() == "Cargo.toml" && !file.folder().is_empty())
        .filter(|file| parse(file).contains_key("workspace"))
        .map(File::folder)
        .collect();
    let strays = files
        .iter()
        .filter(|file| file.name() == "Cargo.toml" && !file.folder().is_empty())
        .filter(|file| !members.contains(file.folder()))
        .filter(|file| !own.iter().any(|above| is_within(file.folder(), above)))
        .map(|file| file.fault(1, "add this package to `members` in the root Cargo.toml"));
    globs.chain(strays).collect()
}

/// What is fuzzed is what is shipped: whatever stands in both lock files has the same version in
/// both, or one of those in the first.
pub(crate) fn fuzzed_in_another_version(files: &[File]) -> Vec<Fault> {
    let lock = |path| files.iter().find(|file| file.path == path);
    let (Some(shipped), Some(fuzzed)) = (lock("Cargo.lock"), lock(FUZZ_LOCK)) else {
        return Vec::new();
    };
    let shipped = locked(shipped);
    let others = locked(fuzzed).into_iter().filter(|(name, versions)| {
        let known = shipped.get(name);
        known.is_some_and(|known| !versions.is_subset(known))
    });
    let advice = |name: &str| {
        format!("`{name}` is shipped in another version: copy the root Cargo.lock here, then build")
    };
    others
        .map(|(name, _)| fuzzed.fault(1, advice(&name)))
        .collect()
}

/// Names and versions in a lock file.
fn locked(lock: &File) -> BTreeMap<String, BTreeSet<String>> {
    let table = parse(lock);
    let packages = table.get("package").and_then(toml::Value::as_array);
    let text = |package: &toml::Value, key| Some(package.get(key)?.as_str()?.to_owned());
    let mut found = BTreeMap::<_, BTreeSet<_>>::new();
    for package in packages.into_iter().flatten() {
        if let (Some(name), Some(version)) = (text(package, "name"), text(package, "version")) {
            found.entry(name).or_default().insert(version);
        }
    }
    found
}

fn is_within(folder: &str, above: &str) -> bool {
    folder
        .strip_prefix(above)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn root_manifest(files: &[File]) -> &File {
    files
        .iter()
        .find(|file| file.path == "Cargo.toml")
        .expect("the root has a Cargo.toml")
}

fn parse(file: &File) -> toml::Table {
    file.text
        .parse()
        .unwrap_or_else(|fault| panic!("{}: {fault}", file.path))
}

fn members(root: &toml::Table) -> BTreeSet<String> {
    let listed = root
        .get("workspace")
        .and_then(|workspace| workspace.get("members"));
    let listed = listed.and_then(toml::Value::as_array).into_iter().flatten();
    listed
        .filter_map(toml::Value::as_str)
        .map(String::from)
        .collect()
}

fn room(file: &File) -> Room<'_> {
    let table = parse(file);
    let package = table.get("package").and_then(|package| package.get("name"));
    let package = package
        .and_then(toml::Value::as_str)
        .unwrap_or(file.folder());
    let name = package.strip_prefix(PREFIX).unwrap_or(package).to_owned();
    let mut dependencies = section_dependencies(file, &table, "");
    let targets = table
        .get("target")
        .and_then(toml::Value::as_table)
        .into_iter()
        .flatten();
    for (target, sections) in targets {
        if let Some(sections) = sections.as_table() {
            let header = format!("target.{target}.");
            dependencies.extend(section_dependencies(file, sections, &header));
        }
    }
    Room {
        file,
        name,
        dependencies,
        table,
    }
}

fn section_dependencies(file: &File, sections: &toml::Table, header: &str) -> Vec<Dependency> {
    let mut found = Vec::new();
    for section in ["dependencies", "build-dependencies", "dev-dependencies"] {
        let entries = sections.get(section).and_then(toml::Value::as_table);
        for (key, entry) in entries.into_iter().flatten() {
            let room = key.strip_prefix(PREFIX).or((key == ROOT).then_some(ROOT));
            let from_workspace = entry.get("workspace").and_then(toml::Value::as_bool);
            found.push(Dependency {
                name: room.unwrap_or(key).to_owned(),
                is_room: room.is_some(),
                in_tests: section == "dev-dependencies",
                line: line_of(file, &format!("[{header}{section}]"), key),
                from_workspace: from_workspace == Some(true),
            });
        }
    }
    found
}

/// Where `key` first stands below `header`, however either is quoted. Line 1 when the file
/// spells it in another way (a table inside a line).
fn line_of(file: &File, header: &str, key: &str) -> usize {
    let bare = |text: &str| text.trim().replace(['\'', '"'], "");
    let is_key = |line: &str| {
        let line = bare(line);
        line.strip_prefix(key)
            .is_some_and(|rest| rest.starts_with([' ', '.', '=', ',']))
    };
    let below = file
        .lines()
        .skip_while(|(_, line)| bare(line) != bare(header));
    below
        .skip(1)
        .find(|(_, line)| is_key(line))
        .map_or(1, |(number, _)| number)
}
