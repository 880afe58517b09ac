//! What a score can be when not everything is known.
//!
//! A pure function of the known values. Every completion of the missing ones is reckoned with:
//! the sums that the others can make are a set of bits, so that all completions together cost a
//! few shifts and not a table of thousands. Whether a missing value is *deciding* is exact: there
//! is a completion of the other missing values under which two values of it make two classes.

use serde::{Deserialize, Serialize};
use veglia_wire::WallMs;

use crate::flag::{Evidence, What};
use crate::plan::{Guard, OxygenScale};
use crate::rules::{RuleName, RuleSet};
use crate::score::{Chart, Scale, ScoreParameter};

/// The points of one known value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Points {
    /// Of which parameter.
    pub parameter: ScoreParameter,
    /// The least they can be.
    pub min: u8,
    /// The most: more than `min` only for oxygen saturation by scale 2 while nobody has said
    /// whether the patient is on oxygen.
    pub max: u8,
    /// The record that gives the value.
    pub evidence: Evidence,
}

/// A score of which values may be missing. It is complete, and a number, when none is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partial {
    /// Which score.
    pub scale: Scale,
    /// By which scale oxygen saturation was counted.
    pub oxygen_scale: OxygenScale,
    /// The least that the score can be.
    pub min: u8,
    /// The most that it can be.
    pub max: u8,
    /// The class of risk when the missing values are the best possible.
    pub class_at_min: RuleName,
    /// The class of risk when they are the worst possible.
    pub class_at_max: RuleName,
    /// What is known.
    pub points: Vec<Points>,
    /// What is not known.
    pub missing: Vec<ScoreParameter>,
    /// Which of the missing values could change the class: what is to be asked for.
    pub deciding: Vec<ScoreParameter>,
}

impl Partial {
    /// Whether nothing is missing, so that `min` is the score.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty()
    }
}

/// A score of a patient, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scored {
    /// As far as it is known.
    Counted(Partial),
    /// It is not made for this patient.
    NotCounted(Vec<Guard>),
}

/// The newest fresh value of each parameter at a moment may be counted.
pub(crate) fn is_fresh(
    rules: &RuleSet,
    parameter: ScoreParameter,
    at: WallMs,
    now: WallMs,
) -> bool {
    now.since(at) <= rules.scores.age_ms(parameter)
}

impl RuleSet {
    /// The scores of the rule set.
    #[must_use]
    pub fn scores(&self) -> &[Chart] {
        &self.scores.charts
    }

    /// How old a value of a parameter may be to count, in milliseconds, and where that comes from.
    #[must_use]
    pub fn fresh(&self, parameter: ScoreParameter) -> Option<(i64, &str)> {
        let mut fresh = self.scores.fresh.iter();
        let fresh = fresh.find(|fresh| fresh.parameter == parameter)?;
        Some((fresh.age_ms, fresh.source.as_str()))
    }

    /// The points that a value carries, rounded as the rules say; none when the score does not
    /// count it.
    #[must_use]
    pub fn points(
        &self,
        scale: Scale,
        what: &What,
        oxygen_scale: OxygenScale,
        on_oxygen: bool,
    ) -> Option<u8> {
        let parameter = ScoreParameter::of(what)?;
        let value = self.rounded(what)?;
        let item = self.scores.chart(scale)?.item(parameter)?;
        item.points(value, oxygen_scale, on_oxygen)
    }

    /// What a score can be by the values known, the newest of each parameter. A value that is no
    /// measurement is not known. None when the rule set has no such score.
    #[must_use]
    pub fn partial(
        &self,
        scale: Scale,
        oxygen_scale: OxygenScale,
        known: &[Evidence],
    ) -> Option<Partial> {
        let chart = self.scores.chart(scale)?;
        let parts: Vec<Part> = chart
            .items
            .iter()
            .map(|item| {
                let ours = known.iter().filter(|it| {
                    let is_ours = ScoreParameter::of(&it.what) == Some(item.parameter);
                    is_ours && self.is_countable(&it.what)
                });
                let newest = ours.max_by_key(|it| (it.at, it.id)).copied();
                let points = newest.and_then(|it| {
                    let value = self.rounded(&it.what)?;
                    let on_air = item.points(value, oxygen_scale, false)?;
                    Some([on_air, item.points(value, oxygen_scale, true)?])
                });
                Part {
                    parameter: item.parameter,
                    options: points.map_or_else(|| item.options(oxygen_scale), |it| vec![it]),
                    known: newest.filter(|_| points.is_some()),
                }
            })
            .collect();
        let sum = Sum {
            chart,
            parts: &parts,
        };
        Some(sum.partial(scale, oxygen_scale))
    }

