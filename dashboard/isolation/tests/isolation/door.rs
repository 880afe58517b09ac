//! Coming in, and attacks on it: guessing codes, guessing numbers, telling by the answer who has a
//! case, using a code or a link twice. The figures are those that the room promises.

// req: A3, A4

use std::net::{IpAddr, Ipv4Addr};

use veglia_isolation::{
    A_DAY, AN_HOUR_BY_ADDRESS, CODE_MS, DoorError, IDLE_MS, PersonCode, Reached, Secret, TRIES,
    WHOLE_MS,
};
use veglia_people::Phone;
use veglia_wire::WallMs;

use crate::house::{House, MARIA, PHONE, october, positive};

const HOUR_MS: i64 = 3_600_000;

fn phone() -> Phone {
    PHONE.parse().expect("it is a number")
}

fn maria() -> PersonCode {
    MARIA.parse().expect("it is a code")
}

/// An address of its own for each number.
fn from(number: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + number))
}

fn digits(sms: &str) -> String {
    let said = sms.split("codice è ").nth(1).expect("there is a code");
    said.chars().take(6).collect()
}

async fn asks(house: &House, now: WallMs) -> Result<Secret, DoorError> {
    let (phone, code) = (phone(), maria());
    let reached = Reached::Phone(&phone);
    house.door.ask(reached, &code, from(1), now).await
}

#[tokio::test]
async fn telephone_code_and_sms_open_one_case_for_a_short_while() {
    let house = House::new().await;
    let case = house.opens(&positive("L1", october(20))).await;
    let now = october(21);
    let entry = asks(&house, now).await.unwrap();
    let sent = house.waits_for_sent(1).await;
    assert!(!sent[0].contains("positiv") && !sent[0].contains("Rossi"));
    // As it is pasted from the message, with what stands around it.
    let typed = format!(" {}. ", digits(&sent[0]));
    let (visit, whose) = house.door.show(&entry, &typed, now).await.unwrap();
    assert_eq!(whose, case);
    let open = |at| {
        let (door, visit) = (house.door.clone(), visit.clone());
        async move { door.whose(&visit, at).await.unwrap() }
    };
    assert_eq!(open(now.plus_ms(IDLE_MS - 1)).await, Some(case));
    assert_eq!(open(now.plus_ms(2 * IDLE_MS - 1)).await, None);
    let mut at = now.plus_ms(IDLE_MS - 1);
    while at.since(now) < WHOLE_MS {
        assert_eq!(open(at).await, Some(case));
        at = at.plus_ms(IDLE_MS - 60_000);
    }
    assert_eq!(open(now.plus_ms(WHOLE_MS)).await, None);
    assert_eq!(open(now.plus_ms(-HOUR_MS)).await, None);
}

#[tokio::test]
async fn leaving_ends_the_visit_and_a_used_code_opens_nothing_more() {
    let house = House::new().await;
    house.opens(&positive("L1", october(20))).await;
    let now = october(21);
    let entry = asks(&house, now).await.unwrap();
    let code = digits(&house.waits_for_sent(1).await[0]);
    let (visit, _) = house.door.show(&entry, &code, now).await.unwrap();
    let replayed = house.door.show(&entry, &code, now).await;
    assert!(matches!(replayed, Err(DoorError::Refused)));
    house.door.leave(&visit).await.unwrap();
    assert_eq!(house.door.whose(&visit, now).await.unwrap(), None);
    house.door.leave(&visit).await.unwrap();
    // A secret of an entry is none of a visit, and the other way round.
    assert_eq!(house.door.whose(&entry, now).await.unwrap(), None);
    let crossed = house.door.show(&visit, &code, now).await;
    assert!(matches!(crossed, Err(DoorError::Refused)));
    // After its time a right code is none.
    let entry = asks(&house, now).await.unwrap();
    let code = digits(&house.waits_for_sent(2).await[1]);
    let late = house.door.show(&entry, &code, now.plus_ms(CODE_MS)).await;
    assert!(matches!(late, Err(DoorError::Refused)));
}

