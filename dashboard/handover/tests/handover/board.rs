//! An ingest that knows the last values, and nothing else.

use std::collections::HashMap;
use std::sync::Arc;

use veglia_view::{
    Asked, Bedside, ExportAsk, Latest, Lines, PatientId, Quality, Readings, ReadingsAsk, Row, Site,
    Source, Status, Trend, TrendAsk, Version, View, ViewError, VitalKind, WallMs, Ward,
};

/// The rows of patients.
#[derive(Debug, Default)]
pub(crate) struct Board(HashMap<PatientId, Row>);

impl Board {
    /// A device has measured.
    pub(crate) fn measured(&mut self, of: PatientId, vital: VitalKind, steps: i32, at: WallMs) {
        let row = self.0.entry(of).or_insert_with(|| Row::new(of));
        row.measure(Latest {
            vital,
            steps,
            site: Site::Unknown,
            at,
            quality: Quality::empty(),
            source: Source::Device,
        });
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
        let row = self.0.get(&patient).cloned().map(Arc::new);
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
