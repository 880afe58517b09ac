//! A result as it was written, in whatever way it came, and what it means.
//!
//! ```text
//! ORU^R01 (oru.rs) ─┐
//! a line of a sheet ├─► Written, all text ─► read ─► Report, or what is wrong with which field
//! a person mending ─┘
//! ```
//! One reader judges all of them, so that what a laboratory sends, what an operator uploads and
//! what somebody mends by hand is held to the same.

use std::fmt;

use jiff::ToSpan;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use veglia_isolation::{ID_CHARS_MAX, PersonCode};
use veglia_people::Phone;
use veglia_wire::WallMs;

use crate::outcome::{Outcome, Status, Test};
use crate::when::{self, When};

/// Longest text of a field: names of people and laboratories are shorter.
const FIELD_CHARS_MAX: usize = 200;

/// Longest name of a laboratory, and longest number of a result: cases add how it was analysed.
const KNOWN_BY_CHARS_MAX: usize = ID_CHARS_MAX - 4;

/// Before it there was nothing to swab for: an older day is mistyped.
const FIRST_DAY: Date = jiff::civil::date(2020, 1, 1);

/// A clock at a laboratory may be ahead by this.
const AHEAD_MS: i64 = 10 * 60_000;

/// Everything about one result, as text. Not shown by `Debug`: it is somebody's.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Written {
    /// Who analysed.
    pub(crate) laboratory: String,
    /// The number by which the laboratory knows swab or order.
    pub(crate) order: String,
    /// Codice Fiscale, STP or ENI.
    pub(crate) person: String,
    /// Family name.
    pub(crate) surname: String,
    /// Given name.
    pub(crate) name: String,
    /// Birthday.
    pub(crate) born: String,
    /// The telephone that was left when the swab was taken.
    pub(crate) phone: String,
    /// When the swab was taken.
    pub(crate) taken: String,
    /// When the laboratory had the result.
    pub(crate) reported: String,
    /// What was looked for.
    pub(crate) test: String,
    /// What was found.
    pub(crate) outcome: String,
    /// How final that is.
    pub(crate) status: String,
    /// Ticked when a person has established that there is no telephone.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) no_phone: String,
}

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Written(…)")
    }
}

/// A result that can be acted upon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    /// Whose.
    pub(crate) person: PersonCode,
    /// When the swab was taken.
    pub(crate) taken: When,
    /// What was found.
    pub(crate) outcome: Outcome,
    /// How final that is.
    pub(crate) status: Status,
    /// The number that was left; none when a person established that there is none.
    pub(crate) phone: Option<Phone>,
    /// Birthday, where it was said.
    pub(crate) born: Option<Date>,
}

/// What is wrong with a result: a person has to look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// No laboratory is named.
    Laboratory,
    /// No number by which the laboratory knows it.
    Order,
    /// Nobody is named.
    PersonMissing,
    /// The code of the person is none.
    Person,
    /// The birthday is none.
    Born,
    /// No telephone was left.
    PhoneMissing,
    /// What was left is no telephone number.
    Phone,
    /// It is not said when the swab was taken.
    TakenMissing,
    /// What is said is no moment, or none that can be.
    Taken,
    /// The moment of the result is none.
    Reported,
    /// A test that is not known here.
    Test,
    /// A finding that is not known here, or two that disagree.
    Outcome,
    /// A status that is not known here.
    Status,
    /// The laboratory said otherwise before, and does not say that it corrects itself.
    Contradiction,
    /// A field that is too long, or holds what is no text.
    Text,
}

impl Fault {
    /// All of them, in the order of the form.
    const ALL: [Self; 15] = [
        Self::Laboratory,
        Self::Order,
        Self::PersonMissing,
        Self::Person,
        Self::Born,
        Self::PhoneMissing,
        Self::Phone,
        Self::TakenMissing,
        Self::Taken,
        Self::Reported,
        Self::Test,
        Self::Outcome,
        Self::Status,
        Self::Contradiction,
        Self::Text,
    ];

    /// The word stored.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Laboratory => "laboratory",
            Self::Order => "order",
            Self::PersonMissing => "person-missing",
            Self::Person => "person",
            Self::Born => "born",
            Self::PhoneMissing => "phone-missing",
            Self::Phone => "phone",
            Self::TakenMissing => "taken-missing",
            Self::Taken => "taken",
            Self::Reported => "reported",
            Self::Test => "test",
            Self::Outcome => "outcome",
            Self::Status => "status",
            Self::Contradiction => "contradiction",
            Self::Text => "text",
        }
    }

    pub(crate) fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.code() == code)
    }

    /// The field of the form it stands beside.
    pub(crate) fn field(self) -> &'static str {
        match self {
            Self::Laboratory | Self::Text => "laboratory",
            Self::Order => "order",
            Self::PersonMissing | Self::Person => "person",
            Self::Born => "born",
            Self::PhoneMissing | Self::Phone => "phone",
            Self::TakenMissing | Self::Taken => "taken",
            Self::Reported => "reported",
            Self::Test => "test",
            Self::Outcome | Self::Contradiction => "outcome",
            Self::Status => "status",
        }
    }
}

