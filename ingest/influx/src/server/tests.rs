//! What is taken and refused before a server is asked, and what its answers mean.

use super::*;

fn config(dir: &Path, url: &str) -> Config {
    let token_file = dir.join("token");
    std::fs::write(&token_file, "s3cr3t==\n").unwrap();
    Config {
        url: url.into(),
        org: "milano".into(),
        bucket: "readings".into(),
        token_file,
        authority_file: None,
    }
}

fn why(config: &Config) -> String {
    Server::open(config, &Pace::default())
        .unwrap_err()
        .to_string()
}

#[test]
fn addresses_that_work_are_taken() {
    let dir = tempfile::tempdir().unwrap();
    for url in [
        "https://influx.example:8086",
        "https://influx.example/",
        "http://localhost:8086",
        "http://127.0.0.1:8428",
        "http://[::1]:8086",
    ] {
        assert!(
            Server::open(&config(dir.path(), url), &Pace::default()).is_ok(),
            "{url}"
        );
    }
}

#[test]
fn wrong_values_are_refused_with_a_sentence_that_names_the_key() {
    let dir = tempfile::tempdir().unwrap();
    for (url, says) in [
        ("influx:8086", "must be an address"),
        ("/api", "must be an address"),
        ("ftp://influx", "must be an address"),
        ("https://influx/insert/0/influx", "may hold only scheme"),
        ("https://influx?org=x", "may hold only scheme"),
        ("https://influx/#x", "may hold only scheme"),
        ("https://me@influx", "may hold only scheme"),
        ("http://influx:8086", "unencrypted"),
        ("http://10.0.0.7:8086", "unencrypted"),
    ] {
        let said = why(&config(dir.path(), url));
        assert!(
            said.contains(says) && said.contains("[ingest.influxdb] url"),
            "{said}"
        );
    }
    let good = config(dir.path(), "https://influx");
    let empty = Config {
        bucket: " ".into(),
        ..good.clone()
    };
    assert!(why(&empty).contains("bucket is empty"));
    let absent = Config {
        token_file: dir.path().join("none"),
        ..good.clone()
    };
    assert!(why(&absent).contains("cannot read token_file"));
    for text in ["", "two words", "a\nb", "é"] {
        std::fs::write(&good.token_file, text).unwrap();
        assert!(why(&good).contains("must hold one token"), "{text:?}");
    }
    std::fs::write(&good.token_file, "t").unwrap();
    let authority = Config {
        authority_file: Some(good.token_file.clone()),
        ..good
    };
    assert!(why(&authority).contains("no certificate"));
}

#[test]
fn neither_the_token_nor_a_password_is_ever_shown() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path(), "https://influx");
    let server = Server::open(&config, &Pace::default()).unwrap();
    let token = Token::read(&config.token_file).unwrap();
    let shown = format!("{config:?} {server:?} {token:?}");
    assert!(!shown.contains("s3cr3t"), "{shown}");
    let said = why(&Config {
        url: "https://me:s3cr3t@influx".into(),
        ..config
    });
    assert!(!said.contains("s3cr3t"), "{said}");
}

#[test]
fn every_status_has_its_kind() {
    for (status, trouble) in [
        (200, Trouble::Unexpected),
        (302, Trouble::Unexpected),
        (400, Trouble::Refused),
        (401, Trouble::Unauthorised),
        (403, Trouble::Unauthorised),
        (404, Trouble::NotFound),
        (413, Trouble::TooLarge),
        (422, Trouble::Refused),
        (429, Trouble::Busy),
        (500, Trouble::Failing),
        (503, Trouble::Failing),
    ] {
        assert_eq!(Trouble::of_status(status), trouble, "{status}");
    }
}
