//! The commands on identities and the authority, as whoever runs a centre types them.
// req: G3, G5

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;
use veglia_identity::{
    Authority, CertificateFacts, Denied, EnrolRequest, EnrolmentCode, EnrolmentFile, EnrolmentLink,
    Identities, IdentityFile, Key, Registrar, UnixSeconds,
};

struct Centre(TempDir);

fn centre() -> Centre {
    Centre(TempDir::new().expect("a scratch folder can be made"))
}

impl Centre {
    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, arguments: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_veglia"));
        command.arg("--data").arg(self.path("data"));
        command
            .args(arguments.split(' '))
            .current_dir(self.0.path());
        command.env("RUST_BACKTRACE", "1").env_remove("RUST_LOG");
        command.output().expect("the program can be started")
    }

    /// What it says when all is well.
    fn says(&self, arguments: &str) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments}: {output:?}");
        String::from_utf8(output.stdout).expect("text")
    }

    /// The one sentence of a refusal.
    fn refuses(&self, arguments: &str, words: &[&str]) {
        let output = self.run(arguments);
        let said = String::from_utf8(output.stderr).expect("text");
        assert!(!output.status.success(), "{arguments}: {said}");
        assert!(!said.contains("panicked"), "{said}");
        for word in words {
            assert!(said.contains(word), "{word} is not in: {said}");
        }
    }

    fn list(&self) -> Identities {
        Identities::load(&self.path("data/identities.toml")).expect("the list")
    }

    fn now(&self) -> UnixSeconds {
        let authority = Authority::open(&self.path("data/ca")).expect("the authority");
        // It was made a moment ago.
        UnixSeconds(authority.not_before().0 + 10)
    }

    fn registrar(&self) -> Registrar {
        Registrar {
            authority: Authority::open(&self.path("data/ca")).expect("the authority"),
            identities: IdentityFile::new(self.path("data/identities.toml")),
            enrolments: EnrolmentFile::new(self.path("data/enrolments.toml")),
            broker: "centre.example:8883".to_owned(),
        }
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path)
        .expect("it is there")
        .permissions()
        .mode()
        & 0o777
}

/// What a camera would read from the square that the terminal shows.
fn scanned(shown: &str) -> String {
    // Light modules are drawn: each letter is two of them, one above the other.
    let rows: Vec<Vec<(bool, bool)>> = shown
        .lines()
        .filter(|line| line.chars().count() > 30 && line.chars().all(|it| " ▄▀█".contains(it)))
        .map(|line| {
            let halves = |it| (matches!(it, '▀' | '█'), matches!(it, '▄' | '█'));
            line.chars().map(halves).collect()
        })
        .collect();
    let width = rows.first().map_or(0, Vec::len);
    const SCALE: usize = 4;
    let dark = |x: usize, y: usize| {
        let (x, y) = (x / SCALE, y / SCALE);
        let (above, below) = rows[y / 2][x];
        !(if y.is_multiple_of(2) { above } else { below })
    };
    let (side, height) = (width * SCALE, rows.len() * 2 * SCALE);
    let grey = |x, y| if dark(x, y) { 0 } else { 255 };
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(side, height, grey);
    let grids = image.detect_grids();
    let (_, text) = grids.first().expect("a square").decode().expect("its text");
    text
}

#[test]
fn an_authority_is_made_once_shown_and_never_replaced() {
    let centre = centre();
    centre.refuses("ca show", &["authority.pem", "veglia ca init"]);
    let made = centre.says("ca init --name milano");
    assert!(made.contains("milano") && made.contains("copy"), "{made}");
    assert_eq!(mode(&centre.path("data/ca/authority.key")), 0o600);
    let shown = centre.says("ca show");
    let opened = Authority::open(&centre.path("data/ca")).unwrap();
    assert!(shown.contains(&opened.fingerprint().to_string()), "{shown}");
    assert!(made.starts_with(shown.trim_end()), "{made}\n{shown}");
    centre.refuses("ca init --name milano", &["already", "left alone"]);
    assert_eq!(centre.says("ca show"), shown);
    centre.refuses("ca init --name città", &["città", "A-Z"]);
}

