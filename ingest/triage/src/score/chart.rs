//! A score as data: points per parameter, classes of risk, and the rules that flag them.
//!
//! `rules/scores.rs` makes these and vouches for them: each table has every value exactly once,
//! the classes have every sum, and nothing here overflows.

use crate::flag::Severity;
use crate::plan::OxygenScale;
use crate::rules::{Confirmation, Range, RuleName};
use crate::score::{Scale, ScoreParameter};

/// The most points that all parameters of a score may make together: sums are sets of bits.
pub(crate) const SCORE_MAX: u8 = 60;

/// The points of a range of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PointBand {
    pub(crate) range: Range,
    pub(crate) points: u8,
}

/// The points of every value, under a scale of oxygen saturation and a kind of breathing.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    /// Which scale of oxygen saturation it is for; both, if absent.
    pub(crate) scale: Option<OxygenScale>,
    /// Whether it is for people on oxygen; for all, if absent.
    pub(crate) on_oxygen: Option<bool>,
    pub(crate) bands: Vec<PointBand>,
    pub(crate) source: String,
}

impl Table {
    pub(crate) fn is_for(&self, scale: OxygenScale, on_oxygen: bool) -> bool {
        self.scale.is_none_or(|it| it == scale) && self.on_oxygen.is_none_or(|it| it == on_oxygen)
    }

    pub(crate) fn points(&self, value: i32) -> Option<u8> {
        let band = self.bands.iter().find(|band| band.range.holds(value));
        band.map(|band| band.points)
    }
}

/// One parameter of a score.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) parameter: ScoreParameter,
    pub(crate) tables: Vec<Table>,
}

impl Item {
    pub(crate) fn points(&self, value: i32, scale: OxygenScale, on_oxygen: bool) -> Option<u8> {
        self.table(scale, on_oxygen)?.points(value)
    }

    /// The least that any value carries.
    pub(crate) fn least(&self, scale: OxygenScale, on_oxygen: bool) -> u8 {
        let bands = self.table(scale, on_oxygen).map(|table| &table.bands);
        let points = bands.into_iter().flatten().map(|band| band.points);
        points.min().unwrap_or(0)
    }

    fn table(&self, scale: OxygenScale, on_oxygen: bool) -> Option<&Table> {
        let mut tables = self.tables.iter();
        tables.find(|table| table.is_for(scale, on_oxygen))
    }

    /// Every pair of points, on air and on oxygen, that one value can carry.
    pub(crate) fn options(&self, scale: OxygenScale) -> Vec<[u8; 2]> {
        let tables = || {
            let both = [false, true].into_iter();
            both.filter_map(|on_oxygen| self.table(scale, on_oxygen))
        };
        let bands = || tables().flat_map(|table| &table.bands);
        // Where a band of either table begins, both may change; below all of them lies one more.
        let begins = bands().filter_map(|band| band.range.from);
        let lowest = bands().filter(|band| band.range.from.is_none());
        let lowest = lowest.filter_map(|band| band.range.to).min();
        let values = begins.chain(lowest);
        let mut options: Vec<[u8; 2]> = values
            .filter_map(|value| {
                let on_air = self.points(value, scale, false)?;
                Some([on_air, self.points(value, scale, true)?])
            })
            .collect();
        options.sort_unstable();
        options.dedup();
        options
    }
}

/// A class of risk.
#[derive(Debug, Clone)]
pub struct Class {
    pub(crate) name: RuleName,
    /// The sums it is for, or none when it is for a single parameter.
    pub(crate) sums: Option<Range>,
    pub(crate) source: String,
}

impl Class {
    /// Its name within the score: `low`, `high`.
    #[must_use]
    pub fn name(&self) -> &RuleName {
        &self.name
    }

    /// Where it comes from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }
}

