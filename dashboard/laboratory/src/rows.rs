//! One row of each table, as SeaORM reads and writes it; never seen outside this crate.

/// A message as it came.
pub(crate) mod message {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "lab_message")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        pub(crate) digest: String,
        pub(crate) way: String,
        pub(crate) actor: String,
        pub(crate) laboratory: String,
        pub(crate) control: String,
        pub(crate) body: String,
        pub(crate) unreadable: String,
        pub(crate) received_ms: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A result.
pub(crate) mod result {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "lab_result")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        pub(crate) message_id: i64,
        pub(crate) mends_id: Option<i64>,
        pub(crate) laboratory: String,
        pub(crate) order_number: String,
        pub(crate) test: String,
        pub(crate) status: String,
        pub(crate) outcome: String,
        pub(crate) taken_day: Option<String>,
        pub(crate) taken_ms: Option<i64>,
        pub(crate) reported_ms: Option<i64>,
        pub(crate) received_ms: i64,
        pub(crate) faults: String,
        pub(crate) body: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// What became of an entry that a person had to look at.
pub(crate) mod settled {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "lab_settled")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        pub(crate) kind: String,
        pub(crate) entry_id: i64,
        pub(crate) how: String,
        pub(crate) why: String,
        pub(crate) actor: String,
        pub(crate) at_ms: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// What became of a result that was passed on to whoever opens cases.
pub(crate) mod passed {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "lab_passed")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) result_id: i64,
        pub(crate) became: String,
        pub(crate) at_ms: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
