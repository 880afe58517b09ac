//! One-time codes and the sessions behind them, on a real database.

#![cfg(test)]

use totp_rs::{Builder, Secret};
use veglia_people::codes::{self, CodeError, RECOVERY_CODES, Shown};
use veglia_people::sessions::{self, Token, Way};
use veglia_people::staff::{self, NewStaff, Role, Staff};
use veglia_people::subjects::{self, IDENTITIES_MAX, LinkError};
use veglia_people::{Password, SCHEMA, SignIn, SignInError, steps};
use veglia_store::{Actor, Database};
use veglia_wire::WallMs;

const NOW: WallMs = WallMs(1_600_000_000_000);
const STEP_MS: i64 = 30_000;
const SETUP: Actor = Actor::System("test");
const PHRASE: &str = "tre civette sul comò";

struct House {
    record: Database,
    ada: Staff,
    door: SignIn,
    _folder: tempfile::TempDir,
}

async fn house() -> House {
    let folder = tempfile::tempdir().unwrap();
    let record = veglia_trial::open(&folder.path().join("record.db"), &[SCHEMA]).await;
    let ada = NewStaff {
        username: "ada".parse().unwrap(),
        name: "Ada".to_owned(),
        role: Role::Doctor,
        password: Password::new(PHRASE.to_owned()),
    };
    staff::create(&record, &SETUP, ada, NOW).await.unwrap();
    let door = SignIn::new(record.clone(), NOW);
    let phrase = Password::new(PHRASE.to_owned());
    let ada = door.authenticate("ada", phrase, NOW).await.unwrap();
    House {
        record,
        ada,
        door,
        _folder: folder,
    }
}

/// What the application on the telephone shows.
fn on_the_telephone(secret: &str, at: WallMs) -> String {
    let secret = Secret::try_from_base32(secret).unwrap();
    let telephone = Builder::new().with_secret(secret).build().unwrap();
    let seconds = u64::try_from(at.0 / 1_000).unwrap();
    telephone.generate(seconds).to_string()
}

impl House {
    async fn session(&self) -> Token {
        let opened = sessions::open_in(&self.record, &self.ada, "Firefox", Way::Password, NOW);
        opened.await.unwrap()
    }

    /// With codes; the secret and the recovery codes.
    async fn enrolled(&self) -> (String, Vec<String>) {
        let begun = codes::begin(&self.record, &self.ada, NOW).await.unwrap();
        let code = on_the_telephone(&begun.secret, NOW);
        let token = self.session().await;
        let confirmed = codes::confirm(&self.record, &self.ada, &token, &code, NOW).await;
        (begun.secret, confirmed.unwrap())
    }

    async fn show(&self, code: &str, at: WallMs) -> Result<Shown, SignInError> {
        self.door.second(&self.ada, code, at).await
    }
}

#[tokio::test]
async fn codes_count_from_the_first_one_that_is_typed() {
    let house = house().await;
    let (record, ada) = (&house.record, &house.ada);
    let (old, kept) = (house.session().await, house.session().await);
    let begun = codes::begin(record, ada, NOW).await.unwrap();
    assert!(
        begun.url.starts_with("otpauth://totp/Veglia:ada?"),
        "{}",
        begun.url
    );
    assert!(!format!("{begun:?}").contains(&begun.secret));
    assert!(!codes::is_enrolled(record, &SETUP, ada.id).await.unwrap());
    let again = codes::begun(record, ada).await.unwrap().unwrap();
    assert_eq!(again.secret, begun.secret, "the page may be loaded again");

    let wrong = codes::confirm(record, ada, &kept, "000000", NOW).await;
    assert!(matches!(wrong, Err(CodeError::Wrong)), "{wrong:?}");
    let code = on_the_telephone(&begun.secret, NOW);
    let confirmed = codes::confirm(record, ada, &kept, &code, NOW).await;
    assert_eq!(confirmed.unwrap().len(), RECOVERY_CODES);
    assert!(codes::is_enrolled(record, &SETUP, ada.id).await.unwrap());
    assert_eq!(codes::enrolled(record, &SETUP).await.unwrap(), [ada.id]);
    let again = codes::begin(record, ada, NOW).await;
    assert!(matches!(again, Err(CodeError::State)), "{again:?}");
    let is_in = async |token| sessions::lookup(record, token, NOW).await.unwrap();
    assert!(is_in(&old).await.is_none(), "opened by the password alone");
    assert!(is_in(&kept).await.is_some());
}