#[tokio::test]
async fn a_code_is_compared_exactly_and_of_omocodia_only_the_one_on_file_opens() {
    let house = House::new().await;
    let mut result = positive("L1", october(20));
    result.person.code = "CCCFBA85D03L21VE".parse().unwrap();
    house.opens(&result).await;
    let phone = phone();
    for (code, sent) in [("CCCFBA85D03L219P", 0), ("CCCFBA85D03L21VE", 1)] {
        let code: PersonCode = code.parse().unwrap();
        let reached = Reached::Phone(&phone);
        let asked = house.door.ask(reached, &code, from(1), october(21)).await;
        asked.unwrap();
        if sent == 1 {
            house.waits_for_sent(1).await;
        }
        assert_eq!(house.sent().await.len(), sent, "{code:?}");
    }
}

/// Of five minutes, in a day.
const ROUNDS: i64 = 24 * 12;

#[tokio::test]
async fn guessing_codes_without_rest_for_a_day_is_fifty_tries_of_a_million() {
    let house = House::new().await;
    house.opens(&positive("L1", october(20))).await;
    let (mut codes, mut tries, mut refused) = (0, 0, 0_u64);
    let begun = october(21);
    // A new code every five minutes of the day, always from another address, and each tried as
    // often as it lets itself.
    for round in 0..ROUNDS {
        let now = begun.plus_ms(round * 5 * 60_000);
        let (phone, code) = (phone(), maria());
        let source = from(u32::try_from(round).unwrap());
        let asked = house.door.ask(Reached::Phone(&phone), &code, source, now);
        let Ok(entry) = asked.await else {
            refused += 1;
            continue;
        };
        codes += 1;
        for guess in 0..2 * TRIES {
            // Not a code of six digits, so that no guess can hit.
            let guess = format!("1{guess:06}");
            let shown = house.door.show(&entry, &guess, now).await;
            assert!(matches!(shown, Err(DoorError::Refused)));
        }
        let sql = "select tries from isolation_entry order by at_ms desc limit 1";
        let counted: i64 = house.asks(sql).await[0].try_get_by("tries").unwrap();
        tries += counted;
    }
    assert_eq!((codes, tries), (A_DAY, 50));
    assert_eq!(codes + refused, u64::try_from(ROUNDS).unwrap());
}

#[tokio::test]
async fn five_wrong_tries_shut_out_the_right_code_also_when_all_come_at_once() {
    let house = House::new().await;
    house.opens(&positive("L1", october(20))).await;
    let now = october(21);
    let entry = asks(&house, now).await.unwrap();
    let right = digits(&house.waits_for_sent(1).await[0]);
    let tries = (0..40).map(|guess| {
        let (door, entry) = (house.door.clone(), entry.clone());
        let guess = format!("1{guess:06}");
        tokio::spawn(async move { door.show(&entry, &guess, now).await.is_err() })
    });
    for guess in tries.collect::<Vec<_>>() {
        assert!(guess.await.unwrap());
    }
    let sql = "select tries from isolation_entry";
    let counted: i64 = house.asks(sql).await[0].try_get_by("tries").unwrap();
    assert_eq!(counted, TRIES);
    let shown = house.door.show(&entry, &right, now).await;
    assert!(matches!(shown, Err(DoorError::Refused)));
}

