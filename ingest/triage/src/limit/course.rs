//! The fold of one limit rule: quiet, or one open episode.

use serde::{Deserialize, Serialize};
use veglia_wire::{DeviceId, WallMs};

use super::judge::{Judge, Judgement};
use crate::flag::{How, Standing, Why};
use crate::ledger::Story;
use crate::stream::Measured;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Calm {
    since: WallMs,
    readings: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Episode {
    story: Story,
    calm: Option<Calm>,
    /// Whether a lone reading or a median of few opened it: the first settled one may refute it.
    #[serde(default)]
    is_unsettled: bool,
    /// The device whose reading opened it or, later, whose median settled it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    device: Option<DeviceId>,
    /// When the reading that opened it was received; none in states of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    received: Option<WallMs>,
}

/// The fold's state after some reading.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Course {
    /// Rare, and large beside nothing: apart.
    open: Option<Box<Episode>>,
}

impl Course {
    pub(super) fn open(&self) -> Option<&Story> {
        self.open.as_ref().map(|episode| &episode.story)
    }

    /// Takes the next reading; `changed` hears every story that begins, changes or ends.
    ///
    /// While a graver rule says it (`is_said`), this one neither begins nor reminds.
    pub(super) fn advance(
        &mut self,
        judge: &Judge<'_>,
        reading: &Measured<'_>,
        is_said: impl Fn() -> bool,
        mut changed: impl FnMut(&Story),
    ) {
        let judgement = judge.judge(reading);
        let Some(episode) = &mut self.open else {
            if judgement != Judgement::Good && !is_said() {
                let story = judge.opening(reading, judgement);
                changed(&story);
                self.open = Some(Box::new(Episode {
                    story,
                    calm: None,
                    is_unsettled: !reading.is_settled(),
                    device: reading.device.cloned(),
                    received: Some(reading.received),
                }));
            }
            return;
        };
        if episode.hear(judge, reading, judgement, is_said) {
            changed(&episode.story);
        }
        if episode.story.end.is_some() {
            self.open = None;
        }
    }
}

impl Episode {
    /// A further reading: whether it changes the story.
    fn hear(
        &mut self,
        judge: &Judge<'_>,
        reading: &Measured<'_>,
        judgement: Judgement,
        is_said: impl Fn() -> bool,
    ) -> bool {
        if self.story.standing.is_confirmed() {
            return self.go_on(judge, reading, judgement, is_said);
        }
        let missed_at = judge.missed_at(&self.story);
        if reading.at > missed_at && judge.is_at_home(missed_at) {
            self.story.standing = judge.confirmed_by_miss(&self.story);
            self.go_on(judge, reading, judgement, is_said);
            return true;
        }
        let is_same = judge.is_same_measurement(&self.story, reading);
        match judgement {
            Judgement::Good if self.is_refuted_by(reading, is_same) => {
                self.story.end = Some((Why::NotConfirmed, reading.at));
            }
            Judgement::Good => return false,
            Judgement::Bad if is_same => {
                if reading.is_settled() {
                    self.is_unsettled = false;
                    self.device = reading.device.cloned();
                }
                return false;
            }
            Judgement::Bad
                if judge.is_apart_too_little(&self.story, self.device.as_ref(), reading) =>
            {
                return false;
            }
            Judgement::Worse if is_same => self.confirm(judge, reading, How::AtOnce),
            Judgement::Bad | Judgement::Worse => self.confirm(judge, reading, How::Repeat),
        }
        true
    }

    /// Whether a good reading, of the same measurement or in time as its repeat, ends the episode.
    fn is_refuted_by(&self, reading: &Measured<'_>, is_same: bool) -> bool {
        // Neither a clock that is ahead nor a poor signal refutes anything.
        if reading.is_weak || self.received.is_some_and(|it| reading.is_ahead_of(it)) {
            return false;
        }
        let is_own_median = reading.is_settled() && reading.device == self.device.as_ref();
        let is_settled = !self.is_unsettled && self.device.is_some();
        match (is_same, is_settled) {
            (true, _) => self.is_unsettled && is_own_median,
            (false, true) => is_own_median,
            (false, false) => true,
        }
    }

    fn confirm(&mut self, judge: &Judge<'_>, reading: &Measured<'_>, how: How) {
        let evidence = reading.evidence(judge.limit.vital);
        self.story.evidence.push(evidence);
        let at = reading.at;
        self.story.standing = Standing::Confirmed { how, at };
    }

    /// A further reading of a confirmed episode: whether it changes the story.
    fn go_on(
        &mut self,
        judge: &Judge<'_>,
        reading: &Measured<'_>,
        judgement: Judgement,
        is_said: impl Fn() -> bool,
    ) -> bool {
        let was_told = self.story.pass(reading.at);
        if judgement != Judgement::Good {
            return self.lasts(judge, reading, judgement, is_said) || was_told;
        }
        if reading.is_weak {
            return was_told;
        }
        let first = Calm {
            since: reading.at,
            readings: 0,
        };
        let calm = self.calm.get_or_insert(first);
        calm.readings = calm.readings.saturating_add(1);
        let is_long = reading.at.since(calm.since) >= judge.limit.recover_ms;
        let is_over = is_long && calm.readings >= judge.limit.recover_readings;
        if is_over {
            self.story.end = Some((Why::Recovered, reading.at));
        }
        // A good value: the newest is not red any more.
        let was_due = self.story.again_at.take().is_some();
        is_over || was_told || was_due
    }

    /// A confirmed episode has a further bad reading: whether it is told again.
    fn lasts(
        &mut self,
        judge: &Judge<'_>,
        reading: &Measured<'_>,
        judgement: Judgement,
        is_said: impl Fn() -> bool,
    ) -> bool {
        let was_calm = self.calm.take().is_some();
        let Standing::Confirmed { how, at } = self.story.standing else {
            return false;
        };
        let is_worse = || how != How::AtOnce || judge.is_worse(&self.story, reading);
        if judgement == Judgement::Worse && is_worse() {
            self.confirm(judge, reading, How::AtOnce);
            self.story.again_at = None;
            return true;
        }
        let told_at = self.story.reminded.map_or(at, |reminded| reminded.max(at));
        let lasts_ms = reading.at.since(told_at);
        let is_due = judge.limit.remind_ms.is_some_and(|due| due <= lasts_ms)
            || was_calm && judge.is_relapse(told_at, reading);
        if !judge.is_at_home(reading.at) || is_said() {
            return false;
        }
        let again_at = self.story.again_at;
        if is_due {
            self.story.reminded = Some(reading.at);
            self.story.again_at = None;
        } else {
            self.story.again_at = judge.again_at(told_at);
        }
        is_due || again_at != self.story.again_at
    }
}
