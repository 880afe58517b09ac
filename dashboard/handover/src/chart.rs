//! What is known of a patient besides this day: the clinical sheet, the plan, where they live and
//! whom to call. Read anew at each look; a handover keeps no copy of it.

use veglia_diary::plan_of;
use veglia_people::background::{self, Background, Other};
use veglia_people::patients;
use veglia_view::{End, Expected, PatientId, Plan};
use veglia_words::{Key, Words};

use crate::desk::{Desk, HandoverError, person_of};
use crate::tell::{number, vital_key};

/// What is known of a patient, each with what it is about.
#[derive(Default)]
pub(crate) struct Chart {
    pub(crate) facts: Vec<(String, String)>,
    /// Telephones: who, and the number.
    pub(crate) phones: Vec<(String, String)>,
}

/// The background of a patient: for a shift what a nurse must know; for whoever goes there, also
/// where it is, how to get in and whom to call.
pub(crate) async fn read(
    desk: Desk<'_>,
    patient: PatientId,
    goes_there: bool,
) -> Result<Chart, HandoverError> {
    let (record, actor, w) = (desk.record, desk.actor(), desk.words());
    let Some(person) = person_of(patient) else {
        return Ok(Chart::default());
    };
    let sheet = background::current(record, &actor, person).await;
    let sheet = sheet.map_err(HandoverError::Sheet)?;
    let says = sheet.map(|sheet| sheet.says).unwrap_or_default();
    let plan = plan_of(record, &actor, patient).await;
    let plan = plan.map_err(HandoverError::Diary)?;
    let mut facts = health(w, &says);
    facts.extend(plan.map(|plan| (said(w, Key("chart-plan")), planned(w, &plan))));
    let mut phones = Vec::new();
    if goes_there {
        let known = patients::get(record, &actor, person).await;
        if let Some(known) = known.map_err(HandoverError::People)? {
            let details = known.details;
            facts.extend(home(w, &details.address, &says));
            let phone = details.phone.as_str().to_owned();
            phones.push((said(w, Key("whom-patient")), phone));
        }
        phones.extend(others(w, &says));
    }
    Ok(Chart { facts, phones })
}

fn said(w: Words, key: Key) -> String {
    w.say(key).into_owned()
}

/// What nobody has written is not known, which is not "none".
fn or_unknown(w: Words, text: &str) -> String {
    match text {
        "" => said(w, Key("chart-unknown")),
        text => text.to_owned(),
    }
}

fn health(w: Words, says: &Background) -> Vec<(String, String)> {
    let all = [
        (Key("chart-conditions"), &says.conditions),
        (Key("chart-therapy"), &says.therapy),
        (Key("chart-allergies"), &says.allergies),
        (Key("chart-oxygen"), &says.home_oxygen),
    ];
    let told = all.map(|(key, text)| (said(w, key), or_unknown(w, text)));
    told.into()
}

fn home(w: Words, address: &str, says: &Background) -> Vec<(String, String)> {
    vec![
        (said(w, Key("chart-address")), address.to_owned()),
        (said(w, Key("chart-floor")), or_unknown(w, &says.floor)),
        (said(w, Key("chart-keys")), or_unknown(w, &says.keys)),
    ]
}

fn others(w: Words, says: &Background) -> Vec<(String, String)> {
    let holder = Some(&says.key_holder).filter(|it| !it.is_empty());
    let holder = holder.map(|it| (Key("whom-key-holder"), it));
    let others = says.others.iter().map(|it| (Key("whom-contact"), it));
    let named = |(key, it): (Key, &Other)| {
        let who = match it.name.as_str() {
            "" => said(w, key),
            name => format!("{}: {name}", w.say(key)),
        };
        (who, it.phone.clone())
    };
    others.chain(holder).map(named).collect()
}

/// The plan in a line: what is measured how often, the target, limits of the patient's own.
fn planned(w: Words, plan: &Plan) -> String {
    let rhythm = plan.parameters.iter().map(|parameter| {
        let name = w.say(vital_key(parameter.vital));
        match &parameter.expected {
            Expected::EveryMinutes(minutes) => w
                .with("plan-every", "vital", name)
                .and("n", *minutes)
                .to_string(),
            Expected::DailyAt(times) => {
                let times: Vec<String> = times.iter().map(ToString::to_string).collect();
                w.with("plan-daily", "vital", name)
                    .and("times", times.join(", "))
                    .to_string()
            }
            Expected::Within(hours) => w
                .with("plan-within", "vital", name)
                .and("from", hours.from.to_string())
                .and("until", hours.until.to_string())
                .to_string(),
        }
    });
    let target = plan.spo2.map(|target| {
        w.with("plan-target", "low", target.low_percent)
            .and("high", target.high_percent)
            .to_string()
    });
    let limits = plan.limits.iter().flat_map(|own| {
        let ends = [End::RedTo, End::AmberTo, End::AmberFrom, End::RedFrom];
        ends.into_iter().filter_map(move |end| {
            let limit = number(w, own.vital, own.at(end)?);
            let key = match end {
                End::RedTo => Key("plan-red-to"),
                End::AmberTo => Key("plan-amber-to"),
                End::AmberFrom => Key("plan-amber-from"),
                End::RedFrom => Key("plan-red-from"),
            };
            let name = w.say(vital_key(own.vital));
            Some(w.with(key, "vital", name).and("limit", limit).to_string())
        })
    });
    let all: Vec<String> = rhythm.chain(target).chain(limits).collect();
    all.join("; ")
}
