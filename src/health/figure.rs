//! One figure: a name with its unit, what it means, and its numbers; as Prometheus reads it.
//!
//! Names begin with `veglia_` and end in their unit. Names of counters are written here without
//! the `_total` that the format appends. At most one label, from a closed set of values: a label
//! whose values grow with homes or devices would fill a time-series database, and tell of them.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::Exemplar;
use prometheus_client::registry::Registry;

/// How the text calls itself: <https://prometheus.io/docs/specs/om/open_metrics_spec/>.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Counters here point at no single event.
const NO_EXEMPLAR: Option<&Exemplar<[(&str, &str); 0], u64>> = None;

/// A number as it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    Whole(u64),
    Real(f64),
}

impl From<u64> for Number {
    fn from(number: u64) -> Self {
        Self::Whole(number)
    }
}

impl From<u32> for Number {
    fn from(number: u32) -> Self {
        Self::Whole(number.into())
    }
}

impl From<usize> for Number {
    fn from(number: usize) -> Self {
        Self::Whole(u64::try_from(number).unwrap_or(u64::MAX))
    }
}

impl From<bool> for Number {
    fn from(holds: bool) -> Self {
        Self::Whole(holds.into())
    }
}

/// Seconds.
impl From<std::time::Duration> for Number {
    fn from(time: std::time::Duration) -> Self {
        Self::Real(time.as_secs_f64())
    }
}

/// Whether a number only grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Counter,
    Gauge,
}

/// One figure.
#[derive(Debug)]
pub(super) struct Figure {
    name: &'static str,
    help: &'static str,
    sort: Sort,
    numbers: Vec<(Option<(&'static str, String)>, Number)>,
}

impl Figure {
    /// Something counted since the start.
    pub(super) fn count(name: &'static str, help: &'static str, number: u64) -> Self {
        Self {
            name,
            help,
            sort: Sort::Counter,
            numbers: vec![(None, number.into())],
        }
    }

    /// Something counted since the start, by the values of a label.
    pub(super) fn counts<V: Into<String>>(
        name: &'static str,
        help: &'static str,
        label: &'static str,
        numbers: impl IntoIterator<Item = (V, u64)>,
    ) -> Self {
        let numbers = numbers.into_iter();
        let numbers = numbers.map(|(value, number)| (Some((label, value.into())), number.into()));
        Self {
            name,
            help,
            sort: Sort::Counter,
            numbers: numbers.collect(),
        }
    }

    /// How something stands now.
    pub(super) fn level(name: &'static str, help: &'static str, number: impl Into<Number>) -> Self {
        Self {
            name,
            help,
            sort: Sort::Gauge,
            numbers: vec![(None, number.into())],
        }
    }

    /// How something stands now, by the values of a label.
    pub(super) fn levels<V: Into<String>>(
        name: &'static str,
        help: &'static str,
        label: &'static str,
        numbers: impl IntoIterator<Item = (V, Number)>,
    ) -> Self {
        let numbers = numbers.into_iter();
        let numbers = numbers.map(|(value, number)| (Some((label, value.into())), number));
        Self {
            name,
            help,
            sort: Sort::Gauge,
            numbers: numbers.collect(),
        }
    }

    /// Each number with the name and label that the text gives it; what is no number is left out.
    pub(super) fn samples(&self) -> impl Iterator<Item = (String, serde_json::Number)> + '_ {
        let suffix = match self.sort {
            Sort::Counter => "_total",
            Sort::Gauge => "",
        };
        self.numbers.iter().filter_map(move |(label, number)| {
            let name = match label {
                Some((label, value)) => format!("{}{suffix}{{{label}=\"{value}\"}}", self.name),
                None => format!("{}{suffix}", self.name),
            };
            let number = match number {
                Number::Whole(number) => Some(serde_json::Number::from(*number)),
                Number::Real(number) => serde_json::Number::from_f64(*number),
            };
            Some((name, number?))
        })
    }

    fn encode(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let sort = match self.sort {
            Sort::Counter => MetricType::Counter,
            Sort::Gauge => MetricType::Gauge,
        };
        let mut family = encoder.encode_descriptor(self.name, self.help, None, sort)?;
        for (label, number) in &self.numbers {
            match label {
                Some((label, value)) => {
                    let labels = [(*label, value.as_str())];
                    number.encode(self.sort, &mut family.encode_family(&labels)?)?;
                }
                None => number.encode(self.sort, &mut family)?,
            }
        }
        Ok(())
    }
}

impl Number {
    fn encode(self, sort: Sort, encoder: &mut MetricEncoder<'_>) -> fmt::Result {
        match (sort, self) {
            (Sort::Counter, Self::Whole(number)) => encoder.encode_counter(&number, NO_EXEMPLAR),
            (Sort::Counter, Self::Real(number)) => encoder.encode_counter(&number, NO_EXEMPLAR),
            (Sort::Gauge, Self::Whole(number)) => encoder.encode_gauge(&number),
            (Sort::Gauge, Self::Real(number)) => encoder.encode_gauge(&number),
        }
    }
}

#[derive(Debug)]
struct Figures(Vec<Figure>);

impl Collector for Figures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|figure| figure.encode(&mut encoder))
    }
}

/// All figures as the text that Prometheus reads.
pub(super) fn text(figures: Vec<Figure>) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Figures(figures)));
    let mut text = String::new();
    text::encode(&mut text, &registry)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn figures() -> Vec<Figure> {
        vec![
            Figure::count("veglia_frames", "Frames stored.", 7),
            Figure::counts("veglia_refusals", "Refused.", "reason", [("version", 2)]),
            Figure::level(
                "veglia_lag_seconds",
                "Behind.",
                Duration::from_millis(1_500),
            ),
        ]
    }

    #[test]
    fn figures_are_written_as_prometheus_reads_them() {
        let expected = "# HELP veglia_frames Frames stored.\n\
                        # TYPE veglia_frames counter\n\
                        veglia_frames_total 7\n\
                        # HELP veglia_refusals Refused.\n\
                        # TYPE veglia_refusals counter\n\
                        veglia_refusals_total{reason=\"version\"} 2\n\
                        # HELP veglia_lag_seconds Behind.\n\
                        # TYPE veglia_lag_seconds gauge\n\
                        veglia_lag_seconds 1.5\n\
                        # EOF\n";
        assert_eq!(text(figures()).unwrap(), expected);
    }

    #[test]
    fn samples_have_the_names_of_the_text() {
        let text = text(figures()).unwrap();
        for (name, number) in figures().iter().flat_map(Figure::samples) {
            let line = format!("{name} {number}\n");
            assert!(text.contains(&line), "{line} not in {text}");
        }
    }
}
