//! Makes the bundle of files that the browser asks for, so that the executable is self-contained.
//!
//! Two halves. The *fetched* half (style kit, chart library, fonts, their licences) comes from npm
//! with the versions of `assets/package-lock.json`; it lives under `OUT_DIR` and is never
//! committed. Our own half (`assets/css`, `assets/js`, `assets/img`) is copied as it is: there is
//! no bundler and no framework. Both end in one generated table of `include_bytes!`, together with
//! one hash of everything: browsers may keep a file for ever because a new bundle is a new address.
//!
//! npm runs only when the lock or the choice of style components changed. `VEGLIA_ASSETS=DIR`
//! takes the fetched half from `DIR` (the `fetched` folder of another build), for machines without
//! network or Node.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// One sentence for the person who builds: what went wrong and what to do.
type Outcome<T> = Result<T, String>;

/// What we take from the packages, and the name it gets in the bundle.
const FROM_NPM: &[(&str, &str)] = &[
    ("uplot/dist/uPlot.esm.js", "vendor/uplot.js"),
    ("uplot/dist/uPlot.min.css", "vendor/uplot.css"),
    ("uplot/LICENSE", "licences/uplot.txt"),
    ("bootstrap-italia/LICENSE", "licences/bootstrap-italia.txt"),
    (
        "bootstrap-italia/dist/fonts/Titillium_Web/OFL.txt",
        "licences/titillium-web.txt",
    ),
    (
        "bootstrap-italia/dist/fonts/Titillium_Web/titillium-web-v10-latin-ext_latin-regular.woff2",
        "vendor/titillium-400.woff2",
    ),
    (
        "bootstrap-italia/dist/fonts/Titillium_Web/titillium-web-v10-latin-ext_latin-600.woff2",
        "vendor/titillium-600.woff2",
    ),
    (
        "bootstrap-italia/dist/fonts/Titillium_Web/titillium-web-v10-latin-ext_latin-700.woff2",
        "vendor/titillium-700.woff2",
    ),
];

/// The style kit compiled from `assets/scss/kit.scss`.
const KIT: &str = "vendor/kit.css";

/// Our own folders, copied without change.
const OWN: &[&str] = &["css", "js", "img"];

const NODE_IS_MISSING: &str = "the dashboard takes its style and charts from npm: install Node.js \
    20 or newer with npm, or set VEGLIA_ASSETS to the `fetched` folder of another build";

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=assets");
    println!("cargo::rerun-if-env-changed=VEGLIA_ASSETS");
    match bundle() {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            println!("cargo::error={sentence}");
            ExitCode::FAILURE
        }
    }
}

fn bundle() -> Outcome<()> {
    let assets = PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(text)?).join("assets");
    let out = PathBuf::from(env::var("OUT_DIR").map_err(text)?);
    let fetched = match env::var_os("VEGLIA_ASSETS") {
        Some(prepared) => fetched_elsewhere(PathBuf::from(prepared))?,
        None => fetch_from_npm(&assets, &out)?,
    };
    let mut files = BTreeMap::new();
    for name in fetched_names() {
        files.insert(name.to_owned(), fetched.join(name));
    }
    for folder in OWN.iter().filter(|folder| assets.join(folder).is_dir()) {
        for entry in fs::read_dir(assets.join(folder)).map_err(about(&assets.join(folder)))? {
            let path = entry.map_err(text)?.path();
            let file = path
                .file_name()
                .and_then(|name| name.to_str())
                .ok_or_else(|| format!("{} is not named in UTF-8", path.display()))?;
            files.insert(format!("{folder}/{file}"), path);
        }
    }
    write_table(&files, &out.join("bundle.rs"))
}

/// Names in the bundle of everything that is not ours.
fn fetched_names() -> impl Iterator<Item = &'static str> {
    FROM_NPM.iter().map(|(_, name)| *name).chain([KIT])
}

/// The folder that `VEGLIA_ASSETS` names, if it is complete.
fn fetched_elsewhere(folder: PathBuf) -> Outcome<PathBuf> {
    match fetched_names().find(|name| !folder.join(name).is_file()) {
        None => Ok(folder),
        Some(name) => Err(format!(
            "VEGLIA_ASSETS has no {name}: set it to the `fetched` folder of another build"
        )),
    }
}

