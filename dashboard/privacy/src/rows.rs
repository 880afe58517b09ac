//! One row of each table, as SeaORM reads and writes it; never seen outside this crate.

/// Somebody asked that a patient be erased.
pub(crate) mod erasure {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "erasure")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        pub(crate) patient: String,
        pub(crate) why: String,
        pub(crate) at_ms: i64,
        pub(crate) actor: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// What became of it: `confirmed`, `withdrawn`, `done`.
pub(crate) mod erasure_step {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "erasure_step")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) erasure_id: i64,
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) what: String,
        pub(crate) at_ms: i64,
        pub(crate) actor: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
