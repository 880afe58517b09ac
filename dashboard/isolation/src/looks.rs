//! Who has read the data of a case: when, by which service and in which role, and nobody's name.

use askama::Template;
use veglia_people::{PersonId, patients, staff};
use veglia_store::{Accessed, Database};
use veglia_wire::WallMs;
use veglia_words::{Key, Language, Words};

use crate::WORDS;
use crate::cases::{CaseId, Cases};
use crate::home::{ACTOR, HomeError, own};

/// Looks on the page.
const LOOKS: u64 = 200;

/// Who has read the data of a case.
#[derive(Template)]
#[template(path = "looks.html")]
pub struct LooksPage {
    w: Words,
    looks: Vec<Look>,
    is_cut: bool,
}

struct Look {
    number: i64,
    at: String,
    who: String,
    what: Key,
}

impl LooksPage {
    /// Of this case, and of the same person on file with the centre; none without such a case.
    ///
    /// # Errors
    /// See [`HomeError`].
    pub async fn load(
        cases: &Cases,
        record: &Database,
        id: CaseId,
        language: Language,
        now: WallMs,
    ) -> Result<Option<Self>, HomeError> {
        let Some(case) = own(cases, record, id, now).await? else {
            return Ok(None);
        };
        let w = WORDS.speaking(language);
        let mut subjects = vec![(id.to_string(), Key("look-case"))];
        if let Some(code) = case.code.codice_fiscale() {
            let person = patients::number_of(record, &ACTOR, code).await;
            let person: Option<PersonId> = person.map_err(HomeError::Record)?;
            subjects.extend(person.map(|it| (it.to_string(), Key("look-patient"))));
        }
        let roles = staff::roles(record, &ACTOR).await;
        let roles = roles.map_err(HomeError::Record)?;
        let mut looks = Vec::new();
        let mut is_cut = false;
        for (subject, what) in subjects {
            let read = record.accesses_to(&ACTOR, &subject, None, LOOKS).await;
            let read = read.map_err(HomeError::Record)?;
            is_cut |= u64::try_from(read.len()).unwrap_or(LOOKS) >= LOOKS;
            looks.extend(read.into_iter().map(|it: Accessed| Look {
                number: it.number,
                at: language.moment(WallMs(it.at_ms)),
                // The unit and the role, and nobody's name.
                who: match roles.get(&it.actor) {
                    Some(role) => format!("{}, {}", role.unit_in(language), role.word_in(language)),
                    None if it.actor == ACTOR.to_string() => w.say("look-own").into_owned(),
                    None => w.say("look-program").into_owned(),
                },
                what,
            }));
        }
        looks.sort_by_key(|it| std::cmp::Reverse(it.number));
        Ok(Some(Self { w, looks, is_cut }))
    }

    /// For the browser's tab.
    #[must_use]
    pub fn title(&self) -> String {
        self.w.say("looks-title").into_owned()
    }
}
