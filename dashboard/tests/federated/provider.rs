//! The identity provider in Python, as a process of its own, and where its packages come from.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use hyper::header::CONTENT_TYPE;
use hyper::{Request, StatusCode};
use serde_json::Value;
use tokio::net::TcpStream;

use crate::{leads_to, send};

/// For a Python to start beside other busy programs.
const PATIENCE: Duration = Duration::from_secs(120);

/// The provider's packages, fetched once; or why they are not there.
pub(crate) fn packages() -> Result<String, String> {
    static FETCHED: OnceLock<Result<String, String>> = OnceLock::new();
    FETCHED.get_or_init(fetch).clone()
}

fn fetch() -> Result<String, String> {
    let wanted = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/federated/requirements.txt");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("federated");
    let whole = folder.join("requirements.txt");
    let path = folder.display().to_string();
    if fs::read(&whole).is_ok_and(|held| Some(held) == fs::read(&wanted).ok()) {
        return Ok(path);
    }
    let mut pip = Command::new("python3");
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]);
    pip.args(["--no-warn-script-location", "--upgrade", "--target"])
        .arg(&folder);
    let done = pip.arg("--requirement").arg(&wanted).output();
    let done = done.map_err(|error| format!("python3 cannot be started: {error}"))?;
    if !done.status.success() {
        return Err(format!(
            "pip failed: {}",
            String::from_utf8_lossy(&done.stderr)
        ));
    }
    fs::copy(wanted, whole).map_err(|error| error.to_string())?;
    Ok(path)
}

/// The identity provider; it ends with the test.
pub(crate) struct Provider {
    process: Child,
    port: u16,
}

impl Drop for Provider {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl Provider {
    /// One that has just made its keys.
    pub(crate) async fn start(packages: &str, port: u16) -> Self {
        let mut python = Command::new("python3");
        python.args(["-m", "oidc_provider_mock", "--require-nonce", "--port"]);
        python.arg(port.to_string()).env("PYTHONPATH", packages);
        python.env("PYTHONDONTWRITEBYTECODE", "1");
        python
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let process = python.spawn().unwrap();
        let provider = Self { process, port };
        let up = async {
            while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(PATIENCE, up).await.unwrap();
        provider
    }

    pub(crate) fn issuer(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// What its tokens will say of somebody, whatever the truth.
    pub(crate) async fn say(&self, subject: &str, claims: &Value) {
        let request = Request::put(format!("{}/users/{subject}", self.issuer()))
            .header(CONTENT_TYPE, "application/json");
        let said = send(request.body(claims.to_string()).unwrap()).await;
        assert_eq!(said.status(), StatusCode::NO_CONTENT);
    }

    /// Somebody signs in there: where their browser is sent then.
    pub(crate) async fn recognise(&self, address: &str, subject: &str) -> String {
        let request =
            Request::post(address).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = send(request.body(format!("sub={subject}")).unwrap()).await;
        leads_to(&answer)
    }
}

/// A port that nothing uses, below those that the system gives to outgoing connections.
pub(crate) fn free_port() -> u16 {
    let mut chance = fastrand::Rng::new();
    std::iter::repeat_with(|| chance.u16(10_000..32_000))
        .find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .unwrap()
}