/// A score: parameters with their points, and what the sum means.
#[derive(Debug, Clone)]
pub struct Chart {
    pub(crate) scale: Scale,
    pub(crate) items: Vec<Item>,
    /// From the least grave to the gravest.
    pub(crate) classes: Vec<Class>,
    /// Points of one parameter that make a class of their own, and that class.
    pub(crate) single: Option<(u8, usize)>,
    pub(crate) source: String,
}

impl Chart {
    /// Which score it is.
    #[must_use]
    pub fn scale(&self) -> Scale {
        self.scale
    }

    /// Where it comes from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What it counts, in the order of the rule set.
    pub fn parameters(&self) -> impl Iterator<Item = ScoreParameter> {
        self.items.iter().map(|item| item.parameter)
    }

    /// Its classes of risk, from the least grave to the gravest.
    #[must_use]
    pub fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// Where the points of a parameter come from: a source per table.
    pub fn sources_of(&self, parameter: ScoreParameter) -> impl Iterator<Item = &str> {
        let tables = self.item(parameter).map(|item| &item.tables);
        tables
            .into_iter()
            .flatten()
            .map(|table| table.source.as_str())
    }

    pub(crate) fn item(&self, parameter: ScoreParameter) -> Option<&Item> {
        self.items.iter().find(|item| item.parameter == parameter)
    }

    /// Whether points of one parameter make a class of their own.
    pub(crate) fn is_single(&self, points: u8) -> bool {
        self.single.is_some_and(|(from, _)| from <= points)
    }

    /// The place of the class of a sum, of which one parameter alone may be too grave.
    pub(crate) fn class(&self, sum: u8, has_single: bool) -> usize {
        let sum = i32::from(sum);
        let is_of = |class: &Class| class.sums.is_some_and(|sums| sums.holds(sum));
        let of_sum = self.classes.iter().position(is_of).unwrap_or(0);
        match self.single {
            Some((_, of_single)) if has_single => of_sum.max(of_single),
            _ => of_sum,
        }
    }

    /// The kinds of breathing to reckon with: the answer, or both when it is missing.
    pub(crate) fn breathings(&self, on_oxygen: Option<bool>) -> &'static [bool] {
        match on_oxygen {
            Some(true) => &[true],
            None if self.item(ScoreParameter::Oxygen).is_some() => &[false, true],
            Some(false) | None => &[false],
        }
    }
}

/// How long a value of a parameter counts.
#[derive(Debug, Clone)]
pub(crate) struct Fresh {
    pub(crate) parameter: ScoreParameter,
    pub(crate) age_ms: i64,
    pub(crate) source: String,
}

/// A rule: a flag of a severity while a score is certainly in a class, or in a graver one.
#[derive(Debug, Clone)]
pub(crate) struct ScoreRule {
    pub(crate) name: RuleName,
    pub(crate) scale: Scale,
    /// Place of the class in its chart.
    pub(crate) class: usize,
    /// The least sum that is in it or in a graver one.
    pub(crate) least: u8,
    pub(crate) severity: Severity,
    /// The rule beside which it begins nothing.
    pub(crate) yields_to: Option<RuleName>,
    pub(crate) confirmation: Confirmation,
    pub(crate) recover_readings: u32,
    pub(crate) recover_ms: i64,
    pub(crate) remind_ms: Option<i64>,
    pub(crate) source: String,
}

/// The most points of each value of a parameter, in any score.
#[derive(Debug, Clone)]
struct Most {
    parameter: ScoreParameter,
    /// By oxygen scale 1 and 2.
    bands: [Vec<PointBand>; 2],
}

/// All that a rule set says of scores.
#[derive(Debug, Clone, Default)]
pub(crate) struct Charts {
    pub(crate) charts: Vec<Chart>,
    pub(crate) rules: Vec<ScoreRule>,
    pub(crate) fresh: Vec<Fresh>,
    most: Vec<Most>,
    /// The least sum that is in a rule's class.
    least: u8,
    /// The least points that alone make a class.
    single: u8,
}

impl Charts {
    pub(crate) fn chart(&self, scale: Scale) -> Option<&Chart> {
        self.charts.iter().find(|chart| chart.scale == scale)
    }

