//! A handover that nobody wrote, or nobody read: what the ward says, who is told, and how often.

// req: B17

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use veglia_handover::{GRACE_MS, HandedPage, Kind, NightPage, Reminder, acknowledge};
use veglia_people::contacts::{self, Address, Channel};
use veglia_people::duty::{self, Period, Post, Shift};
use veglia_people::staff::Staff;
use veglia_people::{Hours, Party};
use veglia_store::Actor;
use veglia_view::{CareClock, Clock, WallMs};
use veglia_words::Language;

use crate::house::{HOUR_MS, House, MINUTE_MS, NOW, number, of, text};

const SETUP: Actor = Actor::System("test");

/// Five past two of a Friday: the shift has changed.
const CHANGED: WallMs = WallMs(NOW.0 + 25 * MINUTE_MS);
/// Five past eight: the night has begun.
const NIGHT: WallMs = WallMs(NOW.0 + 6 * HOUR_MS + 25 * MINUTE_MS);
/// Five past eight of Monday: it is over.
const MORNING: WallMs = WallMs(NOW.0 + 66 * HOUR_MS + 25 * MINUTE_MS);

struct StillClock(AtomicI64);

impl Clock for StillClock {
    fn now(&self) -> WallMs {
        WallMs(self.0.load(Ordering::SeqCst))
    }
}

impl House {
    async fn ward(&self, now: WallMs) -> Vec<String> {
        let said = veglia_handover::waiting(&self.record, &SETUP, now, Language::It).await;
        said.expect("the record answers")
    }

    /// Somebody holds a post, and is reached by SMS.
    async fn on_duty(&self, who: &Staff, post: Post) {
        let party = Party::Staff(who.id);
        let shift = Shift {
            post,
            party,
            hours: Hours::always(),
            period: Period {
                from: NOW,
                until: None,
            },
        };
        let added = duty::add_shift(&self.record, &SETUP, &shift).await;
        added.expect("they are on file");
        self.reached(who).await;
    }

    async fn reached(&self, who: &Staff) {
        let address = Address::new(Channel::Sms, "+393331234567").expect("an address");
        let party = Party::Staff(who.id);
        let added = contacts::add(&self.record, &SETUP, party, &address, NOW).await;
        added.expect("they are on file");
    }

    /// By what the messages are known that wait after a look at `now`, of a program that has just
    /// begun.
    async fn reminded(&self, now: WallMs) -> Vec<String> {
        let clock: Arc<dyn Clock> = Arc::new(StillClock(AtomicI64::new(now.0)));
        let (record, care) = (self.record.clone(), CareClock::real(clock));
        let link = "https://veglia/".to_owned();
        let mut reminder = Reminder::new(record, care, link.clone(), link);
        for _ in 0..2 {
            reminder.round().await.expect("the record answers");
        }
        let waiting = veglia_notify::waiting(&self.record, &SETUP).await;
        let waiting = waiting.expect("the outbox answers").into_iter();
        let mut keys: Vec<String> = waiting.map(|(key, _)| key.as_str().to_owned()).collect();
        keys.sort_unstable();
        keys
    }

    async fn tonight(&self, now: WallMs) -> String {
        let page = NightPage::load(self.desk(&self.nora, now)).await;
        text(&page.expect("the record answers"))
    }
}

#[tokio::test]
async fn a_shift_for_which_nobody_wrote_is_told_on_the_ward_at_once_and_to_the_duty_once() {
    let house = House::new().await;
    assert_eq!(house.ward(CHANGED).await, [""; 0], "no roster is kept");
    house.on_duty(&house.carla, Post::Operator).await;
    assert_eq!(house.ward(NOW).await, [""; 0], "its time has not come");
    let said = house.ward(CHANGED).await;
    assert!(
        said.len() == 1 && said[0].contains("nessuno ha scritto"),
        "{said:?}"
    );
    let page = text(&house.page(&house.anna, Kind::Shift, CHANGED).await);
    assert!(page.contains("nessuno ha ancora scritto"), "{page}");
    assert_eq!(house.reminded(CHANGED).await, [""; 0], "shifts overlap");
    let late = CHANGED.plus_ms(GRACE_MS);
    let told = house.reminded(late).await;
    assert!(told.len() == 1 && told[0].contains("shift"), "{told:?}");
    assert_eq!(house.reminded(late).await, told, "nobody is told twice");

    let fields = [("words".to_owned(), "Tutto tranquillo")];
    let id = number(house.sends(&house.anna, Kind::Shift, late, &fields).await);
    let said = house.ward(late).await;
    assert!(
        said.len() == 1 && said[0].contains("nessuno le ha ancora confermate"),
        "{said:?}"
    );
    let told = house.reminded(late).await;
    assert!(
        told.len() == 2 && told.iter().any(|it| it.contains("unread")),
        "{told:?}"
    );
    let form = BTreeMap::new().into();
    let done = acknowledge(house.desk(&house.bruno, late), &[Kind::Shift], id, &form).await;
    done.expect("the record answers");
    assert_eq!(house.ward(late).await, [""; 0]);
    assert_eq!(house.reminded(late).await, told);
}

#[tokio::test]
async fn a_night_without_a_list_is_told_to_the_centre_and_loudly_to_the_doctor_on_duty() {
    let house = House::new().await;
    house.on_duty(&house.carla, Post::Operator).await;
    house.reached(&house.nora).await;
    let said = house.ward(NIGHT).await;
    assert!(
        said.len() == 1 && said[0].contains("Continuità Assistenziale"),
        "{said:?}"
    );
    let page = house.tonight(NIGHT).await;
    assert!(page.contains("telefonare alla Centrale"), "{page}");
    let late = NIGHT.plus_ms(GRACE_MS);
    let told = house.reminded(late).await;
    let carla = format!("staff-{}", house.carla.id);
    assert!(told.len() == 1 && told[0].ends_with(&carla), "{told:?}");

    let fields = [
        (of("in", house.maria), "1"),
        (of("words", house.maria), "Alle 23"),
    ];
    let id = number(house.sends(&house.anna, Kind::Night, late, &fields).await);
    let page = house.tonight(late).await;
    assert!(page.contains("Non ha ancora confermato l’elenco"), "{page}");
    let told = house.reminded(late).await;
    assert_eq!(
        told.len(),
        3,
        "whoever should have read it is told too: {told:?}"
    );
    let form = BTreeMap::new().into();
    let done = acknowledge(house.desk(&house.nora, late), &[Kind::Night], id, &form).await;
    done.expect("the record answers");
    let page = house.tonight(late).await;
    assert!(!page.contains("Non ha ancora confermato"), "{page}");
    let page = HandedPage::load(house.desk(&house.anna, late), &[Kind::Night], id).await;
    assert!(page.expect("the record answers").is_some());

    // The centre has written for its own change of seven, and nothing came back from the night.
    let said = house.ward(MORNING).await;
    let is_back = |it: &String| it.contains("non ha restituito i pazienti");
    assert!(said.iter().any(is_back), "{said:?}");
}
