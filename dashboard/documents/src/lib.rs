//! The four documents that HL7 Italia describes for telemonitoring: *Piano di telemonitoraggio*,
//! *Tesserino dei dispositivi*, *Report di rilevazione*, *Relazione finale*.
//!
//! ```text
//! people, diary, View ─▶ Frame + Facts ─▶ compose ─▶ fhir::Bundle ─▶ JSON, kept byte by byte
//!                                                                    └▶ DocumentPage, to print
//! ```
//! Each is a FHIR R4 Bundle of type `document`; the page shows the texts that stand in it, so that
//! paper and file say the same. Pages and functions, no routes: a door mounts them.
//!
//! **A draft is never taken for a document.** It is marked as a draft in its text and in its
//! status, nobody attests it, and it is not kept. **Issuing** (a doctor of the centre, or the
//! family doctor) keeps the bytes for ever as a version with its SHA-256, which stands on the
//! paper: whoever has one compares it with what is kept. A further version changes none before it;
//! rows go only when a patient is erased.
//! There is no digital signature: this system says who issued, and the document says that.
//!
//! **What the guide wants** was read in its FSH sources (github `hl7-it/telemonitoraggio`: the
//! profiles of Bundle, Composition, CarePlan, ActivityDefinition, ObservationDefinition, Device,
//! DeviceUseStatement, Patient, Practitioner and PractitionerRole of each document). Where it
//! wants what nobody here registers, that is said to be unknown: the UDI of a device, the address
//! of residence. **Not read, and so not claimed**: its value sets (the types of document, the
//! types of activity) and the profiles of organisations, which are not in those sources; types of
//! document are those of its examples, and there is no Organization. Deliberately otherwise than
//! its examples: no diagnosis of ICD-9-CM (the sheet holds words), and no extension for the edition
//! of a plan (two addresses for it contradict each other; a note says it).
//!
//! **Limits**: a report has at most a month; readings are thinned as `gather/readings.rs` says, and
//! each document says so of itself. **Deliberately absent**: sending a document anywhere, codes of
//! organisations, and doctors' Codice Fiscale, which accounts do not have.

mod book;
mod compose;
mod desk;
mod facts;
mod fhir;
mod gather;
mod kind;
mod limits;
mod narrative;
mod page;
mod period;
mod rows;
mod schema;
mod vitals;

pub use desk::{Desk, DocumentError, issues};
pub use kind::Kind;
pub use page::{
    DocumentPage, DocumentQuery, Download, IssueForm, Issued, ListPage, download, issue,
};
pub use schema::SCHEMA;

use veglia_words::Pack;

/// What this room's pages say; its documents are Italian.
pub(crate) static WORDS: Pack = Pack::new(
    &[include_str!("../words/it/documents.ftl")],
    &[include_str!("../words/en/documents.ftl")],
);

#[cfg(test)]
mod tests {
    use crate::WORDS;

    #[test]
    fn every_word_stands_in_both_languages() {
        let folder = env!("CARGO_MANIFEST_DIR");
        assert_eq!(veglia_words::proof::of_room(folder, &WORDS, &[]), "");
    }
}
