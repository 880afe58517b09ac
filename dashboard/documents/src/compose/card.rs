//! The *Tesserino dei dispositivi*: what the patient has at home, from when.
//!
//! The guide fixes the status of each use as active, so the card holds what the patient has now
//! and nothing that was taken back. The unique identifier of a device (UDI) is wanted and nobody
//! has registered it: it is said to be unknown.

use crate::compose::{Body, Paper, device_kind, make_and_serial, meta, period, section};
use crate::facts::{CardFacts, Held};
use crate::fhir::{DeviceUseStatement, Note, Resource};
use crate::narrative::Xhtml;
use crate::vitals::{self, IT};

pub(super) fn body(paper: &mut Paper<'_>, facts: &CardFacts) -> Body {
    let mut entries = Vec::new();
    for held in &facts.devices {
        let device = paper.add_device(&held.device, &held.measures);
        let id = paper.own_id(&["use", held.device.as_str()]);
        let shared = held.is_shared.then(|| Note {
            text: "Condiviso con altre persone della famiglia.".to_owned(),
        });
        let used = DeviceUseStatement {
            id: id.clone(),
            meta: meta(&["DeviceUseStatementTelemonitoraggio"]),
            status: "active",
            subject: paper.patient.clone(),
            timing_period: period(held.from, None),
            device,
            note: shared.into_iter().collect(),
        };
        entries.push(paper.add(&id, Resource::DeviceUseStatement(Box::new(used))));
    }
    let rows: Vec<[String; 5]> = facts.devices.iter().map(row).collect();
    let text = Xhtml::new()
        .table(
            "Dispositivi affidati al paziente",
            [
                "Dispositivo",
                "Marca",
                "Numero di serie",
                "Misura",
                "Affidato dal",
            ],
            &rows,
        )
        .paragraph("Identificativo unico (UDI): non registrato.")
        .paragraph("I dispositivi non chiamano aiuto da soli. In emergenza chiamare il 112.")
        .end();
    Body {
        sections: vec![section(
            "Informazioni sul dispositivo",
            "104972-5",
            text,
            entries,
        )],
        period: None,
    }
}

fn row(held: &Held) -> [String; 5] {
    let (make, serial) = make_and_serial(&held.device);
    let measures: Vec<&str> = held.measures.iter().map(|it| vitals::name(*it)).collect();
    let measures = match measures.is_empty() {
        true => "non ancora noto".to_owned(),
        false => measures.join(", "),
    };
    let shared = if held.is_shared { ", in famiglia" } else { "" };
    [
        device_kind(&held.measures)
            .unwrap_or("Dispositivo")
            .to_owned(),
        format!("marca {make}"),
        format!("numero {serial}"),
        format!("misura: {measures}"),
        format!("dal {}{shared}", IT.moment(held.from)),
    ]
}
