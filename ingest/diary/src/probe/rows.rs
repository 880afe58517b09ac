//! The rows of the probe, as SeaORM reads and writes them.

/// One trip of the probe.
pub(super) mod round {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "probe_round")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        #[sea_orm(unique)]
        pub(crate) key: String,
        pub(crate) began_ms: i64,
        pub(crate) spoken_ms: Option<i64>,
        pub(crate) received_ms: Option<i64>,
        pub(crate) judged_ms: Option<i64>,
        pub(crate) called_ms: Option<i64>,
        pub(crate) carried_ms: Option<i64>,
        pub(crate) delivered_ms: Option<i64>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A time in which the path did not answer.
pub(super) mod interruption {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "probe_interruption")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        #[sea_orm(unique)]
        pub(crate) open_key: Option<String>,
        pub(crate) leg: String,
        pub(crate) since_ms: i64,
        pub(crate) raised_at_ms: i64,
        pub(crate) raised_by: String,
        pub(crate) told_at_ms: Option<i64>,
        pub(crate) ended_at_ms: Option<i64>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
