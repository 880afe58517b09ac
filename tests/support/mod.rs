//! What tests that need an external program share: how to say that it is not there.
//!
//! A test starts the program itself and never needs a service installed. Without the program it
//! is skipped, aloud; where everything must run (`VEGLIA_REQUIRE_ALL=1`) a skip is a failure.
//! Tests of other packages reach this file with `#[path = "…/tests/support/mod.rs"]`.

use std::io::{self, Write};

/// Set to `1` by `.ci/run`: nothing may be skipped.
const REQUIRE_ALL: &str = "VEGLIA_REQUIRE_ALL";

/// Says why the test `name` cannot run here; the caller then returns. It panics where every
/// test must run. The line bypasses libtest, which hides what a passing test prints.
pub(crate) fn skip(name: &str, reason: &str) {
    let required = std::env::var_os(REQUIRE_ALL).is_some_and(|value| value == "1");
    assert!(
        !required,
        "{name} must run under {REQUIRE_ALL}=1, but: {reason}"
    );
    writeln!(io::stderr(), "SKIPPED {name}: {reason}").expect("standard error is open");
}
