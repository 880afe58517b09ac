//! One executable, one command a role.
fn main() {}
