//! How the box at home is: whether it can keep readings, and whether they get away.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::watch;
use veglia_gateway::{Figures, Gateway, Heart, Look};
use veglia_link::{LinkStatus, OutboxState, OutboxStatus, Phase, Refused};
use veglia_wire::CareClock;

use super::figure::Figure;
use super::{Role, Shown, Standing, counted, lasting, page};

/// A gateway, as its tasks tell of it.
pub(crate) struct Home {
    outbox: watch::Receiver<OutboxStatus>,
    link: watch::Receiver<LinkStatus>,
    figures: Figures,
    heart: Heart,
    look: Look,
    care: CareClock,
}

impl Home {
    /// `care` is the clock that the gateway runs by.
    pub(crate) fn of(gateway: &Gateway, care: CareClock) -> Self {
        Self {
            outbox: gateway.outbox(),
            link: gateway.link(),
            figures: gateway.figures(),
            heart: gateway.heart(),
            look: gateway.look(),
            care,
        }
    }
}

impl Role for Home {
    fn examine(&self) -> BoxFuture<'_, Standing> {
        let (outbox, link) = (*self.outbox.borrow(), self.link.borrow().clone());
        let acknowledged = link.last_ack_at.map(|last| {
            let wall_ms = self.care.wall_ms(self.care.now().since(last));
            Duration::from_millis(u64::try_from(wall_ms).unwrap_or_default())
        });
        let told = standing(&outbox, &link, acknowledged, self.figures.rejects());
        Box::pin(std::future::ready(told))
    }

    fn stalled(&self) -> BoxFuture<'_, Option<String>> {
        Box::pin(self.heart.stalled())
    }

    fn show(&self) -> BoxFuture<'_, Option<Shown>> {
        Box::pin(async {
            let status = self.look.status().await;
            let json = serde_json::to_string(&status).ok()?;
            let html = page::html(&status);
            Some(Shown { html, json })
        })
    }
}

/// `acknowledged`: how long ago the centre last said that it has something.
fn standing(
    outbox: &OutboxStatus,
    link: &LinkStatus,
    acknowledged: Option<Duration>,
    rejects: BTreeMap<&'static str, u64>,
) -> Standing {
    let is_connected = matches!(link.phase, Phase::Connected);
    let waiting = outbox.waiting();
    let unready = [
        no_outbox(outbox.state),
        link.refused.map(no_admission),
        no_link(&link.phase, waiting),
    ];
    let mut brief = vec![
        String::from(if is_connected {
            "connected"
        } else {
            "no broker"
        }),
        counted(waiting, "record waiting", "records waiting"),
        format!("outbox {} KiB", outbox.bytes / 1024),
    ];
    let heard = acknowledged.map(|ago| format!("centre answered {} ago", lasting(ago)));
    brief.push(heard.unwrap_or_else(|| "centre has not answered yet".into()));
    Standing {
        unready: unready.into_iter().flatten().collect(),
        brief,
        figures: shown(outbox, link, acknowledged, rejects),
    }
}

fn no_outbox(state: OutboxState) -> Option<String> {
    match state {
        OutboxState::Writing => None,
        OutboxState::Refusing { lost } => Some(format!(
            "the outbox takes nothing and {} lost: free some space on the disk, or raise \
             outbox_mib under [gateway]",
            counted(lost.into(), "record is", "records are")
        )),
        OutboxState::Poisoned => Some(
            "the disk of the outbox failed: exchange the disk or the memory card, and start the \
             gateway again"
                .into(),
        ),
        OutboxState::Closed => Some("the outbox is closed".into()),
    }
}

fn no_admission(refused: Refused) -> String {
    let why = match refused {
        Refused::Revoked => "the centre has taken this box's identity away: call the centre",
        Refused::Unknown => "the centre does not know this box: it must be enrolled again",
        Refused::Expired => "its certificate has ended: if it is not renewed soon, enrol it again",
    };
    format!("this box is refused by the centre: {why}")
}

fn no_link(phase: &Phase, waiting: u64) -> Option<String> {
    let kept = counted(waiting, "record waits", "records wait");
    match phase {
        Phase::Connected => None,
        Phase::Connecting {
            last_error: None, ..
        } => Some(format!(
            "there is no connection to the centre yet; {kept} on the disk"
        )),
        Phase::Connecting {
            attempt,
            last_error: Some(error),
        } => Some(format!(
            "there is no connection to the centre (attempt {attempt}): {error}; {kept} on the \
             disk, and will be sent when it is back"
        )),
        Phase::Stopped => Some(format!("sending has stopped; {kept} on the disk")),
    }
}

