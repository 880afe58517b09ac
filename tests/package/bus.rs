//! The package's policy for D-Bus on a real bus, which grants as little as Debian's does.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use tokio::runtime::Runtime;
use zbus::fdo::DBusProxy;
use zbus::{Connection, MatchRule, connection};

use crate::process::wait_until;
use crate::{read, support};

/// More match rules of one connection than a system bus grants by itself, and than a session of
/// months leaves behind.
const RULES: u32 = 2_000;

/// As `/usr/share/dbus-1/system.conf` says it, with a folder of our own, and then the policy.
const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC
 "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=DIR/bus</listen>
  <auth>EXTERNAL</auth>
  <servicedir>DIR</servicedir>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus"/>
  </policy>
  INCLUDE
</busconfig>
"#;

/// A bus of the test's own. It ends with the value.
struct Bus {
    dir: TempDir,
    child: Child,
}

impl Bus {
    /// `policy`: what the package puts beside the system's.
    fn start(policy: Option<&str>) -> Self {
        let dir = tempfile::tempdir().expect("a scratch folder can be made");
        let write = |name: &str, text: &str| {
            let file = dir.path().join(name);
            fs::write(&file, text).expect("a file can be written");
            file
        };
        // So that whoever may speak to it is answered otherwise than whoever may not.
        for name in ["org.bluez", "org.freedesktop.login1"] {
            let service = format!("[D-BUS Service]\nName={name}\nExec=/bin/false\nUser=root\n");
            write(&format!("{name}.service"), &service);
        }
        let include = policy.map_or(String::new(), |policy| {
            let file = write("policy.conf", policy);
            format!("<include>{}</include>", file.display())
        });
        let place = dir.path().display().to_string();
        let text = BUS.replace("DIR", &place).replace("INCLUDE", &include);
        let config = write("bus.conf", &text);
        let child = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", config.display()))
            .args(["--nofork", "--nopidfile"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("dbus-daemon can be started");
        let bus = Self { dir, child };
        wait_until("the bus makes its socket", || {
            bus.socket().exists().then_some(())
        });
        bus
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("bus")
    }

    async fn connection(&self) -> Connection {
        let address = format!("unix:path={}", self.socket().display());
        let builder = connection::Builder::address(address.as_str());
        let connected = builder.expect("an address").build().await;
        connected.expect("anybody may connect")
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Whether the bus lets us call a service. That it cannot be started is another answer.
async fn may_call(connection: &Connection, service: &str, interface: &str) -> bool {
    let called = connection
        .call_method(Some(service), "/", Some(interface), "Hello", &())
        .await;
    match called {
        Err(zbus::Error::MethodError(name, ..)) => {
            name.as_str() != "org.freedesktop.DBus.Error.AccessDenied"
        }
        other => panic!("nobody is there to answer: {other:?}"),
    }
}

/// How many match rules a connection gets, of [`RULES`].
async fn rules(connection: &Connection) -> u32 {
    let bus = DBusProxy::new(connection).await.expect("there is a bus");
    for count in 0..RULES {
        let interface = format!("it.veglia.Test{count}");
        let rule = MatchRule::builder().interface(interface.as_str());
        let rule = rule.expect("an interface").build();
        if bus.add_match_rule(rule).await.is_err() {
            return count;
        }
    }
    RULES
}

#[test]
fn the_bus_lets_the_box_speak_to_bluetooth_alone_and_grants_it_enough_rules() {
    let name = "the_bus_lets_the_box_speak_to_bluetooth_alone_and_grants_it_enough_rules";
    let found = Command::new("dbus-daemon").arg("--version").output();
    if found.is_err() {
        return support::skip(name, "dbus-daemon is not installed");
    }
    let policy = read("package/gateway/dbus.conf");
    assert!(policy.contains("user=\"veglia\""));
    // Whoever runs this stands for the box's user.
    let user = rustix::process::getuid().as_raw();
    let policy = policy.replace("user=\"veglia\"", &format!("user=\"{user}\""));
    let runtime = Runtime::new().expect("a runtime can be made");
    let ask = |bus: &Bus| {
        runtime.block_on(async {
            let connection = bus.connection().await;
            let mut may = Vec::new();
            for (service, interface) in [
                ("org.bluez", "org.bluez.Adapter1"),
                ("org.bluez", "org.freedesktop.DBus.Properties"),
                ("org.bluez", "org.freedesktop.DBus.ObjectManager"),
                ("org.freedesktop.login1", "org.freedesktop.DBus.Properties"),
            ] {
                may.push(may_call(&connection, service, interface).await);
            }
            (may, rules(&connection).await)
        })
    };
    let (may, rules) = ask(&Bus::start(None));
    assert_eq!(may, [false; 4]);
    assert!(rules < RULES, "it grants everybody so many");
    let (may, rules) = ask(&Bus::start(Some(&policy)));
    assert_eq!(may, [true, true, true, false]);
    assert_eq!(rules, RULES);
}
