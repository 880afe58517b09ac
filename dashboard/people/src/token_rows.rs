//! The rows of the programs' tokens.

/// What a program shows instead of a session.
pub(crate) mod token {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "staff_token")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        pub(crate) token_hash: String,
        pub(crate) staff_id: i64,
        pub(crate) name: String,
        pub(crate) scopes: String,
        pub(crate) made_at_ms: i64,
        pub(crate) expires_at_ms: i64,
        pub(crate) used_at_ms: Option<i64>,
        pub(crate) ended_at_ms: Option<i64>,
        pub(crate) ended_by: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
