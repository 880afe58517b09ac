//! The hour of the digest, and its one message.

// req: B3

use std::sync::Arc;
use std::sync::atomic::Ordering;

use veglia_doctor::set_hour;
use veglia_doctor::{Digest, HourForm, LATE_MS, Outcome, SummaryPage, SummaryQuery, next_of};
use veglia_people::staff::Staff;
use veglia_view::{CareClock, Clock};

use crate::support::*;

const HOUR_MS: i64 = 3_600_000;

impl Surgery {
    async fn wants(&self, who: &Staff, hour: &str) -> bool {
        let form = HourForm {
            ora: hour.to_owned(),
        };
        let written = set_hour(&self.record, who, &form, self.clock.now()).await;
        written.expect("the record answers")
    }

    fn digest(&self) -> Digest {
        let clock: Arc<dyn Clock> = self.clock.clone();
        let care = CareClock::real(clock);
        Digest::new(
            self.record.clone(),
            care,
            "https://veglia/medico/riepilogo".to_owned(),
        )
    }

    /// How many messages wait to be carried.
    async fn waiting(&self) -> usize {
        let waiting = veglia_notify::waiting(&self.record, &SETUP).await;
        waiting.expect("the outbox answers").len()
    }
}

#[tokio::test]
async fn at_the_hour_one_message_says_that_the_summary_waits_and_a_restart_sends_no_second() {
    let surgery = surgery().await;
    assert!(surgery.wants(&surgery.doctor, "13:30").await);
    surgery.red().await;
    let mut digest = surgery.digest();
    digest.round().await.expect("the record answers");
    assert_eq!(surgery.waiting().await, 0, "it is ten");
    surgery.later(3 * HOUR_MS + HOUR_MS / 2);
    digest.round().await.expect("the record answers");
    assert_eq!(surgery.waiting().await, 1);
    digest.round().await.expect("the record answers");
    surgery.digest().round().await.expect("the record answers");
    assert_eq!(surgery.waiting().await, 1, "one a day");
    surgery.later(24 * HOUR_MS);
    let form = press(
        FORM,
        &flag(surgery.maria, veglia_view::Severity::Red, 850),
        "seen",
        "",
    );
    assert_eq!(surgery.act(&surgery.doctor, &form).await, Outcome::Done);
    digest.round().await.expect("the record answers");
    assert_eq!(surgery.waiting().await, 2, "the next day has its own");
}

#[tokio::test]
async fn an_hour_late_in_the_evening_is_not_lost_over_midnight() {
    let surgery = surgery().await;
    assert!(surgery.wants(&surgery.doctor, "23:50").await);
    surgery.red().await;
    surgery.later(14 * HOUR_MS + HOUR_MS / 6);
    let mut digest = surgery.digest();
    digest.round().await.expect("the record answers");
    assert_eq!(surgery.waiting().await, 1, "it is ten past midnight");
    digest.round().await.expect("the record answers");
    surgery.digest().round().await.expect("the record answers");
    assert_eq!(surgery.waiting().await, 1, "one a day");
}

#[tokio::test]
async fn on_a_day_on_which_nothing_happened_or_long_after_the_hour_nothing_is_sent() {
    let surgery = surgery().await;
    assert!(surgery.wants(&surgery.doctor, "10:00").await);
    surgery.digest().round().await.expect("the record answers");
    assert_eq!(surgery.waiting().await, 0, "nothing happened");
    surgery.red().await;
    surgery.later(LATE_MS + 1);
    surgery.digest().round().await.expect("the record answers");
    assert_eq!(
        surgery.waiting().await,
        0,
        "it would be night before it is read"
    );
}

#[tokio::test]
async fn an_hour_can_be_changed_and_taken_back_and_what_is_none_is_said() {
    let surgery = surgery().await;
    assert!(!surgery.wants(&surgery.doctor, "25:99").await);
    assert!(surgery.wants(&surgery.doctor, "08:15").await);
    assert!(surgery.wants(&surgery.doctor, "09:05").await);
    let page = SummaryPage::load(surgery.desk(&surgery.doctor), &SummaryQuery::default()).await;
    let page = shown(&page.expect("the record answers"));
    assert!(page.contains("value=\"09:05\""), "{page}");
    // Ten is past it: tomorrow's.
    let next = next_of(&surgery.record, number(&surgery.doctor), NOW).await;
    let next = next
        .expect("the record answers")
        .expect("an hour is chosen");
    assert_eq!(next.at, NOW.plus_ms(23 * HOUR_MS + HOUR_MS / 12));
    assert!(next.key.as_str().starts_with("summary-2020-10-21.mmg-"));
    assert!(surgery.wants(&surgery.doctor, "").await);
    let next = next_of(&surgery.record, number(&surgery.doctor), NOW).await;
    assert_eq!(next.expect("the record answers"), None);
    assert_eq!(surgery.clock.0.load(Ordering::SeqCst), NOW.0);
}