/// Fills `OUT_DIR/fetched`, doing only what the last run did not already do.
fn fetch_from_npm(assets: &Path, out: &Path) -> Outcome<PathBuf> {
    let npm = out.join("npm");
    let fetched = out.join("fetched");
    fs::create_dir_all(&npm).map_err(about(&npm))?;
    let lock = read(&assets.join("package-lock.json"))?;
    let kit = assets.join("scss/kit.scss");
    let kit_and_lock = [read(&kit)?, lock.clone()].concat();

    once_for(&lock, &npm.join("installed"), || {
        for name in ["package.json", "package-lock.json"] {
            copy(&assets.join(name), &npm.join(name))?;
        }
        // No install scripts: what we fetch must not run anything on the machine that builds.
        let quiet = [
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
        ];
        run(Command::new("npm").arg("ci").args(quiet).current_dir(&npm))
    })?;
    let modules = npm.join("node_modules");
    for (from, name) in FROM_NPM {
        copy(&modules.join(from), &fetched.join(name))?;
    }
    once_for(&kit_and_lock, &npm.join("compiled"), || {
        let mut sass = Command::new("node");
        sass.arg(modules.join("sass/sass.js"));
        // Quiet: the kit still uses `@import`, which sass deprecates at length.
        sass.args(["--no-source-map", "--style=compressed", "--quiet"]);
        sass.arg("--load-path")
            .arg(modules.join("bootstrap-italia/src/scss"));
        run(sass.arg(&kit).arg(fetched.join(KIT)))
    })?;
    Ok(fetched)
}

/// Runs `work` unless `stamp` says that it was already done for this very `input`.
fn once_for(input: &[u8], stamp: &Path, work: impl FnOnce() -> Outcome<()>) -> Outcome<()> {
    if fs::read(stamp).is_ok_and(|done| done == input) {
        return Ok(());
    }
    work()?;
    fs::write(stamp, input).map_err(about(stamp))
}

fn write_table(files: &BTreeMap<String, PathBuf>, table: &Path) -> Outcome<()> {
    let mut hasher = DefaultHasher::new();
    let mut rows = String::new();
    for (name, path) in files {
        hasher.write(name.as_bytes());
        hasher.write(&read(path)?);
        let media_type = media_type(name)?;
        writeln!(
            rows,
            "    Asset {{ name: {name:?}, media_type: {media_type:?}, \
             bytes: include_bytes!({path:?}) }},"
        )
        .map_err(text)?;
    }
    let hash = hasher.finish();
    let source = format!(
        "/// Of every name and byte below.\npub(super) const BUNDLE: &str = \"{hash:016x}\";\n\
         pub(super) static ASSETS: &[Asset] = &[\n{rows}];\n"
    );
    fs::write(table, source).map_err(about(table))
}

fn media_type(name: &str) -> Outcome<&'static str> {
    match name.rsplit('.').next() {
        Some("css") => Ok("text/css; charset=utf-8"),
        Some("js") => Ok("text/javascript; charset=utf-8"),
        Some("svg") => Ok("image/svg+xml"),
        Some("txt") => Ok("text/plain; charset=utf-8"),
        Some("woff2") => Ok("font/woff2"),
        _ => Err(format!(
            "{name} is of a kind that media_type() in build.rs does not know"
        )),
    }
}

fn run(command: &mut Command) -> Outcome<()> {
    let output = command.output().map_err(|error| match error.kind() {
        ErrorKind::NotFound => NODE_IS_MISSING.to_owned(),
        _ => format!("{command:?} did not start: {error}"),
    })?;
    if output.status.success() {
        return Ok(());
    }
    // An error of Cargo is one line; the rest of the story goes to the build script's output.
    println!("{}", String::from_utf8_lossy(&output.stderr));
    Err(format!(
        "{command:?} failed ({}): check the network, or set VEGLIA_ASSETS to the `fetched` folder \
         of another build",
        output.status
    ))
}

fn copy(from: &Path, to: &Path) -> Outcome<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(about(folder))?;
    }
    fs::copy(from, to).map(drop).map_err(about(from))
}

fn read(path: &Path) -> Outcome<Vec<u8>> {
    fs::read(path).map_err(about(path))
}

fn about(path: &Path) -> impl FnOnce(std::io::Error) -> String {
    let path = path.display().to_string();
    move |error| format!("{path}: {error}")
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
