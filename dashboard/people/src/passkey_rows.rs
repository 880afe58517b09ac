//! The rows of passkeys and of identities from elsewhere, as SeaORM reads and writes them; never
//! seen outside.

/// A passkey of an account: the public half.
pub(crate) mod passkey {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "staff_passkey")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) id_hash: String,
        pub(crate) staff_id: i64,
        pub(crate) user_handle: String,
        pub(crate) name: String,
        pub(crate) credential: String,
        pub(crate) made_at_ms: i64,
        pub(crate) used_at_ms: Option<i64>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Whose account an identity from elsewhere opens.
pub(crate) mod subject {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "staff_subject")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) subject_hash: String,
        pub(crate) staff_id: i64,
        pub(crate) linked_at_ms: i64,
        pub(crate) linked_by: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
