//! One row of each table, as SeaORM reads and writes it; never seen outside this crate.

/// What a doctor answered.
pub(crate) mod act {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "doctor_act")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        #[sea_orm(unique)]
        pub(crate) once: String,
        pub(crate) patient: String,
        pub(crate) flag: String,
        pub(crate) act: String,
        pub(crate) actor: String,
        pub(crate) telling: i64,
        pub(crate) at_ms: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Somebody who was reported.
pub(crate) mod report {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "doctor_report")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        #[sea_orm(unique)]
        pub(crate) once: String,
        #[sea_orm(unique)]
        pub(crate) round: String,
        pub(crate) codice_fiscale: String,
        pub(crate) phone: String,
        pub(crate) onset: String,
        pub(crate) symptoms: String,
        pub(crate) words: String,
        pub(crate) actor: String,
        pub(crate) at_ms: i64,
    }

    /// Who is ill with what is nobody's to read in a log.
    impl std::fmt::Debug for Model {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "Report({})", self.id)
        }
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// When somebody wants their digest.
pub(crate) mod digest {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "doctor_digest")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) staff_id: i64,
        /// Of the day, in Italy.
        pub(crate) minute: i64,
        pub(crate) set_at_ms: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
