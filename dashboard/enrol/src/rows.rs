//! One row of the table, as SeaORM reads and writes it; never seen outside this crate.

/// What somebody agreed to, or no longer does.
pub(crate) mod consent {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "consent")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        pub(crate) person_id: i64,
        pub(crate) item: String,
        pub(crate) version: i64,
        pub(crate) given: bool,
        pub(crate) how: String,
        pub(crate) at_ms: i64,
        pub(crate) written_by: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
