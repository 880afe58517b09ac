//! By which limits a reading is judged while nobody has said which of a household it is of.
//!
//! By the strictest of all members, edge by edge: a value that would be bad for any of them is bad
//! until it is known of whom it is. A personal target (88 to 92 for one with chronic lung disease)
//! is looser than the fixed limits below, so it counts for nobody while it waits: the wife's 90 is
//! no reason to be calm about what may be the husband's. This calls people for some readings that
//! are well for the one who measured; the answer takes that back. Nothing is expected of somebody
//! unknown, and everybody on the centre's own ladder is called: a ladder of one member's would keep
//! the others' people out of it.

use veglia_triage::{Calling, End, OwnLimits, OxygenScale, PatientId, Plan, PlanVersion, RuleSet};
use veglia_wire::{VitalKind, WallMs};

/// The plan of who stands in for one of these; none when the rules' own limits are the strictest.
pub(crate) fn strictest(
    stand_in: PatientId,
    from: WallMs,
    members: &[&Plan],
    rules: &RuleSet,
) -> Option<Plan> {
    let limits = VitalKind::ALL.into_iter().filter_map(|vital| {
        let fixed = rules.limits_to_replace(vital);
        let limits = fixed.fold(OwnLimits::of(vital), |limits, (end, edge)| {
            let own = members.iter().filter_map(|plan| own(plan, vital, end));
            let strictest = own.fold(edge, |known, own| {
                if end.is_low() {
                    known.max(own)
                } else {
                    known.min(own)
                }
            });
            limits.with(end, (strictest != edge).then_some(strictest))
        });
        (!limits.is_empty()).then_some(limits)
    });
    let limits: Vec<OwnLimits> = limits.collect();
    (!limits.is_empty()).then(|| Plan {
        patient: stand_in,
        version: PlanVersion(1),
        from,
        until: None,
        parameters: Vec::new(),
        spo2: None,
        oxygen_scale: OxygenScale::One,
        guards: Vec::new(),
        limits,
        calling: Calling::default(),
    })
}

fn own(plan: &Plan, vital: VitalKind, end: End) -> Option<i32> {
    let limits = plan.limits.iter().find(|limits| limits.vital == vital)?;
    limits.at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(limits: Vec<OwnLimits>) -> Plan {
        Plan {
            patient: PatientId::new(1),
            version: PlanVersion(3),
            from: WallMs(0),
            until: None,
            parameters: Vec::new(),
            spo2: None,
            oxygen_scale: OxygenScale::One,
            guards: Vec::new(),
            limits,
            calling: Calling::default(),
        }
    }

    #[test]
    fn of_every_limit_the_strictest_of_the_household_holds_and_none_is_looser_than_the_rules() {
        let rules = RuleSet::shipped();
        let fixed: Vec<(End, i32)> = rules.limits_to_replace(VitalKind::Pulse).collect();
        let (end, edge) = fixed
            .iter()
            .copied()
            .find(|(end, _)| !end.is_low())
            .expect("a pulse has an upper limit");
        let own = |steps| plan(vec![OwnLimits::of(VitalKind::Pulse).with(end, Some(steps))]);
        let (strict, loose, none) = (own(edge - 20), own(edge + 20), plan(Vec::new()));
        let who = PatientId::new(9);
        let merged = strictest(who, WallMs(0), &[&loose, &strict, &none], &rules);
        let merged = merged.expect("one is stricter");
        assert_eq!(merged.patient, who);
        assert_eq!(merged.limits.len(), 1);
        assert_eq!(merged.limits[0].at(end), Some(edge - 20));
        assert_eq!(strictest(who, WallMs(0), &[&loose, &none], &rules), None);
    }
}
