//! Lets a patient's devices measure once more, when somebody asks for it: an order through the box
//! at home, and a line in the diary that says what became of it.
//!
//! Most devices take no orders: then the patient is told on the telephone, as the act says. What is
//! ordered may be done twice without harm.

use veglia_diary::{ActRefused, write_note};
use veglia_store::{Actor, Database};
use veglia_view::{
    CommandKind, DeviceState, GatewayId, OrderAsk, Ordered, Outcome, PatientId, View, ViewError,
    VitalKind, WallMs,
};

use crate::book;

const ACTOR: Actor = Actor::System("ward");

/// Devices that are asked: a patient has one that measures a vital sign, rarely two.
const ASKED_MAX: usize = 2;

/// Orders the devices that measure `vital` to do so, and writes down what they answered. It takes
/// as long as a box may take to answer, so nobody waits for it; a fault is in the log.
pub async fn measure_again(
    record: &Database,
    view: &dyn View,
    patient: PatientId,
    vital: VitalKind,
    at: WallMs,
) {
    let row = match view.patient(patient).await {
        Ok(bedside) => bedside.row,
        Err(error) => {
            tracing::warn!(
                error = book::story(&error),
                "no device was asked to measure"
            );
            return;
        }
    };
    let devices = row.iter().flat_map(|row| &row.devices);
    for (device, gateway) in devices.filter_map(|it| in_reach(it, vital)).take(ASKED_MAX) {
        let kind = CommandKind::MeasureAgain {
            device: device.device.clone(),
            vital,
        };
        let gateway = gateway.clone();
        let ordered = view.order(OrderAsk { gateway, kind }).await;
        let said = format!(
            "Ordine di misurare a {}: {}.",
            device.device,
            words(&ordered)
        );
        let written = write_note(record, &ACTOR, patient, None, &said, at).await;
        written.unwrap_or_else(|error: ActRefused| {
            tracing::warn!(error = book::story(&error), "an order was not written down");
        });
    }
}

/// A device that is there and measures this, and the box that speaks to it.
fn in_reach(device: &DeviceState, vital: VitalKind) -> Option<(&DeviceState, &GatewayId)> {
    let measures = device.measures.is_empty() || device.measures.contains(&vital);
    let gateway = device.gateway.as_ref()?;
    (device.up && measures).then_some((device, gateway))
}

fn words(ordered: &Result<Ordered, ViewError>) -> &'static str {
    match ordered {
        Ok(Ordered::Answered(Outcome::Done)) => "ricevuto, si attende la misura",
        Ok(Ordered::Answered(Outcome::NotSupported)) => {
            "il dispositivo non si lascia comandare, dirlo al paziente"
        }
        Ok(Ordered::Answered(Outcome::NotConnected) | Ordered::NotConnected) => "non collegato",
        Ok(Ordered::Answered(Outcome::Busy | Outcome::OutOfRange) | Ordered::TooMany) => {
            "la scatola di casa è occupata, riprovare"
        }
        Ok(Ordered::Gone | Ordered::NoAnswer) | Err(_) => "nessuna risposta dalla casa",
    }
}
