//! Results on a sheet: CSV with a line of headings, as laboratories and agencies export it.
//!
//! Divided by semicolons, commas or tabs, whichever the first line has most of; in UTF-8 or
//! ISO 8859-1. The order of columns is free, unknown ones are passed over. What a line says is
//! judged by the same reader as what a laboratory sends.

use crate::er7::Charset;
use crate::written::Written;

/// Largest sheet: two thousand results of 200 characters.
pub const SHEET_BYTES_MAX: usize = 400 * 1024;

/// Most lines: a day of a large laboratory comes in several sheets, and a person reads the preview.
pub(crate) const LINES_MAX: usize = 2_000;

/// Headings and what they mean; the first of each is the one we write.
pub(crate) const COLUMNS: [(&str, &[&str]); 12] = [
    ("laboratorio", &["lab", "laboratory"]),
    ("campione", &["numero", "richiesta", "order", "specimen"]),
    (
        "codice_fiscale",
        &["cf", "codice fiscale", "codice", "stp", "eni"],
    ),
    ("cognome", &["surname"]),
    ("nome", &["name"]),
    (
        "nascita",
        &["data_nascita", "data di nascita", "nato", "born"],
    ),
    ("telefono", &["cellulare", "phone", "tel"]),
    ("prelievo", &["data_prelievo", "data prelievo", "taken"]),
    (
        "referto",
        &["data_referto", "data referto", "refertato", "reported"],
    ),
    ("esame", &["test", "tipo", "metodo"]),
    ("esito", &["risultato", "outcome", "result"]),
    ("stato", &["status"]),
];

/// Without these no line is a result.
const NEEDED: [&str; 5] = ["campione", "codice_fiscale", "prelievo", "esame", "esito"];

/// A line of a sheet.
pub(crate) struct Line {
    /// As a spreadsheet counts it: the headings are 1.
    pub(crate) number: usize,
    pub(crate) written: Written,
}

/// Why a sheet cannot be read at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SheetFault {
    Empty,
    Long,
    /// No heading of that name.
    Missing(&'static str),
    /// A line that is no CSV.
    Broken(usize),
}

/// The results of a sheet; `laboratory` is whose it is where no column says it.
pub(crate) fn read(bytes: &[u8], laboratory: &str) -> Result<Vec<Line>, SheetFault> {
    if bytes.len() > SHEET_BYTES_MAX {
        return Err(SheetFault::Long);
    }
    let charset = Charset::declared("", bytes).map_err(|_| SheetFault::Empty)?;
    let text = charset.decode(bytes).map_err(|_| SheetFault::Empty)?;
    let text = text.trim_start_matches('\u{feff}').trim();
    let first = text.lines().next().filter(|it| !it.is_empty());
    let first = first.ok_or(SheetFault::Empty)?;
    let mut reader = csv::ReaderBuilder::new();
    let mut reader = reader
        .delimiter(divider(first))
        .flexible(true)
        .from_reader(text.as_bytes());
    let headings = reader.headers().map_err(|_| SheetFault::Broken(1))?;
    let headings: Vec<Option<&'static str>> = headings.iter().map(column).collect();
    let missing = NEEDED.into_iter().find(|it| !headings.contains(&Some(it)));
    if let Some(missing) = missing {
        return Err(SheetFault::Missing(missing));
    }
    let mut lines = Vec::new();
    for (row, number) in reader.records().zip(2..) {
        let row = row.map_err(|_| SheetFault::Broken(number))?;
        if lines.len() >= LINES_MAX {
            return Err(SheetFault::Long);
        }
        let cell = |name| {
            let place = headings.iter().position(|it| *it == Some(name));
            place
                .and_then(|place| row.get(place))
                .unwrap_or_default()
                .to_owned()
        };
        let own = cell("laboratorio");
        let written = Written {
            laboratory: if own.trim().is_empty() {
                laboratory.to_owned()
            } else {
                own
            },
            order: cell("campione"),
            person: cell("codice_fiscale"),
            surname: cell("cognome"),
            name: cell("nome"),
            born: cell("nascita"),
            phone: cell("telefono"),
            taken: cell("prelievo"),
            reported: cell("referto"),
            test: cell("esame"),
            outcome: cell("esito"),
            status: cell("stato"),
            no_phone: String::new(),
        };
        lines.push(Line {
            number,
            written: written.tidied(),
        });
    }
    Ok(lines)
}

fn divider(headings: &str) -> u8 {
    let many = |it: &u8| headings.bytes().filter(|byte| byte == it).count();
    [b',', b'\t', b';']
        .into_iter()
        .max_by_key(many)
        .unwrap_or(b';')
}

fn column(heading: &str) -> Option<&'static str> {
    let heading = heading.trim().to_lowercase();
    let known = COLUMNS
        .iter()
        .find(|(name, others)| *name == heading || others.contains(&heading.as_str()));
    known.map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SHEET: &str = "Campione;CF;Cognome;Nome;Cellulare;Prelievo;Esame;Esito;Colore\n\
        A1;RSSMRA85T10A562S;Rossi;\"Maria; detta Mia\";3331234567;20/10/2020 10:30;molecolare;\
        Positivo;blu\n\
        A2;;;;;;;;\n";

    #[test]
    fn columns_stand_in_any_order_and_a_line_says_what_a_message_would() {
        let lines = read(SHEET.as_bytes(), "San Prova").unwrap();
        assert_eq!(lines.len(), 2);
        let first = &lines[0];
        assert_eq!((first.number, first.written.order.as_str()), (2, "A1"));
        assert_eq!(first.written.laboratory, "San Prova");
        assert_eq!(first.written.name, "Maria; detta Mia");
        assert_eq!(first.written.outcome, "positivo");
        assert_eq!(first.written.status, "definitivo");
    }

    #[test]
    fn what_is_no_sheet_is_said() {
        let fault = |text: &str| read(text.as_bytes(), "").err();
        assert_eq!(fault(""), Some(SheetFault::Empty));
        assert_eq!(
            fault("nome,cognome\nA,B"),
            Some(SheetFault::Missing("campione"))
        );
        let many = format!("{SHEET}{}", "A;B\n".repeat(LINES_MAX));
        assert_eq!(fault(&many), Some(SheetFault::Long));
    }

    proptest! {
        #[test]
        fn no_sheet_makes_it_fall(
            text in "(campione;cf;prelievo;esame;esito\n)?[a-z;,\"\n\r0-9/è]{0,200}",
        ) {
            drop(read(text.as_bytes(), "x"));
        }
    }
}