#[test]
fn a_servers_certificate_is_renewed_and_its_key_kept() {
    let centre = centre();
    centre.says("ca init");
    centre.says("ca server --name centre.example 192.0.2.7");
    let (key, certificate) = (
        centre.path("data/ca/server.key"),
        centre.path("data/ca/server.pem"),
    );
    assert_eq!(mode(&key), 0o600);
    let (first_key, first) = (fs::read(&key).unwrap(), fs::read(&certificate).unwrap());
    centre.says("ca server --name centre.example --name 192.0.2.7");
    assert_eq!(fs::read(&key).unwrap(), first_key);
    assert_ne!(fs::read(&certificate).unwrap(), first);
    let facts = CertificateFacts::read_pem(&fs::read_to_string(&certificate).unwrap()).unwrap();
    assert_eq!(facts.key, Key::open(&key).unwrap().hash());

    centre.says("ca server --name centre.example --new-key");
    assert_ne!(fs::read(&key).unwrap(), first_key);
    assert_eq!(mode(&key), 0o600);
    let facts = CertificateFacts::read_pem(&fs::read_to_string(&certificate).unwrap()).unwrap();
    assert_eq!(facts.key, Key::open(&key).unwrap().hash());

    centre.says("ca server --name other.example --out elsewhere");
    assert!(centre.path("elsewhere/server.pem").exists());
    centre.refuses("ca server --name http://x", &["http://x", "host name"]);
    centre.refuses("ca server", &["--name"]);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    centre.refuses("ca server --name x.example", &["mode 640", "chmod 600"]);
}

#[test]
fn a_code_is_printed_as_text_as_a_square_and_as_a_label() {
    let centre = centre();
    centre.refuses("identity gateway casa-12 --code", &["veglia ca init"]);
    centre.says("ca init --name milano");
    let said = centre.says(
        "identity gateway casa-12 --code --valid 14d --centre https://centre.example:8443 \
         --svg label.svg",
    );
    let first = said.lines().next().unwrap();
    let code: EnrolmentCode = first.parse().unwrap();
    assert_eq!(code.to_string(), first);
    let link: EnrolmentLink = scanned(&said).parse().unwrap();
    assert_eq!(link.centre.as_deref(), Some("https://centre.example:8443"));
    assert_eq!(link.code, code);
    let label = fs::read_to_string(centre.path("label.svg")).unwrap();
    assert!(label.contains("<svg") && !label.contains(first));
    assert_eq!(mode(&centre.path("label.svg")), 0o600);

    let listed = centre.says("identity list");
    assert!(
        listed.contains("casa-12") && listed.contains("code"),
        "{listed}"
    );
    assert!(!listed.contains(first));

    // The box brings it, and is in.
    let registrar = centre.registrar();
    let key = Key::generate().unwrap();
    let asked = EnrolRequest {
        code: first.to_lowercase(),
        request: key.request("a box").unwrap(),
    };
    let admission = registrar.enrol(&asked, centre.now()).unwrap();
    assert_eq!(admission.gateway, "casa-12");
    assert!(
        centre
            .list()
            .authenticate_key("casa-12", &key.hash())
            .is_ok()
    );
    let listed = centre.says("identity list");
    assert!(
        listed.contains("key") && !listed.contains("code"),
        "{listed}"
    );
}

#[test]
fn a_code_without_a_centre_has_a_square_too() {
    let centre = centre();
    centre.says("ca init");
    let said = centre.says("identity gateway casa-12 --code");
    let link: EnrolmentLink = scanned(&said).parse().unwrap();
    assert_eq!(link.centre, None);
    assert!(said.starts_with(&link.code.to_string()));
}