#[tokio::test]
async fn a_code_is_good_once_and_only_around_its_time() {
    let house = house().await;
    let (secret, _) = house.enrolled().await;
    let at = |steps: i64| NOW.plus_ms(steps * STEP_MS);
    let used = on_the_telephone(&secret, NOW);
    let refused = house.show(&used, NOW).await;
    assert!(matches!(refused, Err(SignInError::Refused)), "it enrolled");
    let code = on_the_telephone(&secret, at(2));
    let early = house.show(&code, NOW).await;
    assert!(matches!(early, Err(SignInError::Refused)), "{early:?}");
    assert_eq!(
        house.show(&code, at(3)).await.unwrap(),
        Shown::Code,
        "a slow clock"
    );
    let replayed = house.show(&code, at(3)).await;
    assert!(
        matches!(replayed, Err(SignInError::Refused)),
        "{replayed:?}"
    );
    let before = house.show(&on_the_telephone(&secret, at(1)), at(2)).await;
    assert!(matches!(before, Err(SignInError::Refused)), "{before:?}");
    let spaced = on_the_telephone(&secret, at(9));
    let spaced = format!(" {} {} ", &spaced[..3], &spaced[3..]);
    assert_eq!(house.show(&spaced, at(9)).await.unwrap(), Shown::Code);
}

#[tokio::test]
async fn guessing_codes_is_slowed_and_slows_nobody_else() {
    let house = house().await;
    house.enrolled().await;
    for guess in 0..5 {
        let refused = house.show(&format!("{guess:06}"), NOW).await;
        assert!(matches!(refused, Err(SignInError::Refused)), "{refused:?}");
    }
    let slowed = house.show("000005", NOW).await;
    assert!(
        matches!(slowed, Err(SignInError::TooMany { wait_ms: 60_000 })),
        "{slowed:?}"
    );
    let phrase = Password::new(PHRASE.to_owned());
    house.door.authenticate("ada", phrase, NOW).await.unwrap();
}

#[tokio::test]
async fn a_recovery_code_is_good_once_and_new_ones_replace_it() {
    let house = house().await;
    let (_, codes) = house.enrolled().await;
    let left = u64::try_from(RECOVERY_CODES).unwrap() - 1;
    let typed = codes[0].to_lowercase().replace('-', " ");
    let shown = house.show(&typed, NOW).await.unwrap();
    assert_eq!(shown, Shown::Recovery { left });
    let again = house.show(&codes[0], NOW).await;
    assert!(matches!(again, Err(SignInError::Refused)), "{again:?}");
    let new = codes::renew(&house.record, &house.ada, NOW).await.unwrap();
    let old = house.show(&codes[1], NOW).await;
    assert!(matches!(old, Err(SignInError::Refused)), "{old:?}");
    house.show(&new[1], NOW).await.unwrap();
    assert_eq!(codes::left(&house.record, &house.ada).await.unwrap(), left);
}

#[tokio::test]
async fn a_stolen_table_holds_no_recovery_code() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.db");
    let record = Database::open(&path, veglia_store::Purpose::Record, &[SCHEMA]).await;
    let mut house = house().await;
    house.record = record.unwrap();
    let ada = NewStaff {
        username: "ada".parse().unwrap(),
        name: "Ada Prova".to_owned(),
        role: Role::Doctor,
        password: Password::new(PHRASE.to_owned()),
    };
    staff::create(&house.record, &SETUP, ada, NOW)
        .await
        .unwrap();
    let (_, codes) = house.enrolled().await;
    house.record.close().await.unwrap();
    let bytes = std::fs::read(path).unwrap();
    let holds = |text: &str| bytes.windows(text.len()).any(|it| it == text.as_bytes());
    assert!(holds("Ada Prova"), "the file is the one that was written");
    for code in codes {
        assert!(!holds(&code) && !holds(&code.replace('-', "")));
    }
}

#[tokio::test]
async fn codes_that_are_withdrawn_end_the_sessions() {
    let house = house().await;
    house.enrolled().await;
    let token = house.session().await;
    let withdrawn = codes::withdraw(&house.record, &SETUP, house.ada.id, NOW).await;
    assert!(withdrawn.unwrap());
    let is_in = sessions::lookup(&house.record, &token, NOW).await.unwrap();
    assert!(is_in.is_none());
    let again = codes::withdraw(&house.record, &SETUP, house.ada.id, NOW).await;
    assert!(!again.unwrap());
    codes::begin(&house.record, &house.ada, NOW).await.unwrap();
}

