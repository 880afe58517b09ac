//! The doctors' door over a real record: whose alerts, what an answer writes and to whom it
//! is proof, the summary, reports, and the digest.

mod digest;
mod hospital;
mod inbox;
mod report;
mod summary;
mod support;

#[test]
fn all_this_holds_on_postgresql_too() {
    veglia_trial::again_on_postgresql("all_this_holds_on_postgresql_too");
}