    /// The number that charts have points for; none for a vital sign that is not described and an
    /// answer that its question does not have.
    pub(crate) fn rounded(&self, what: &What) -> Option<i32> {
        match what {
            What::Value { vital, steps, .. } => Some(self.vital(*vital)?.score(*steps)),
            What::Answer { answer } => {
                let parameter = ScoreParameter::of(what)?;
                let mut answers = parameter.answers().iter();
                let is_known = answers.any(|(_, value)| *value == answer.value);
                is_known.then_some(answer.value)
            }
            What::Contact { .. } => None,
        }
    }

    /// Whether a value is a measurement, or an answer to its question.
    pub(crate) fn is_countable(&self, what: &What) -> bool {
        let Some(value) = self.rounded(what) else {
            return false;
        };
        match what {
            What::Value { vital, .. } => {
                let rules = self.vital(*vital);
                rules.is_some_and(|rules| rules.plausible.holds(value))
            }
            What::Answer { .. } | What::Contact { .. } => true,
        }
    }
}

/// One parameter: the points, on air and on oxygen, that it has or may have.
struct Part {
    parameter: ScoreParameter,
    options: Vec<[u8; 2]>,
    known: Option<Evidence>,
}

impl Part {
    /// Whether its points depend on the breathing, given the value.
    fn is_by_breathing(&self) -> bool {
        self.options
            .iter()
            .any(|[on_air, on_oxygen]| on_air != on_oxygen)
    }

    fn points(&self, on_oxygen: bool) -> impl Iterator<Item = u8> + Clone {
        let side = move |[on_air, on_gas]: &[u8; 2]| if on_oxygen { *on_gas } else { *on_air };
        self.options.iter().map(side)
    }
}

/// The sums that some parameters can make, a bit each: without and with a single grave one.
#[derive(Clone, Copy, Default)]
struct Reach {
    plain: u64,
    single: u64,
}

impl Reach {
    const NOTHING: Self = Self {
        plain: 1,
        single: 0,
    };

    fn with(self, points: impl Iterator<Item = u8>, chart: &Chart) -> Self {
        let mut reach = Self::default();
        for points in points {
            if chart.is_single(points) {
                reach.single |= (self.plain | self.single) << points;
            } else {
                reach.plain |= self.plain << points;
                reach.single |= self.single << points;
            }
        }
        reach
    }

    fn or(self, other: Self) -> Self {
        Self {
            plain: self.plain | other.plain,
            single: self.single | other.single,
        }
    }

    fn states(self) -> impl Iterator<Item = (u8, bool)> {
        (0..64).flat_map(move |sum| {
            let has = |set: u64| set >> sum & 1 == 1;
            let plain = has(self.plain).then_some((sum, false));
            let single = has(self.single).then_some((sum, true));
            plain.into_iter().chain(single)
        })
    }
}

/// A chart and what is known of each of its parameters.
struct Sum<'a> {
    chart: &'a Chart,
    parts: &'a [Part],
}

