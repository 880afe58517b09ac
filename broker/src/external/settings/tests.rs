//! What may be written as `backend`, and what is said about the rest.

use super::*;
use crate::config::Config;

fn parse(backend: &str) -> Result<BackendConfig, String> {
    let config = toml::from_str::<Config>(&format!("backend = {backend}"));
    config
        .map(|it| it.backend)
        .map_err(|it| it.message().to_owned())
}

fn external(backend: &str) -> ExternalConfig {
    match parse(backend).unwrap() {
        BackendConfig::External(config) => config,
        BackendConfig::Rumqttd => panic!("{backend} is another broker"),
    }
}

#[test]
fn it_is_rumqttd_unless_another_is_named() {
    assert_eq!(Config::default().backend, BackendConfig::Rumqttd);
    assert_eq!(parse("\"rumqttd\"").unwrap(), BackendConfig::Rumqttd);
}

#[test]
fn a_url_names_host_port_user_and_password() {
    let all = external("{ url = \"mqtt://door:p%40ss%2Fword@localhost:1884\" }");
    assert_eq!(all.place_name(), "localhost:1884");
    let login = ("door".to_owned(), "p@ss/word".to_owned());
    assert_eq!(all.login().unwrap(), Some(login));
    let beside = external("{ url = \"mqtt://localhost:1884\", user = \"door\" }");
    assert_eq!(
        beside.login().unwrap(),
        Some(("door".to_owned(), String::new()))
    );
    let least = external("{ url = \"mqtt://127.0.0.1\" }");
    assert_eq!(least.place_name(), "127.0.0.1:1883");
    assert_eq!(least.login().unwrap(), None);
    let six = external("{ url = \"mqtt://[::1]:1884/\" }");
    assert_eq!(six.place_name(), "[::1]:1884");
    assert_eq!(six.bare_host(), "::1");
    let tls = external("{ url = \"mqtts://broker.example\", ca = \"ca.pem\" }");
    assert_eq!(tls.place_name(), "broker.example:8883");
}

#[test]
fn a_password_may_stand_in_a_file_and_is_read_at_every_call() {
    let folder = tempfile::tempdir().unwrap();
    let text = "{ url = \"mqtt://door@localhost\", password_file = \"secret\" }";
    let mut backend = parse(text).unwrap();
    backend.place(folder.path());
    let BackendConfig::External(config) = backend else {
        panic!("another broker");
    };
    let missing = config.login().unwrap_err().to_string();
    assert!(
        missing.contains("secret") && missing.contains("password_file"),
        "{missing}"
    );
    for word in ["first", "second"] {
        fs::write(folder.path().join("secret"), format!("{word}\n")).unwrap();
        let login = ("door".to_owned(), word.to_owned());
        assert_eq!(config.login().unwrap(), Some(login));
    }
}

#[test]
fn a_password_is_never_shown() {
    let config = parse("{ url = \"mqtt://door:sesame@localhost\" }").unwrap();
    assert!(!format!("{config:?}").contains("sesame"));
    for wrong in [
        "{ url = \"mqtt://door:sesame@\" }",
        "{ url = \"http://door:sesame@localhost\" }",
        "{ url = \"mqtt://door:sesame@localhost/x\" }",
        "{ url = \"mqtt://door:sesame@localhost\", password_file = \"x\" }",
        "{ url = \"mqtt://door:sesame@192.0.2.1\" }",
        "\"mqtt://door:sesame@localhost\"",
    ] {
        let said = parse(wrong).unwrap_err();
        assert!(!said.contains("sesame"), "{said}");
    }
}

#[test]
fn what_is_wrong_is_said_in_a_sentence() {
    for (wrong, said) in [
        ("\"mosquitto\"", "\"rumqttd\" or { url ="),
        ("5", "\"rumqttd\" or { url ="),
        ("{}", "missing field `url`"),
        (
            "{ url = \"mqtt://localhost\", pasword_file = \"x\" }",
            "unknown field `pasword_file`",
        ),
        ("{ url = \"localhost:1883\" }", "write url as"),
        ("{ url = \"mqttx://localhost\" }", "write url as"),
        ("{ url = \"mqtts://localhost\" }", "needs ca ="),
        (
            "{ url = \"mqtts://localhost\", ca = \"x\", key = \"x\" }",
            "belong together",
        ),
        (
            "{ url = \"mqtt://localhost\", ca = \"x\" }",
            "are for mqtts:// only",
        ),
        (
            "{ url = \"mqtt://a@localhost\", user = \"a\" }",
            "not in both",
        ),
        ("{ url = \"mqtt://localhost:99999\" }", "write url as"),
        (
            "{ url = \"mqtt://localhost?x=1\" }",
            "nothing may follow the port",
        ),
        (
            "{ url = \"mqtt://localhost\", password_file = \"x\" }",
            "has no user",
        ),
        ("{ url = \"mqtt://:x@localhost\" }", "has no user"),
        (
            "{ url = \"mqtt://a:b@localhost\", password_file = \"x\" }",
            "not in both",
        ),
        ("{ url = \"mqtt://broker.example\" }", "in the clear"),
        ("{ url = \"mqtt://0.0.0.0\" }", "in the clear"),
    ] {
        let fault = parse(wrong).unwrap_err();
        assert!(fault.contains(said), "{wrong}: {fault}");
    }
}

#[test]
fn another_machine_is_trusted_only_if_it_is_said() {
    let config = external("{ url = \"mqtt://broker:1883\", trusted_network = true }");
    assert_eq!(config.place_name(), "broker:1883");
}

#[test]
fn the_files_of_tls_start_in_the_data_directory_and_are_named_when_they_are_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let text = "{ url = \"mqtts://localhost\", ca = \"ca.pem\", certificate = \"c\", key = \"k\" }";
    let mut backend = parse(text).unwrap();
    backend.place(folder.path());
    let said = backend.make().open().unwrap_err();
    let source = std::error::Error::source(&said).unwrap().to_string();
    let path = folder.path().join("ca.pem").display().to_string();
    assert!(source.contains(&path), "{source}");
}

/// What the template and the documentation show in passing is good too.
#[test]
fn the_examples_that_are_written_down_can_be_copied() {
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/operations.md");
    let document = fs::read_to_string(document).unwrap();
    for text in [Config::TEMPLATE, &document] {
        let example = text.lines().find_map(|line| {
            let line = line.trim_start_matches("# ");
            line.strip_prefix("backend = ")
                .filter(|it| it.starts_with('{'))
        });
        external(example.expect("an example"));
    }
}
