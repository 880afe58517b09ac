//! One row of each table, as SeaORM reads and writes it; never seen outside this crate.

/// Someone followed at home.
pub(crate) mod person {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "person")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) id: i64,
        pub(crate) name: String,
        pub(crate) surname: String,
        pub(crate) codice_fiscale: String,
        pub(crate) phone: String,
        pub(crate) address: String,
        pub(crate) registered_at_ms: i64,
        pub(crate) registered_by: String,
        pub(crate) forgotten_at_ms: Option<i64>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A staff account.
pub(crate) mod staff {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "staff")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        #[sea_orm(unique)]
        pub(crate) username: String,
        pub(crate) name: String,
        pub(crate) role: String,
        pub(crate) password_hash: String,
        pub(crate) created_at_ms: i64,
        pub(crate) created_by: String,
        pub(crate) disabled_at_ms: Option<i64>,
        pub(crate) belongs_to: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// An open session of a member of staff.
pub(crate) mod session {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "staff_session")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) token_hash: String,
        pub(crate) staff_id: i64,
        pub(crate) opened_at_ms: i64,
        pub(crate) seen_at_ms: i64,
        pub(crate) browser: Option<String>,
        pub(crate) opened_by: Option<String>,
        pub(crate) confirmed_at_ms: Option<i64>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