impl Sum<'_> {
    fn partial(&self, scale: Scale, oxygen_scale: OxygenScale) -> Partial {
        let breathings = self.breathings();
        let reaches = breathings.iter().map(|it| self.reach(*it, |_| true));
        let reach = reaches.reduce(Reach::or).unwrap_or(Reach::NOTHING);
        let sums = reach.plain | reach.single;
        let bit = |count: u32| u8::try_from(count).unwrap_or(u8::MAX);
        let classes = reach
            .states()
            .map(|(sum, single)| self.chart.class(sum, single));
        let (low, high) = classes.fold((usize::MAX, 0), |(low, high), class| {
            (low.min(class), high.max(class))
        });
        let name = |place: usize| {
            let class = self.chart.classes.get(place);
            let class = class.expect("a chart has a class for every sum");
            class.name.clone()
        };
        let missing = self.parts.iter().filter(|part| part.known.is_none());
        let deciding = missing.clone().filter(|part| self.is_deciding(part));
        let points = self.parts.iter().filter_map(|part| {
            let of = breathings.iter().flat_map(|it| part.points(*it));
            Some(Points {
                parameter: part.parameter,
                min: of.clone().min()?,
                max: of.max()?,
                evidence: part.known?,
            })
        });
        Partial {
            scale,
            oxygen_scale,
            min: bit(sums.trailing_zeros()),
            max: bit(63 - sums.leading_zeros()),
            class_at_min: name(low),
            class_at_max: name(high),
            points: points.collect(),
            missing: missing.clone().map(|part| part.parameter).collect(),
            deciding: deciding.map(|part| part.parameter).collect(),
        }
    }

    fn breathings(&self) -> &'static [bool] {
        let mut parts = self.parts.iter();
        let oxygen = parts.find(|part| part.parameter == ScoreParameter::Oxygen);
        let answer = oxygen.and_then(|part| part.known);
        self.chart
            .breathings(answer.and_then(|it| is_on_oxygen(&it.what)))
    }

    /// The sums of some of the parameters.
    fn reach(&self, on_oxygen: bool, is_among: impl Fn(&Part) -> bool) -> Reach {
        let parts = self.parts.iter().filter(|part| is_among(part));
        parts.fold(Reach::NOTHING, |reach, part| {
            if part.parameter != ScoreParameter::Oxygen {
                return reach.with(part.points(on_oxygen), self.chart);
            }
            let answer = i32::from(on_oxygen);
            let item = self.chart.item(part.parameter);
            let points = item.and_then(|item| item.points(answer, OxygenScale::One, on_oxygen));
            reach.with(points.into_iter(), self.chart)
        })
    }

    fn is_deciding(&self, part: &Part) -> bool {
        if part.parameter == ScoreParameter::Oxygen {
            return self.is_breathing_deciding();
        }
        self.breathings().iter().any(|on_oxygen| {
            let others = self.reach(*on_oxygen, |it| it.parameter != part.parameter);
            others.states().any(|(sum, single)| {
                let classes = part.points(*on_oxygen).map(|points| {
                    let single = single || self.chart.is_single(points);
                    self.chart.class(sum + points, single)
                });
                classes.clone().min() != classes.max()
            })
        })
    }

    /// The same completion of all others, on air and on oxygen.
    fn is_breathing_deciding(&self) -> bool {
        let is_oxygen = |part: &Part| part.parameter == ScoreParameter::Oxygen;
        let others = self.reach(false, |part| !is_oxygen(part) && !part.is_by_breathing());
        let mut states: Vec<[(u8, bool); 2]> = others.states().map(|it| [it, it]).collect();
        let breathing = |on_oxygen: bool| {
            let own = self.reach(on_oxygen, is_oxygen);
            own.states().next().unwrap_or((0, false))
        };
        let own = [breathing(false), breathing(true)];
        let plus = |(sum, single): (u8, bool), points: u8| {
            (sum + points, single || self.chart.is_single(points))
        };
        let parts = self.parts.iter();
        for part in parts.filter(|part| !is_oxygen(part) && part.is_by_breathing()) {
            let pairs = states.iter().flat_map(|[air, gas]| {
                let options = part.options.iter();
                options.map(|[on_air, on_gas]| [plus(*air, *on_air), plus(*gas, *on_gas)])
            });
            states = pairs.collect();
        }
        states.iter().any(|[air, gas]| {
            let [(air_points, _), (gas_points, _)] = own;
            let (air, gas) = (plus(*air, air_points), plus(*gas, gas_points));
            self.chart.class(air.0, air.1) != self.chart.class(gas.0, gas.1)
        })
    }
}

/// The answer to whether somebody is on oxygen.
pub(crate) fn is_on_oxygen(what: &What) -> Option<bool> {
    match what {
        What::Answer { answer } if ScoreParameter::of(what) == Some(ScoreParameter::Oxygen) => {
            Some(answer.value == 1)
        }
        _ => None,
    }
}
