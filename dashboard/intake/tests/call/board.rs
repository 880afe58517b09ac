//! An ingest that knows the last values, and nothing else.

use std::collections::HashMap;
use std::sync::Arc;

use veglia_view::{
    Asked, Bedside, ExportAsk, Latest, Lines, PatientId, Quality, Readings, ReadingsAsk, Row, Site,
    Source, Status, Trend, TrendAsk, Version, View, ViewError, VitalKind, WallMs, Ward,
};

/// The rows of patients.
#[derive(Debug, Default)]
pub(crate) struct Board(HashMap<PatientId, Arc<Row>>);

impl Board {
    /// Somebody has said a value.
    pub(crate) fn told(&mut self, patient: PatientId, vital: VitalKind, at: WallMs) {
        let mut row = Row::new(patient);
        row.measure(Latest {
            vital,
            steps: 970,
            site: Site::Unknown,
            at,
            quality: Quality::empty(),
            source: Source::ByPhone,
        });
        self.0.insert(patient, Arc::new(row));
    }
}

impl View for Board {
    fn ward(&self, _: Option<Version>) -> Asked<'_, Ward> {
        Box::pin(async { Err(ViewError::Failed) })
    }

    fn status(&self) -> Asked<'_, Status> {
        Box::pin(async { Err(ViewError::Failed) })
    }

    fn patient(&self, patient: PatientId) -> Asked<'_, Bedside> {
        let status = Status {
            care_now: crate::house::NOW,
            speed: 1,
            progress: None,
        };
        let row = self.0.get(&patient).cloned();
        Box::pin(async move { Ok(Bedside { row, status }) })
    }

    fn trend(&self, _: TrendAsk) -> Asked<'_, Trend> {
        Box::pin(async { Err(ViewError::Failed) })
    }

    fn readings(&self, _: ReadingsAsk) -> Asked<'_, Readings> {
        Box::pin(async { Err(ViewError::Failed) })
    }

    fn export(&self, _: ExportAsk) -> Asked<'_, Lines> {
        Box::pin(async { Err(ViewError::Failed) })
    }
}