#[tokio::test]
async fn whoever_tries_numbers_in_turn_is_slowed_and_learns_nothing() {
    let house = House::new().await;
    house.opens(&positive("L1", october(20))).await;
    let now = october(21);
    let mut asked = 0;
    for number in 0..3 * AN_HOUR_BY_ADDRESS {
        let phone: Phone = format!("34700{number:05}").parse().unwrap();
        let code: PersonCode = format!("STP{number:013}").parse().unwrap();
        let reached = Reached::Phone(&phone);
        match house.door.ask(reached, &code, from(1), now).await {
            // Whatever is typed opens nothing: nobody was sent a code.
            Ok(entry) => {
                asked += 1;
                let shown = house.door.show(&entry, "000000", now).await;
                assert!(matches!(shown, Err(DoorError::Refused)));
            }
            Err(DoorError::TooMany) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(asked, AN_HOUR_BY_ADDRESS);
    assert!(house.sent().await.is_empty());
    // From elsewhere, and an hour later from there too, people come in.
    let (phone, code) = (phone(), maria());
    for (source, at) in [(from(2), now), (from(1), now.plus_ms(HOUR_MS))] {
        let reached = Reached::Phone(&phone);
        house.door.ask(reached, &code, source, at).await.unwrap();
    }
}

#[tokio::test]
async fn a_known_and_an_unknown_pair_are_answered_alike_to_the_limit_and_beyond() {
    let house = House::new().await;
    house.opens(&positive("L1", october(20))).await;
    let now = october(21);
    let unknown: PersonCode = "CCCFBA85D03L219P".parse().unwrap();
    let strange: Phone = "347 7654321".parse().unwrap();
    let known = phone();
    let pairs = [(&known, &maria()), (&strange, &unknown)];
    for count in 0..12 {
        let mut answers = Vec::new();
        for (source, (phone, code)) in (0..).zip(pairs) {
            let asked = house
                .door
                .ask(Reached::Phone(phone), code, from(source), now);
            let answer = match asked.await {
                Ok(entry) => {
                    let shown = house.door.show(&entry, "1000000", now).await;
                    format!("{:?} {}", entry, shown.unwrap_err())
                }
                Err(refused) => refused.to_string(),
            };
            answers.push(answer);
        }
        assert_eq!(answers[0], answers[1], "after {count}");
    }
}

#[tokio::test]
async fn strangers_who_use_up_a_number_do_not_shut_out_its_link() {
    let house = House::new().await;
    let case = house.opens(&positive("L1", october(20))).await;
    let link = house.invited().await;
    let now = october(21);
    while asks(&house, now).await.is_ok() {}
    let waiting = house.waits_for_sent(6).await.len();
    let code = maria();
    let asked = house.door.ask(Reached::Link(&link), &code, from(9), now);
    let entry = asked.await.unwrap();
    let sent = house.waits_for_sent(waiting + 1).await;
    let code = digits(sent.last().unwrap());
    let shown = house.door.show(&entry, &code, now).await;
    assert_eq!(shown.unwrap().1, case);
}

#[tokio::test]
async fn a_link_alone_opens_nothing_however_often_it_is_used_and_ends() {
    let house = House::new().await;
    house.opens(&positive("L1", october(20))).await;
    let link = house.invited().await;
    let now = october(21);
    // A link is no visit and no entry.
    assert_eq!(house.door.whose(&link, now).await.unwrap(), None);
    let shown = house.door.show(&link, "000000", now).await;
    assert!(matches!(shown, Err(DoorError::Refused)));
    // With another's code, and after its time, it is answered and nobody is written to.
    let other: PersonCode = "CCCFBA85D03L219P".parse().unwrap();
    let late = now.plus_ms(45 * 24 * HOUR_MS);
    let never: Secret = "0".repeat(32).parse().unwrap();
    let code = maria();
    for (link, code, at) in [
        (&link, &other, now),
        (&link, &code, late),
        (&never, &code, now),
    ] {
        let reached = Reached::Link(link);
        let entry = house.door.ask(reached, code, from(1), at).await.unwrap();
        let shown = house.door.show(&entry, "000000", at).await;
        assert!(matches!(shown, Err(DoorError::Refused)));
    }
    assert_eq!(house.sent().await.len(), 1, "the invitation alone");
}

#[tokio::test]
async fn whoever_was_told_of_a_positive_of_somebody_else_still_comes_in_and_a_wrong_number_not() {
    let house = House::new().await;
    let mut result = positive("L1", october(20));
    let case = house.opens(&result).await;
    result.status = veglia_isolation::Status::Corrected;
    result.phone = Some("347 7654321".parse().unwrap());
    house.receives(&result).await;
    let now = october(21);
    asks(&house, now).await.unwrap();
    result.person.code = "CCCFBA85D03L219P".parse().unwrap();
    result.person.surname = "Caccia".to_owned();
    house.receives(&result).await;
    asks(&house, now).await.unwrap();
    let (phone, code) = ("347 7654321".parse().unwrap(), maria());
    let reached = Reached::Phone(&phone);
    let entry = house.door.ask(reached, &code, from(1), now).await.unwrap();
    // The wrong number, asked twice, was sent nothing.
    let sent = house.waits_for_sent(1).await;
    let shown = house.door.show(&entry, &digits(&sent[0]), now).await;
    assert_eq!(shown.unwrap().1, case);
    assert_eq!(house.sent().await.len(), 1);
}
