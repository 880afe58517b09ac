//! What a record, or a verdict, changes in the row that a clinician sees.

use veglia_triage::{Severity, Standing, Verdict};
use veglia_view::{Battery, Latest, OpenFlag, Row};
use veglia_wire::{Body, DeviceEvent, DeviceId, Quality, Record, WallMs};

use crate::fold::source;

/// Takes a record of a worn device into the row.
pub(crate) fn take(row: &mut Row, device: &DeviceId, record: &Record, at: WallMs, doubt: Quality) {
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
    row.last_heard = row.last_heard.max(Some(at));
    row.gateway_last_heard = row.gateway_last_heard.max(Some(at));
    let Some(state) = row.device(device) else {
        return;
    };
    state.last_heard = state.last_heard.max(Some(at));
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

/// Takes a verdict into the row. A flag leaves it when nobody needs to act on it any more: a
/// confirmed red stays until a person closes it, however the episode ended.
pub(crate) fn tell(row: &mut Row, verdict: &Verdict, now: WallMs) {
    match verdict {
        Verdict::Raise(flag) => {
            let raised_at = shown(row, verdict).map_or(now, |known| known.raised_at);
            row.flag(OpenFlag {
                flag: flag.clone(),
                raised_at,
                over: None,
            });
        }
        Verdict::Confirm {
            how,
            evidence,
            at,
            telling,
            ..
        } => {
            if let Some(known) = shown(row, verdict) {
                let mut known = known.clone();
                known.flag.standing = Standing::Confirmed { how: *how, at: *at };
                known.flag.evidence.clone_from(evidence);
                known.flag.telling = *telling;
                row.flag(known);
            }
        }
        Verdict::End {
            id,
            why,
            at,
            telling,
        } => {
            let Some(known) = shown(row, verdict) else {
                return;
            };
            if needs_a_person(known) {
                let mut known = known.clone();
                known.over = Some((*why, *at));
                known.flag.telling = *telling;
                row.flag(known);
            } else {
                row.unflag(id);
            }
        }
    }
}

fn shown<'a>(row: &'a Row, verdict: &Verdict) -> Option<&'a OpenFlag> {
    row.flags.iter().find(|open| open.flag.id == *verdict.id())
}

fn needs_a_person(open: &OpenFlag) -> bool {
    open.flag.severity == Severity::Red && open.flag.standing.is_confirmed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use veglia_triage::{Flag, FlagId, How, PatientId, RuleName, Trigger, Why};
    use veglia_wire::{Epoch, RecordId, Sequence, VitalKind};

    fn red(standing: Standing) -> Flag {
        let record = RecordId {
            epoch: Epoch(1),
            sequence: Sequence::FIRST,
        };
        Flag {
            id: FlagId {
                patient: "0000000000000001".parse::<PatientId>().unwrap(),
                rule: "spo2-red".parse::<RuleName>().unwrap(),
                rule_set: "home-2020-1".parse::<RuleName>().unwrap(),
                trigger: Trigger::Record(record),
            },
            severity: Severity::Red,
            vital: VitalKind::SpO2,
            since: WallMs(1),
            evidence: Vec::new(),
            standing,
            late: false,
            telling: 1,
        }
    }

    fn end(flag: &Flag, why: Why) -> Verdict {
        Verdict::End {
            id: flag.id.clone(),
            why,
            at: WallMs(9),
            telling: 9,
        }
    }

    #[test]
    fn a_red_that_was_not_confirmed_leaves_and_a_confirmed_one_waits_for_a_person() {
        let mut row = Row::new("0000000000000001".parse().unwrap());
        let unsure = red(Standing::Unconfirmed {
            repeat_by: WallMs(5),
        });
        tell(&mut row, &Verdict::Raise(unsure.clone()), WallMs(2));
        tell(&mut row, &end(&unsure, Why::NotConfirmed), WallMs(3));
        assert!(row.flags.is_empty());

        let sure = red(Standing::Confirmed {
            how: How::AtOnce,
            at: WallMs(1),
        });
        tell(&mut row, &Verdict::Raise(sure.clone()), WallMs(2));
        tell(&mut row, &end(&sure, Why::Recovered), WallMs(3));
        assert_eq!(row.flags.len(), 1);
        assert_eq!(row.flags[0].over, Some((Why::Recovered, WallMs(9))));
    }

    #[test]
    fn a_flag_told_again_keeps_the_time_at_which_it_was_first_raised() {
        let mut row = Row::new("0000000000000001".parse().unwrap());
        let flag = red(Standing::Confirmed {
            how: How::AtOnce,
            at: WallMs(1),
        });
        tell(&mut row, &Verdict::Raise(flag.clone()), WallMs(2));
        tell(&mut row, &Verdict::Raise(flag), WallMs(7));
        assert_eq!(row.flags[0].raised_at, WallMs(2));
    }
}