impl Written {
    /// What it means, or everything that is wrong with it.
    pub(crate) fn read(&self, now: WallMs) -> Result<Report, Vec<Fault>> {
        let mut faults = self.texts();
        let mut must = |fault, is_wrong: bool| {
            if is_wrong {
                faults.push(fault);
            }
        };
        must(Fault::Laboratory, self.laboratory.trim().is_empty());
        must(Fault::Order, self.order.trim().is_empty());
        let is_named = !self.person.trim().is_empty();
        let person = self.person.parse::<PersonCode>().ok();
        must(Fault::PersonMissing, !is_named);
        must(Fault::Person, is_named && person.is_none());
        let born = when::read_day(&self.born);
        must(Fault::Born, born.is_none() && !self.born.trim().is_empty());
        let phone = phone_of(&self.phone);
        let has_phone = !self.phone.trim().is_empty();
        must(Fault::PhoneMissing, !has_phone && self.no_phone.is_empty());
        must(Fault::Phone, has_phone && phone.is_none());
        let has_taken = !self.taken.trim().is_empty();
        let taken = when::read(&self.taken).filter(|it| is_past(*it, now));
        must(Fault::TakenMissing, !has_taken);
        must(Fault::Taken, has_taken && taken.is_none());
        let reported = when::read(&self.reported).is_some();
        must(
            Fault::Reported,
            !reported && !self.reported.trim().is_empty(),
        );
        must(Fault::Test, Test::of(&[&self.test]).is_none());
        let outcome = Outcome::of(&[&self.outcome]);
        let status = Status::of(&self.status);
        // A swab that was not analysed has no finding.
        let needs_outcome = status != Some(Status::Cancelled);
        must(Fault::Outcome, outcome.is_none() && needs_outcome);
        must(Fault::Status, status.is_none());
        let (Some(person), Some(taken), Some(status)) = (person, taken, status) else {
            return Err(faults);
        };
        let report = Report {
            person,
            taken,
            outcome: outcome.unwrap_or(Outcome::None),
            status,
            phone,
            born,
        };
        if faults.is_empty() {
            Ok(report)
        } else {
            Err(faults)
        }
    }

    /// Whether a field could not even be kept as it is.
    fn texts(&self) -> Vec<Fault> {
        let fields = self.fields();
        let is_odd = |(place, text): (usize, &&str)| {
            // The first two are what a result is known by.
            let most = if place < 2 {
                KNOWN_BY_CHARS_MAX
            } else {
                FIELD_CHARS_MAX
            };
            text.chars().count() > most || text.chars().any(char::is_control)
        };
        match fields.iter().enumerate().any(is_odd) {
            true => vec![Fault::Text],
            false => Vec::new(),
        }
    }

    /// Every field in the order of the form.
    fn fields(&self) -> [&str; 12] {
        [
            &self.laboratory,
            &self.order,
            &self.person,
            &self.surname,
            &self.name,
            &self.born,
            &self.phone,
            &self.taken,
            &self.reported,
            &self.test,
            &self.outcome,
            &self.status,
        ]
    }

    /// The same in words that every reader knows, and cut to what can be kept.
    pub(crate) fn tidied(mut self) -> Self {
        for field in [
            &mut self.laboratory,
            &mut self.order,
            &mut self.person,
            &mut self.surname,
            &mut self.name,
            &mut self.born,
            &mut self.phone,
            &mut self.taken,
            &mut self.reported,
            &mut self.test,
            &mut self.outcome,
            &mut self.status,
        ] {
            let plain = field
                .chars()
                .map(|it| if it.is_control() { ' ' } else { it });
            *field = plain
                .take(FIELD_CHARS_MAX)
                .collect::<String>()
                .trim()
                .to_owned();
        }
        if let Some(outcome) = Outcome::of(&[&self.outcome]) {
            outcome.code().clone_into(&mut self.outcome);
        }
        if let Some(status) = Status::of(&self.status) {
            status.code().clone_into(&mut self.status);
        }
        if let Some(test) = Test::of(&[&self.test]) {
            test.code().clone_into(&mut self.test);
        }
        self
    }

    /// Whether both say the same of the same person. When it was reported does not count: some
    /// write there when they sent it.
    pub(crate) fn says_the_same(&self, other: &Self) -> bool {
        self.meaning() == other.meaning()
    }

    fn meaning(&self) -> impl PartialEq {
        let capitals = |text: &str| text.trim().to_uppercase();
        let taken = when::read(&self.taken).ok_or_else(|| capitals(&self.taken));
        let phone = phone_of(&self.phone).ok_or_else(|| capitals(&self.phone));
        let born = when::read_day(&self.born).ok_or_else(|| capitals(&self.born));
        let code: String = self.person.split_whitespace().collect();
        let texts = [
            &code,
            &self.surname,
            &self.name,
            &self.outcome,
            &self.status,
        ];
        let texts = texts.map(|it| capitals(it));
        (texts, taken, phone, born, self.no_phone.is_empty())
    }

    /// When the laboratory had it, where that is said to the minute.
    pub(crate) fn reported_at(&self) -> Option<WallMs> {
        when::read(&self.reported)?.at
    }
}

/// A number as laboratories write it: some leave out the `+` of Italy, and an Italian mobile has
/// ten digits.
pub(crate) fn phone_of(text: &str) -> Option<Phone> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let is_whole = digits.len() == 12 && digits.starts_with("393") && !text.contains('+');
    match is_whole {
        true => format!("+{digits}").parse().ok(),
        false => text.trim().parse().ok(),
    }
}

/// Whether a swab can have been taken then.
fn is_past(taken: When, now: WallMs) -> bool {
    let latest = now.plus_ms(AHEAD_MS);
    let today = jiff::Timestamp::from_millisecond(latest.0).ok();
    // Until the day ends everywhere: whoever writes no hour means a day in Italy.
    let today = today.map(|it| it.to_zoned(jiff::tz::TimeZone::UTC).date());
    let last = today.and_then(|it| it.checked_add(1.day()).ok());
    taken.day >= FIRST_DAY
        && last.is_some_and(|last| taken.day <= last)
        && taken.at.is_none_or(|at| at <= latest)
}