    pub(crate) fn rule(&self, name: &RuleName) -> Option<&ScoreRule> {
        self.rules.iter().find(|rule| rule.name == *name)
    }

    /// The most points that a value carries in any score, by oxygen scale 1 and 2.
    pub(crate) fn most(&self, parameter: ScoreParameter, value: i32) -> [u8; 2] {
        let mut most = self.most.iter();
        let Some(most) = most.find(|most| most.parameter == parameter) else {
            return [0; 2];
        };
        most.bands.each_ref().map(|bands| {
            let band = bands.iter().find(|band| band.range.holds(value));
            band.map_or(0, |band| band.points)
        })
    }

    /// The values around one that carry no more points than it, in any score.
    pub(crate) fn no_graver(
        &self,
        parameter: ScoreParameter,
        value: i32,
        scale: OxygenScale,
    ) -> Option<Range> {
        let most = self.most.iter().find(|most| most.parameter == parameter)?;
        let [one, two] = &most.bands;
        let bands = match scale {
            OxygenScale::One => one,
            OxygenScale::Two => two,
        };
        let place = bands.iter().position(|band| band.range.holds(value))?;
        let (below, above) = bands.split_at_checked(place)?;
        let points = above.first()?.points;
        let is_fine = |band: &&PointBand| band.points <= points;
        let lowest = below.iter().rev().take_while(is_fine).last();
        let highest = above.iter().take_while(is_fine).last();
        Some(Range {
            from: lowest.or(above.first())?.range.from,
            to: highest?.range.to,
        })
    }

    /// Looks up once what every value is asked for.
    pub(crate) fn prepare(&mut self) {
        let most = ScoreParameter::ALL.map(|parameter| Most {
            parameter,
            bands: [OxygenScale::One, OxygenScale::Two].map(|it| self.most_bands(parameter, it)),
        });
        self.most.extend(most);
        let least = self.rules.iter().map(|rule| rule.least);
        self.least = least.min().unwrap_or(u8::MAX);
        let singles = self.charts.iter().filter_map(|chart| chart.single);
        self.single = singles.map(|(from, _)| from).min().unwrap_or(u8::MAX);
    }

    fn most_bands(&self, parameter: ScoreParameter, scale: OxygenScale) -> Vec<PointBand> {
        let items = || self.charts.iter().filter_map(|chart| chart.item(parameter));
        let is_of_scale = |table: &&Table| table.scale.is_none_or(|it| it == scale);
        let tables = || items().flat_map(|item| &item.tables).filter(is_of_scale);
        let begins = tables().flat_map(|table| &table.bands);
        let mut begins: Vec<i32> = begins.filter_map(|band| band.range.from).collect();
        begins.sort_unstable();
        begins.dedup();
        let points = |value: i32| {
            let points = tables().filter_map(|table| table.points(value));
            points.max().unwrap_or(0)
        };
        let ends = begins.iter().map(|next| Some(next.saturating_sub(1)));
        let ends = ends.chain([None]);
        let starts = std::iter::once(None).chain(begins.iter().copied().map(Some));
        let bands = starts.zip(ends).map(|(from, to)| PointBand {
            range: Range { from, to },
            points: points(from.or(to).unwrap_or(0)),
        });
        bands.collect()
    }

    /// Whether values that carry at most these points are in no rule's class.
    pub(crate) fn is_below_all(&self, most: impl Iterator<Item = u8>) -> bool {
        let mut sum = 0_u8;
        for points in most {
            sum = sum.saturating_add(points);
            if points >= self.single {
                return false;
            }
        }
        sum < self.least
    }

    /// How long a value counts; a parameter of no score, not at all.
    pub(crate) fn age_ms(&self, parameter: ScoreParameter) -> i64 {
        let mut fresh = self.fresh.iter();
        let fresh = fresh.find(|fresh| fresh.parameter == parameter);
        fresh.map_or(i64::MIN, |fresh| fresh.age_ms)
    }
}
