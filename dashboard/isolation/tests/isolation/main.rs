//! Cases and the citizen's door against a real record: what laboratories say and in which order,
//! who is invited, who comes in, and what attacks on the door cost.

mod cases;
mod door;
mod house;
mod pages;

#[test]
fn all_this_holds_on_postgresql_too() {
    veglia_trial::again_on_postgresql("all_this_holds_on_postgresql_too");
}
