//! The readings of a vital sign, hour by hour: how many there were, and the extremes of those that
//! count. What counts is for whoever reads them to judge.

use veglia_view::{Dot, Outline, Reading, VitalKind, WallMs};

use crate::facts::Measured;

/// The readings of an hour, or of a few in a stay longer than a curve has points.
pub(super) struct Hour {
    pub(super) from: WallMs,
    pub(super) n: u64,
    pub(super) doubtful: u64,
    pub(super) on_skin: u64,
    /// Of those that count.
    pub(super) clean: Option<Outline>,
}

/// What is to be made of a reading.
pub(super) enum Verdict {
    Counts,
    Doubtful,
    OnSkin,
}

impl Hour {
    fn take(&mut self, reading: &Reading, verdict: Verdict) {
        self.n += 1;
        match verdict {
            Verdict::Doubtful => self.doubtful += 1,
            Verdict::OnSkin => self.on_skin += 1,
            Verdict::Counts => {
                let dot = Dot {
                    at: reading.at,
                    steps: reading.steps,
                    quality: reading.quality,
                };
                let known = self.clean.get_or_insert(Outline {
                    first: dot,
                    min: dot,
                    max: dot,
                    last: dot,
                });
                if dot.steps < known.min.steps {
                    known.min = dot;
                }
                if dot.steps > known.max.steps {
                    known.max = dot;
                }
                known.last = dot;
            }
        }
    }
}

/// All the hours of a stretch of time in which anything was measured, in order.
#[derive(Default)]
pub(super) struct Hours {
    pub(super) hours: Vec<Hour>,
    pub(super) is_damaged: bool,
}

impl Hours {
    /// Takes a reading in, in order of time.
    pub(super) fn take(&mut self, from: WallMs, reading: &Reading, verdict: Verdict) {
        if self.hours.last().is_none_or(|hour| hour.from != from) {
            self.hours.push(Hour {
                from,
                n: 0,
                doubtful: 0,
                on_skin: 0,
                clean: None,
            });
        }
        if let Some(hour) = self.hours.last_mut() {
            hour.take(reading, verdict);
        }
    }

    pub(super) fn counted(&self, vital: VitalKind) -> Measured {
        let sum = |of: fn(&Hour) -> u64| self.hours.iter().map(of).sum();
        let readings: u64 = sum(|it| it.n);
        let (doubtful, on_skin): (u64, u64) = (sum(|it| it.doubtful), sum(|it| it.on_skin));
        Measured {
            vital,
            clean: readings.saturating_sub(doubtful).saturating_sub(on_skin),
            doubtful,
            on_skin,
            is_thinned: false,
            is_damaged: self.is_damaged,
            shown: Vec::new(),
        }
    }
}