#[tokio::test]
async fn an_identity_that_is_taken_away_ends_what_it_opened_and_there_are_not_many() {
    let house = house().await;
    let (record, ada) = (&house.record, &house.ada);
    let (kept, by_password) = (house.session().await, house.session().await);
    let opened = sessions::open_in(record, ada, "", Way::Federated, NOW).await;
    let by_identity = opened.unwrap();
    let link = async |subject: &str| {
        let identity = ("https://identity.example", subject);
        subjects::link(record, &ada.actor(), ada.id, identity, NOW).await
    };
    for number in 0..IDENTITIES_MAX {
        link(&number.to_string()).await.unwrap();
    }
    let many = link("many").await;
    assert!(matches!(many, Err(LinkError::Full)), "{many:?}");
    let counts = sessions::counts(record, &SETUP, NOW).await.unwrap();
    assert_eq!(counts[&ada.id], 3);

    let linked = subjects::list(record, ada).await.unwrap();
    assert!(linked.iter().all(|it| it.is_own));
    for nothing in ["", "%", "0000000000000000"] {
        let gone = subjects::remove(record, ada, &kept, nothing, NOW).await;
        assert!(!gone.unwrap(), "{nothing}");
    }
    let gone = subjects::remove(record, ada, &kept, &linked[0].reference, NOW).await;
    assert!(gone.unwrap());
    let is_in = async |token| {
        sessions::lookup(record, token, NOW)
            .await
            .unwrap()
            .is_some()
    };
    assert!(is_in(&kept).await && is_in(&by_password).await);
    assert!(!is_in(&by_identity).await);
    let gone = subjects::whose(record, ("https://identity.example", "0")).await;
    assert!(gone.unwrap().is_none());
    assert_eq!(
        sessions::counts(record, &SETUP, NOW).await.unwrap()[&ada.id],
        2
    );
}

#[tokio::test]
async fn half_a_sign_in_is_no_session_and_is_soon_over() {
    let house = house().await;
    let (record, ada) = (&house.record, &house.ada);
    let half = steps::open(record, ada, NOW).await.unwrap();
    let session = sessions::lookup(record, &half, NOW).await.unwrap();
    assert!(session.is_none(), "a password alone opens nothing");
    let late = NOW.plus_ms(steps::STEP_MS);
    assert!(steps::whose(record, &half, NOW).await.unwrap().is_some());
    assert!(steps::whose(record, &half, late).await.unwrap().is_none());
    let other = Password::new("quattro gufi in soffitta".to_owned());
    staff::set_password(record, &SETUP, ada.id, other)
        .await
        .unwrap();
    assert!(steps::whose(record, &half, NOW).await.unwrap().is_none());
    let half = steps::open(record, ada, NOW).await.unwrap();
    steps::end(record, ada, &half).await.unwrap();
    assert!(steps::whose(record, &half, NOW).await.unwrap().is_none());
}

#[tokio::test]
async fn sessions_are_listed_without_what_opens_them_and_ended_one_by_one() {
    let house = house().await;
    let (record, ada) = (&house.record, &house.ada);
    let (one, other) = (house.session().await, house.session().await);
    let listed = sessions::list(record, &SETUP, ada.id, NOW).await.unwrap();
    assert_eq!(listed.len(), 2);
    assert!(listed.iter().all(|it| it.browser == "Firefox"));
    assert!(listed.iter().any(|it| it.handle == one.handle()));
    assert!(!format!("{listed:?}").contains(&one.reveal()[..16]));
    let end = async |handle: &str| {
        let ended = sessions::close_listed(record, &SETUP, ada.id, handle).await;
        ended.unwrap()
    };
    for nothing in ["", "%", "_______________", "0000000000000000"] {
        assert!(!end(nothing).await, "{nothing}");
    }
    assert!(end(&one.handle()).await);
    assert!(sessions::lookup(record, &one, NOW).await.unwrap().is_none());
    assert!(
        sessions::lookup(record, &other, NOW)
            .await
            .unwrap()
            .is_some()
    );
    let late = NOW.plus_ms(sessions::IDLE_MS);
    let listed = sessions::list(record, &SETUP, ada.id, late).await.unwrap();
    assert_eq!(listed, [], "those that are over are not listed");
}

#[test]
fn all_this_holds_on_postgresql_too() {
    veglia_trial::again_on_postgresql("all_this_holds_on_postgresql_too");
}
