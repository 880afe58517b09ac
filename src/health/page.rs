//! How a box at home is, for whoever stands before it: a page in Italian on its loopback, and lines
//! of text for `veglia gateway status`.
//!
//! Deliberately absent: what was measured, anybody's name (the box knows none), scripts.

use std::time::Duration;

use veglia_gateway::{BoxStatus, DeviceStatus};
use veglia_wire::{Charge, ClockState, PortFault, PortState};

use super::{counted, lasting};

/// A page loads itself again after so many seconds.
const AGAIN_SECONDS: u32 = 20;

const STYLE: &str = "body{font:18px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;\
    padding:0 1rem;color:#1c2430;background:#fbfaf7}h1{font-size:1.4rem}h2{font-size:1.1rem;\
    margin-top:2rem}table{border-collapse:collapse;width:100%}th,td{text-align:left;\
    padding:.35rem .6rem;border-bottom:1px solid #d9d4c7}th{font-weight:600}\
    .male{color:#9b1c1c;font-weight:600}";

/// The page.
pub(super) fn html(status: &BoxStatus) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"it\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <meta http-equiv=\"refresh\" content=\"{AGAIN_SECONDS}\">\
         <title>Veglia, {name}</title><style>{STYLE}</style></head>\n\
         <body><h1>Veglia, {name}</h1>\n",
        name = escaped(&status.gateway)
    );
    page += "<h2>Dispositivi</h2>\n";
    if status.devices.is_empty() {
        page += "<p>Nessun dispositivo è configurato.</p>\n";
    } else {
        page += "<table><tr><th>Dispositivo</th><th>Stato</th><th>Ultimo segnale</th>\
                 <th>Ultima misura</th><th>Batteria</th></tr>\n";
        status.devices.iter().for_each(|it| page += &row(it));
        page += "</table>\n";
    }
    let outbox = &status.outbox;
    page += "<h2>Da inviare al centro</h2>\n<table>";
    pair(&mut page, "In attesa", &waiting(status));
    let full = format!("{} di {}", mib(outbox.bytes), mib(outbox.limit_bytes));
    pair(&mut page, "Spazio", &full);
    if outbox.thinned > 0 {
        let text = format!("{} misure continue più vecchie", outbox.thinned);
        pair(&mut page, "Diradate per fare posto", &text);
    }
    if let Some(lost) = outbox.losing {
        pair(
            &mut page,
            "<span class=\"male\">Non conservate</span>",
            &lost.to_string(),
        );
    }
    if outbox.has_failed {
        pair(
            &mut page,
            "<span class=\"male\">Scheda di memoria</span>",
            "guasta: va cambiata",
        );
    }
    page += "</table>\n<h2>Collegamento</h2>\n<table>";
    pair(&mut page, "Centro", &link(status));
    let heard = status.link.acknowledged_ms;
    pair(
        &mut page,
        "Ultima conferma",
        &heard.map_or("mai".into(), ago),
    );
    let month = &status.month;
    let traffic = format!(
        "{} inviati, {} ricevuti",
        mib(month.sent_bytes),
        mib(month.received_bytes)
    );
    pair(&mut page, "Questo mese", &traffic);
    pair(&mut page, "Orologio", &clock(status));
    let program = format!("{}, avvio numero {}", status.software, status.boot);
    pair(&mut page, "Programma", &escaped(&program));
    page += "</table></body></html>\n";
    page
}

fn pair(page: &mut String, name: &str, value: &str) {
    *page += &format!("<tr><th>{name}</th><td>{value}</td></tr>\n");
}

fn row(device: &DeviceStatus) -> String {
    let name = device.device.as_ref().unwrap_or(&device.port);
    let is_well = device.fault.is_none() && device.state != PortState::Absent;
    format!(
        "<tr><td>{}</td><td{}>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
        escaped(name),
        if is_well { "" } else { " class=\"male\"" },
        state(device),
        device.heard_ms.map_or("mai".into(), ago),
        device.reading_ms.map_or("mai".into(), ago),
        match device.battery {
            None => "non nota".to_owned(),
            Some(Charge::Low) => "scarica".to_owned(),
            Some(Charge::Percent(percent)) => format!("{percent} %"),
        },
    )
}

