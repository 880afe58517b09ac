//! Within which values nobody is called: by the rules, with the patient's own target and limits.

use veglia_view::{Plan, RuleSet, Severity, Site, Vital, VitalKind};

/// From one value to another, both in it, in steps; an absent end is open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Band {
    pub(crate) low: Option<i32>,
    pub(crate) high: Option<i32>,
}

/// The limits of one vital sign.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Beyond it there is an alert.
    pub(crate) quiet: Band,
    /// Beyond it the alert is red.
    pub(crate) not_red: Band,
}

impl Band {
    fn is_open(self) -> bool {
        self.low.is_none() && self.high.is_none()
    }
}

impl Limits {
    pub(crate) fn of(rules: &RuleSet, plan: &Plan, vital: VitalKind) -> Self {
        let values = values(vital);
        let judged = values.filter_map(|steps| {
            let value = Vital::from_steps(vital, steps, Site::Body).ok()?;
            rules.band(value)?;
            Some((steps, rules.severity_for(value, Some(plan))))
        });
        let judged: Vec<(i32, Option<Severity>)> = judged.collect();
        let red = |it: &Option<Severity>| *it == Some(Severity::Red);
        let called = |it: &Option<Severity>| it.is_some_and(|it| it > Severity::Technical);
        Self {
            quiet: band(&judged, called),
            not_red: band(&judged, red),
        }
    }

    pub(crate) fn is_empty(self) -> bool {
        self.quiet.is_open() && self.not_red.is_open()
    }
}

/// Whole percents and beats, tenths of a degree: as finely as any rule is written.
fn values(vital: VitalKind) -> impl Iterator<Item = i32> {
    let (from, to) = match vital {
        VitalKind::Temperature => (300, 440),
        VitalKind::SpO2 => (0, 100),
        VitalKind::Pulse | VitalKind::RespiratoryRate | VitalKind::SystolicPressure => (0, 300),
    };
    (from..=to).map(|value| value * 10)
}

/// The values that are not beyond, as far as there are any beyond on that side.
fn band(judged: &[(i32, Option<Severity>)], beyond: impl Fn(&Option<Severity>) -> bool) -> Band {
    let within = |it: &&(i32, Option<Severity>)| !beyond(&it.1);
    let low = judged.iter().find(within).map(|it| it.0);
    let high = judged.iter().rfind(within).map(|it| it.0);
    let lowest = judged.first().map(|it| it.0);
    let highest = judged.last().map(|it| it.0);
    Band {
        low: low.filter(|low| Some(*low) != lowest),
        high: high.filter(|high| Some(*high) != highest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use veglia_view::{PatientId, Target, Template, WallMs};

    fn plan() -> Plan {
        Plan::template("home-covid", PatientId::new(1), WallMs(0)).unwrap()
    }

    #[test]
    fn the_limits_are_those_of_the_rules_or_of_the_patients_own_target() {
        assert!(!Template::all().is_empty());
        let rules = RuleSet::shipped();
        let usual = Limits::of(&rules, &plan(), VitalKind::SpO2);
        let (red, amber) = (usual.not_red.low.unwrap(), usual.quiet.low.unwrap());
        assert!(800 < red && red < amber && amber < 1000, "{usual:?}");
        assert_eq!(usual.quiet.high, None);
        let warm = Limits::of(&rules, &plan(), VitalKind::Temperature);
        assert!(warm.quiet.high.unwrap() < 3900, "{warm:?}");
        // On either side of each limit the rules agree.
        let at = |steps| {
            let vital = Vital::from_steps(VitalKind::SpO2, steps, Site::Body).unwrap();
            rules.severity_for(vital, Some(&plan()))
        };
        assert_eq!(at(amber), None);
        assert_eq!(at(amber - 10), Some(Severity::Amber));
        assert_eq!(at(red), Some(Severity::Amber));
        assert_eq!(at(red - 10), Some(Severity::Red));
        let own = Plan {
            spo2: Some(Target {
                low_percent: 88,
                high_percent: 92,
            }),
            ..plan()
        };
        let own = Limits::of(&rules, &own, VitalKind::SpO2);
        assert!(own.not_red.low.unwrap() < red, "{own:?}");
    }
}
