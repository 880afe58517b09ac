//! What a record, or the diary's list of flags, changes in the row that a clinician sees.

use veglia_triage::{FlagId, PatientState, RuleSet, Scale};
use veglia_view::{Battery, Latest, OpenFlag, Row, Unjudged};
use veglia_wire::{Body, DeviceEvent, DeviceId, Quality, Record, Site, Vital, WallMs};

use crate::fold::source;

/// Takes the value of a record into the row, of a device that the patient does not wear.
pub(crate) fn measure(
    row: &mut Row,
    device: &DeviceId,
    record: &Record,
    at: WallMs,
    doubt: Quality,
) {
    if let Body::Reading(vital, quality) = record.body {
        row.measure(Latest {
            vital: vital.kind(),
            steps: vital.steps(),
            site: vital.site(),
            at,
            quality: quality | doubt,
            source: source(device),
        });
    }
}

/// Takes a record of a worn device into the row.
pub(crate) fn take(row: &mut Row, device: &DeviceId, record: &Record, at: WallMs, doubt: Quality) {
    measure(row, device, record, at, doubt);
    row.last_heard = row.last_heard.max(Some(at));
    row.gateway_last_heard = row.gateway_last_heard.max(Some(at));
    let Some(state) = row.device(device) else {
        return;
    };
    state.last_heard = state.last_heard.max(Some(at));
    if let Body::Reading(vital, _) = record.body
        && !state.measures.contains(&vital.kind())
    {
        state.measures.push(vital.kind());
    }
    match record.body {
        Body::Event(DeviceEvent::Down) => state.up = false,
        Body::Event(DeviceEvent::BatteryPercent(percent)) => {
            state.battery = Some(Battery::Percent(percent));
        }
        Body::Event(DeviceEvent::BatteryLow) => state.battery = Some(Battery::Low),
        Body::Contact(sensor, contact) => {
            state.up = true;
            state.touch(sensor, contact);
        }
        Body::Reading(..) | Body::Event(_) => state.up = true,
        Body::Answer(_) | Body::Clock | Body::Gap(_) | Body::Heartbeat(_) => {}
    }
}

/// Shows a flag as the diary has it, or drops it when it is not on the diary's list any more.
/// Nothing else puts a flag on a row: what a clinician sees and what is written are one list.
pub(crate) fn list(row: &mut Row, id: &FlagId, listed: Option<veglia_diary::OpenFlag>) {
    match listed {
        Some(open) => row.flag(OpenFlag {
            flag: open.flag,
            raised_at: open.raised_at,
            over: open.ended,
        }),
        None => row.unflag(id),
    }
}

/// Writes into the row what the rules make of it: the latest values that they do not judge, and
/// what the scores can be. Of what was measured before they began anew the rules may know nothing.
pub(crate) fn judge(
    row: &mut Row,
    state: &PatientState,
    anew_at: Option<WallMs>,
    rules: &RuleSet,
    now: WallMs,
) {
    let is_forgotten = |latest: &Latest| {
        let newest = state.last(latest.vital).map(|it| it.at);
        Some(latest.at) <= anew_at && newest < Some(latest.at)
    };
    let why = |latest: &Latest| {
        let why = unjudged(latest, state, rules)?;
        (!is_forgotten(latest)).then_some((latest.vital, why))
    };
    row.unjudged = row.latest.iter().filter_map(why).collect();
    let scores = Scale::ALL.into_iter();
    let scores = scores.filter_map(|scale| state.partial(rules, scale, now));
    row.scores = scores.collect();
}

/// Why a value is not judged; none where its quality or its site says it.
fn unjudged(latest: &Latest, state: &PatientState, rules: &RuleSet) -> Option<Unjudged> {
    if !latest.quality.is_clean() || latest.site == Site::Skin {
        return None;
    }
    let newest = state.last(latest.vital).map(|it| it.at);
    // The rules take nothing up that is dated after it came.
    if newest.is_none_or(|newest| newest < latest.at) {
        return Some(Unjudged::Ahead);
    }
    if newest == Some(latest.at) && state.is_greyed(latest.vital) {
        return Some(Unjudged::NoMeasurement);
    }
    let vital = Vital::from_steps(latest.vital, latest.steps, latest.site);
    let is_plausible = vital.is_ok_and(|vital| rules.is_scorable(vital, Quality::empty()));
    (!is_plausible).then_some(Unjudged::Implausible)
}