fn state(device: &DeviceStatus) -> &'static str {
    match device.fault {
        Some(PortFault::BondLost) => "abbinamento perso: va abbinato di nuovo",
        Some(PortFault::HeldElsewhere) => "collegato a un altro telefono: spegnerne il Bluetooth",
        Some(PortFault::RadioOff) => "il Bluetooth della scatola è spento",
        Some(PortFault::NoRadio) => "manca il Bluetooth della scatola",
        Some(PortFault::NotAllowed) => "la scatola non può usare il Bluetooth",
        Some(PortFault::NoService) => "il Bluetooth della scatola si riavvia",
        Some(PortFault::ListDamaged) => "elenco dei dispositivi illeggibile: abbinarli di nuovo",
        Some(PortFault::TooMany) => "ci sono troppi dispositivi: uno non è ascoltato",
        Some(PortFault::ClockWrong) => "il suo orologio è sbagliato: regolare data e ora",
        Some(_) => "non si può leggere: chiamare il centro",
        None => match device.state {
            PortState::Absent => "non collegato",
            PortState::Silent => "tace: accenderlo e mettere il dito",
            PortState::Speaking => "funziona",
        },
    }
}

fn waiting(status: &BoxStatus) -> String {
    let outbox = &status.outbox;
    match (outbox.waiting, outbox.oldest_ms) {
        (0, _) => "niente".to_owned(),
        (count, None) => format!("{count} registrazioni"),
        (count, Some(oldest)) => format!("{count} registrazioni, la più vecchia {}", ago(oldest)),
    }
}

fn link(status: &BoxStatus) -> String {
    if status.link.is_refused {
        "<span class=\"male\">il centro non riconosce questa scatola: chiamare il centro</span>"
            .to_owned()
    } else if status.link.is_connected {
        "collegato".to_owned()
    } else {
        "<span class=\"male\">non raggiunto; le misure restano qui e partono dopo</span>".to_owned()
    }
}

fn clock(status: &BoxStatus) -> String {
    if let Some(ahead_ms) = status.clock_ahead_ms {
        let side = if ahead_ms > 0 { "avanti" } else { "indietro" };
        let by = long(ahead_ms.unsigned_abs());
        return format!(
            "<span class=\"male\">{side} di {by} rispetto al centro: la rete deve raggiungere un \
             server dell'ora; se non può, regolare data e ora di questa scatola</span>"
        );
    }
    let text = match status.clock {
        ClockState::Unknown => "non sa l'ora; le misure si datano quando la saprà",
        ClockState::Holdover => "va, non confermato dalla rete",
        ClockState::Synchronised => "giusto, confermato dalla rete",
    };
    text.to_owned()
}

/// A time ago, as a person says it.
fn ago(ms: u64) -> String {
    format!("{} fa", long(ms))
}

/// A while, as a person says it.
fn long(ms: u64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        0..120 => format!("{seconds} secondi"),
        120..7_200 => format!("{} minuti", seconds / 60),
        7_200..172_800 => format!("{} ore", seconds / 3_600),
        _ => format!("{} giorni", seconds / 86_400),
    }
}

fn mib(bytes: u64) -> String {
    let tenths = bytes.saturating_mul(10) / (1024 * 1024);
    format!("{},{} MB", tenths / 10, tenths % 10)
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '"' => safe += "&quot;",
            other => safe.push(other),
        }
    }
    safe
}

/// The same as lines of text.
pub(crate) fn lines(status: &BoxStatus) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        text += &format!("{name:<8} {value}\n");
    };
    line(
        "gateway",
        &format!("{} (start {})", status.gateway, status.boot),
    );
    for device in &status.devices {
        line("device", &device_line(device));
    }
    let outbox = &status.outbox;
    let mut waits = counted(outbox.waiting, "record waits", "records wait");
    if outbox.waiting > 0 {
        waits += &format!(", the oldest from {}", since(outbox.oldest_ms));
    }
    let (bytes, limit) = (outbox.bytes / 1024, outbox.limit_bytes / 1024);
    line("outbox", &format!("{waits}; {bytes} of {limit} KiB"));
    if outbox.thinned > 0 {
        line(
            "",
            &format!("{} old continuous readings thinned out", outbox.thinned),
        );
    }
    if let Some(lost) = outbox.losing {
        line("", &format!("LOSING RECORDS: {lost} so far"));
    }
    if outbox.has_failed {
        line("", "THE DISK FAILED: exchange the memory card");
    }
    let link = match (&status.link.last_error, status.link.is_connected) {
        (_, true) => "connected".to_owned(),
        (Some(error), false) => format!("NOT CONNECTED: {error}"),
        (None, false) => "not connected yet".to_owned(),
    };
    let acknowledged = since(status.link.acknowledged_ms);
    line(
        "link",
        &format!("{link}; the centre answered {acknowledged}"),
    );
    line("clock", &format!("{:?}", status.clock).to_lowercase());
    if let Some(ahead_ms) = status.clock_ahead_ms {
        let side = if ahead_ms > 0 { "AHEAD OF" } else { "BEHIND" };
        let by = lasting(Duration::from_millis(ahead_ms.unsigned_abs()));
        line(
            "",
            &format!(
                "{by} {side} THE CENTRE: let the network reach a time server; without one, set it"
            ),
        );
    }
    let month = &status.month;
    let tenths = |bytes: u64| {
        let tenths = bytes.saturating_mul(10) / (1024 * 1024);
        format!("{}.{}", tenths / 10, tenths % 10)
    };
    let (sent, received) = (tenths(month.sent_bytes), tenths(month.received_bytes));
    line(
        "month",
        &format!("{sent} MiB sent, {received} MiB received"),
    );
    text
}

