//! One row of the table, as SeaORM reads and writes it; never seen outside this crate.

/// A document that was issued.
pub(crate) mod document {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "document")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        pub(crate) person_id: i64,
        pub(crate) kind: String,
        pub(crate) version: i64,
        /// The bundle, byte by byte as it was issued.
        pub(crate) body: String,
        pub(crate) digest: String,
        pub(crate) at_ms: i64,
        pub(crate) issued_by: String,
    }

    impl std::fmt::Debug for Model {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "Document({}, {})", self.id, self.kind)
        }
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
