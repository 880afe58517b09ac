//! The course of one case: until when somebody is isolated, and when the next swab is. Pure.
//!
//! ```text
//! Closed ──tenth day──► Open, from the first day with slots ──negative──► Negative ──ATS──► Ended
//!             └── symptoms last ──► Symptoms ──┘  └──positive──► Open, from the day of the retest
//! ```
//! A negative ends nothing: ATS confirms the end, and only then it is one. Of the immunosuppressed
//! the doctor decides, and no day is told.

use jiff::civil::Date;
use veglia_people::CalendarError;

use crate::calendar::after;
use crate::rules::Rules;

/// When the symptoms began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Onset {
    /// Nobody has said so far: days are counted as if there were none, and the person is asked.
    Unsaid,
    /// There were none.
    None,
    /// On this day.
    On(Date),
    /// There were some, and nobody can say since when: the day of the swab counts.
    Undated,
}

/// What is known of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Course {
    /// The day on which the first positive swab was taken.
    pub swab: Date,
    /// When the symptoms began.
    pub onset: Onset,
    /// The first day without symptoms; none while they last, or nobody has said.
    pub free_since: Option<Date>,
    /// The days of further positives, in their order.
    pub again: Vec<Date>,
    /// The day of a negative taken after the last positive.
    pub negative: Option<Date>,
    /// The day on which ATS confirmed the end.
    pub ended: Option<Date>,
    /// Whether a doctor decides, because the person is immunosuppressed.
    pub doctor_decides: bool,
}

/// Where a case stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The recovery swab cannot be booked yet.
    Closed,
    /// It can be, for this day and later ones.
    Open {
        /// The first day with slots for this case.
        from: Date,
    },
    /// It could be, but symptoms last.
    Symptoms,
    /// A doctor decides.
    DoctorDecides,
    /// A negative is there: ATS confirms the end, nobody else.
    Negative {
        /// When it was taken.
        on: Date,
    },
    /// ATS has confirmed the end.
    Ended {
        /// When.
        on: Date,
    },
}

/// What the rules make of a course on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Isolation {
    /// The day of the first positive swab.
    pub since: Date,
    /// The day on which the booking opens, at 00:00 in Italy.
    pub opens_on: Date,
    /// Where it stands.
    pub standing: Standing,
    /// From when on ATS may end it though swabs stay positive.
    pub long_positive_from: Option<Date>,
    /// Since when somebody nearby counts as a contact.
    pub contacts_since: Date,
}

impl Course {
    /// Somebody of whom the first positive swab alone is known.
    #[must_use]
    pub fn of_swab(swab: Date) -> Self {
        Self {
            swab,
            onset: Onset::Unsaid,
            free_since: None,
            again: Vec::new(),
            negative: None,
            ended: None,
            doctor_decides: false,
        }
    }

    /// The day from which the days of symptoms count; none without symptoms.
    fn onset_day(&self) -> Option<Date> {
        match self.onset {
            Onset::Unsaid | Onset::None => None,
            Onset::On(day) => Some(day),
            Onset::Undated => Some(self.swab),
        }
    }

    /// What the rules make of it on this day.
    ///
    /// # Errors
    /// When a day is outside every calendar.
    pub fn isolation(&self, rules: &Rules, today: Date) -> Result<Isolation, CalendarError> {
        // Whoever fell ill after the swab was contagious before it all the same.
        let first = self
            .onset_day()
            .map_or(self.swab, |onset| onset.min(self.swab));
        Ok(Isolation {
            since: self.swab,
            opens_on: rules.opens_on(self.swab)?,
            standing: self.standing(rules, today)?,
            long_positive_from: self.long_positive_from(rules)?,
            contacts_since: rules.contacts_since(first)?,
        })
    }

    fn standing(&self, rules: &Rules, today: Date) -> Result<Standing, CalendarError> {
        if let Some(on) = self.ended {
            return Ok(Standing::Ended { on });
        }
        if let Some(on) = self.negative {
            return Ok(Standing::Negative { on });
        }
        if self.doctor_decides {
            return Ok(Standing::DoctorDecides);
        }
        let opens_on = rules.opens_on(self.swab)?;
        if today < opens_on {
            return Ok(Standing::Closed);
        }
        let mut from = opens_on;
        if let Some(onset) = self.onset_day() {
            let Some(free) = self.free_since else {
                return Ok(Standing::Symptoms);
            };
            let ill = after(onset, rules.symptomatic.days_from_onset)?;
            let well = after(free, rules.symptomatic.days_without_symptoms)?;
            from = from.max(ill).max(well);
        }
        if let Some((number, last)) = self.again.iter().enumerate().next_back() {
            from = from.max(rules.retest_on(number, *last)?);
        }
        Ok(Standing::Open { from })
    }

    fn long_positive_from(&self, rules: &Rules) -> Result<Option<Date>, CalendarError> {
        let long = &rules.long_positive;
        let (Some(onset), Some(free)) = (self.onset_day(), self.free_since) else {
            return Ok(None);
        };
        if self.again.is_empty() || self.doctor_decides {
            return Ok(None);
        }
        let ill = after(onset, long.days_from_onset)?;
        let well = after(free, long.days_without_symptoms)?;
        Ok(Some(ill.max(well)))
    }
}

#[cfg(test)]
mod tests;