fn device_line(device: &DeviceStatus) -> String {
    let battery = match device.battery {
        None => String::new(),
        Some(Charge::Low) => ", battery low".to_owned(),
        Some(Charge::Percent(percent)) => format!(", battery {percent} %"),
    };
    let state = match device.fault {
        Some(fault) => format!("{fault:?}").to_lowercase(),
        None => format!("{:?}", device.state).to_lowercase(),
    };
    let name = device.device.as_ref().unwrap_or(&device.port);
    let (heard, reading) = (since(device.heard_ms), since(device.reading_ms));
    format!("{name}: {state}, heard {heard}, last reading {reading}{battery}")
}

fn since(ms: Option<u64>) -> String {
    ms.map_or("never".to_owned(), |ms| {
        format!("{} ago", lasting(Duration::from_millis(ms)))
    })
}

#[cfg(test)]
mod tests {
    use veglia_gateway::{LinkFigures, Month, OutboxFigures};

    use super::*;

    fn status() -> BoxStatus {
        BoxStatus {
            gateway: "casa-1".into(),
            software: "0.1.0".into(),
            boot: 3,
            clock: ClockState::Unknown,
            clock_ahead_ms: None,
            now_ms: None,
            devices: vec![DeviceStatus {
                port: "/dev/<tty>".into(),
                device: None,
                state: PortState::Speaking,
                fault: Some(PortFault::BondLost),
                heard_ms: Some(3_000),
                reading_ms: None,
                battery: Some(Charge::Percent(7)),
            }],
            outbox: OutboxFigures {
                waiting: 2,
                oldest_ms: Some(7_200_000),
                bytes: 1024 * 1024,
                limit_bytes: 1024 * 1024 * 1024,
                thinned: 5,
                losing: None,
                has_failed: false,
            },
            link: LinkFigures {
                is_connected: false,
                acknowledged_ms: None,
                last_error: Some("no route to host".into()),
                is_refused: false,
            },
            month: Month {
                name: "2026-11".into(),
                sent_bytes: 3 * 1024 * 1024,
                received_bytes: 0,
            },
        }
    }

    #[test]
    fn the_page_says_in_italian_how_the_box_is() {
        let page = html(&status());
        for words in [
            "lang=\"it\"",
            "/dev/&lt;tty&gt;",
            "abbinamento perso",
            "3 secondi fa",
            "2 registrazioni, la più vecchia 2 ore fa",
            "1,0 MB di 1024,0 MB",
            "5 misure continue",
            "non raggiunto",
            "non sa l'ora",
            "3,0 MB inviati",
        ] {
            assert!(page.contains(words), "{words} not in: {page}");
        }
        assert!(!page.contains("<tty>"));
    }

    #[test]
    fn a_clock_that_is_not_the_centres_is_told_with_what_to_do() {
        let off_by = |ahead_ms| BoxStatus {
            clock: ClockState::Holdover,
            clock_ahead_ms: Some(ahead_ms),
            ..status()
        };
        let page = html(&off_by(720_000));
        let words = "avanti di 12 minuti rispetto al centro: la rete deve raggiungere un server \
                     dell'ora; se non può, regolare";
        assert!(page.contains(words), "{page}");
        assert!(!page.contains("non confermato dalla rete"), "{page}");
        let page = html(&off_by(-7_200_000));
        assert!(page.contains("indietro di 2 ore rispetto al centro"));
        let text = lines(&off_by(-7_200_000));
        let said = "clock    holdover\n         2 h BEHIND THE CENTRE: let the network reach a \
                    time server; without one, set it\n";
        assert!(text.contains(said), "{text}");
        let text = lines(&off_by(720_000));
        assert!(text.contains("12 min AHEAD OF THE CENTRE"), "{text}");
    }

    #[test]
    fn the_command_says_the_same_in_lines() {
        let text = lines(&status());
        let expected = "gateway  casa-1 (start 3)\n\
            device   /dev/<tty>: bondlost, heard 3 s ago, last reading never, battery 7 %\n\
            outbox   2 records wait, the oldest from 2 h ago; 1024 of 1048576 KiB\n\
            \x20        5 old continuous readings thinned out\n\
            link     NOT CONNECTED: no route to host; the centre answered never\n\
            clock    unknown\n\
            month    3.0 MiB sent, 0.0 MiB received\n";
        assert_eq!(text, expected);
    }
}