fn shown(
    outbox: &OutboxStatus,
    link: &LinkStatus,
    acknowledged: Option<Duration>,
    rejects: BTreeMap<&'static str, u64>,
) -> Vec<Figure> {
    let (is_writing, lost) = match outbox.state {
        OutboxState::Writing => (true, 0),
        OutboxState::Refusing { lost } => (false, lost),
        OutboxState::Poisoned | OutboxState::Closed => (false, 0),
    };
    let mut figures = vec![
        Figure::level(
            "veglia_gateway_connected",
            "Whether there is a connection to the centre's broker.",
            matches!(link.phase, Phase::Connected),
        ),
        Figure::level(
            "veglia_gateway_outbox_writable",
            "Whether readings can be kept.",
            is_writing,
        ),
        Figure::level(
            "veglia_gateway_outbox_waiting_records",
            "Records that the centre has not acknowledged.",
            outbox.waiting(),
        ),
        Figure::level(
            "veglia_gateway_outbox_bytes",
            "Size of the outbox on the disk.",
            outbox.bytes,
        ),
        Figure::count(
            "veglia_gateway_outbox_thinned_records",
            "Continuous readings given up to make room in the outbox.",
            outbox.thinned,
        ),
        Figure::level(
            "veglia_gateway_outbox_lost_records",
            "Records lost since the outbox began to refuse; 0 while it takes them.",
            lost,
        ),
        Figure::count(
            "veglia_gateway_refused_records",
            "Records that the centre did not understand; the outbox keeps a copy.",
            link.records_refused,
        ),
        Figure::count(
            "veglia_gateway_ignored_commands",
            "Commands that were for another connection, or repeated.",
            link.commands_ignored,
        ),
        Figure::counts(
            "veglia_gateway_rejects",
            "Bytes of devices that were no frame, by reason.",
            "reason",
            rejects,
        ),
    ];
    figures.extend(traffic(link));
    figures.extend(acknowledged.map(|ago| {
        Figure::level(
            "veglia_gateway_acknowledgement_age_seconds",
            "Since the centre last acknowledged anything.",
            ago,
        )
    }));
    figures
}

fn traffic(link: &LinkStatus) -> [Figure; 2] {
    [
        Figure::count(
            "veglia_gateway_sent_bytes",
            "Bytes of messages to the centre, without what TLS and TCP add.",
            link.sent_bytes,
        ),
        Figure::count(
            "veglia_gateway_received_bytes",
            "The same of messages from the centre.",
            link.received_bytes,
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use veglia_wire::{Epoch, Sequence};

    fn outbox(state: OutboxState) -> OutboxStatus {
        OutboxStatus {
            epoch: Epoch(1),
            oldest: None,
            newest: Sequence::new(7),
            acknowledged: Sequence::new(5),
            bytes: 4096,
            thinned: 0,
            state,
        }
    }

    fn why(state: OutboxState, phase: &Phase) -> Option<String> {
        let link = LinkStatus {
            phase: phase.clone(),
            ..LinkStatus::default()
        };
        standing(&outbox(state), &link, None, BTreeMap::new()).why()
    }

    #[test]
    fn a_box_is_ready_when_it_can_keep_and_send() {
        assert_eq!(why(OutboxState::Writing, &Phase::Connected), None);
    }

    #[test]
    fn a_box_without_a_centre_says_that_nothing_is_lost() {
        let away = Phase::Connecting {
            attempt: 2,
            last_error: Some("no route to host".into()),
        };
        let said = why(OutboxState::Writing, &away).unwrap();
        for words in [
            "attempt 2",
            "no route to host",
            "2 records wait on the disk",
        ] {
            assert!(said.contains(words), "{words} not in: {said}");
        }
    }

    #[test]
    fn a_box_that_was_revoked_says_whom_to_call() {
        let link = LinkStatus {
            refused: Some(Refused::Revoked),
            ..LinkStatus::default()
        };
        let told = standing(&outbox(OutboxState::Writing), &link, None, BTreeMap::new());
        let said = told.why().unwrap();
        assert!(
            said.contains("refused by the centre") && said.contains("call"),
            "{said}"
        );
    }

    #[test]
    fn a_box_that_can_keep_nothing_says_what_to_do() {
        let said = why(OutboxState::Refusing { lost: 1 }, &Phase::Connected).unwrap();
        assert!(
            said.contains("1 record is lost") && said.contains("outbox_mib"),
            "{said}"
        );
        let said = why(OutboxState::Poisoned, &Phase::Connected).unwrap();
        assert!(said.contains("exchange the disk"), "{said}");
    }
}