#[test]
fn a_gateway_comes_in_by_one_way_and_for_a_time() {
    let centre = centre();
    centre.says("ca init");
    let ways = [
        "identity gateway casa-12",
        "identity gateway casa-12 --code --secret-file x",
    ];
    for arguments in ways {
        centre.refuses(arguments, &["--code", "--secret-file"]);
    }
    for valid in ["91d", "0s"] {
        let arguments = format!("identity gateway casa-12 --code --valid {valid}");
        centre.refuses(&arguments, &["90 days"]);
    }
    let far = format!("https://{}", "x".repeat(300));
    for address in ["centre.example", far.as_str()] {
        let arguments = format!("identity gateway casa-12 --code --centre {address}");
        centre.refuses(&arguments, &["--centre", "https://centre.example"]);
    }
    let listed = centre.says("identity list");
    assert!(
        !listed.contains("casa-12"),
        "a refusal leaves no code: {listed}"
    );
}

#[test]
fn a_revoked_identity_stays_in_the_list_and_its_code_is_withdrawn() {
    let centre = centre();
    centre.says("ca init");
    centre.says("identity gateway casa-12 --secret-file casa-12.secret");
    let secret = fs::read_to_string(centre.path("casa-12.secret")).unwrap();
    let code = centre.says("identity gateway casa-12 --code");
    centre.says("identity revoke casa-12");
    let list = centre.list();
    let denied = list.authenticate_secret("casa-12", secret.trim());
    assert!(matches!(denied, Err(Denied::Revoked { .. })), "{denied:?}");
    let asked = EnrolRequest {
        code: code.lines().next().unwrap().to_owned(),
        request: Key::generate().unwrap().request("").unwrap(),
    };
    assert!(centre.registrar().enrol(&asked, centre.now()).is_err());
    let listed = centre.says("identity list");
    assert!(
        listed.contains("casa-12") && !listed.contains("code"),
        "{listed}"
    );

    centre.says("identity reinstate casa-12");
    let list = centre.list();
    assert!(list.authenticate_secret("casa-12", secret.trim()).is_ok());
    centre.refuses("identity revoke casa-13", &["casa-13", "identities.toml"]);
    centre.refuses("identity reinstate casa-13", &["casa-13"]);
}

#[test]
fn a_list_that_is_moved_aside_is_begun_anew_by_nobody_who_only_looks() {
    let centre = centre();
    centre.says("ca init");
    let list = centre.path("data/identities.toml");
    assert!(list.exists(), "the authority comes with an empty list");
    fs::rename(&list, centre.path("aside")).unwrap();
    for arguments in ["list", "revoke casa-1", "reinstate casa-1"] {
        centre.refuses(&format!("identity {arguments}"), &["identities.toml"]);
        assert!(!list.exists(), "{arguments}");
    }
}

#[test]
fn a_service_has_a_key_that_stays_and_a_certificate_that_is_renewed() {
    let centre = centre();
    let service = "identity service ingest --certificate";
    centre.refuses(service, &["veglia ca init"]);
    centre.says("ca init");
    centre.says(service);
    let (key, certificate) = (
        centre.path("data/ingest.key"),
        centre.path("data/ingest.pem"),
    );
    let hash = Key::open(&key).unwrap().hash();
    assert!(centre.list().authenticate_key("ingest", &hash).is_ok());
    let first = fs::read_to_string(&certificate).unwrap();
    let list = centre.list();
    centre.says(service);
    assert_eq!(centre.list(), list, "its session is not ended by a renewal");
    let second = fs::read_to_string(&certificate).unwrap();
    assert_ne!(first, second);
    let facts = CertificateFacts::read_pem(&second).unwrap();
    assert_eq!((facts.name.as_str(), facts.key), ("ingest", hash));
    centre.refuses(
        "identity service in/gest --certificate",
        &["in/gest", "A-Z"],
    );
    assert!(!centre.path("data/in").exists());
}

#[test]
fn a_file_of_a_newer_version_is_refused_and_left_alone() {
    let centre = centre();
    centre.says("ca init");
    let file = centre.path("data/identities.toml");
    fs::write(&file, "version = 3\nnew = true\n").unwrap();
    for arguments in ["identity list", "identity revoke casa-12"] {
        centre.refuses(arguments, &["identities.toml", "version is 3"]);
    }
    assert_eq!(
        fs::read_to_string(&file).unwrap(),
        "version = 3\nnew = true\n"
    );
}
