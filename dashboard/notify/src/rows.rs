//! One row of each table, as SeaORM reads and writes it; never seen outside this crate.

/// A message to one person, and how far it came.
pub(crate) mod delivery {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "delivery")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        #[sea_orm(unique)]
        pub(crate) key: String,
        pub(crate) about: String,
        pub(crate) recipient: String,
        pub(crate) urgent: bool,
        pub(crate) subject: String,
        pub(crate) text: String,
        pub(crate) link: String,
        pub(crate) state: String,
        pub(crate) channel: String,
        pub(crate) position: i64,
        pub(crate) attempts: i64,
        pub(crate) next_at_ms: i64,
        pub(crate) created_at_ms: i64,
        pub(crate) settled_at_ms: Option<i64>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// One way of reaching that person.
pub(crate) mod address {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "delivery_address")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        pub(crate) delivery_id: i64,
        pub(crate) position: i64,
        pub(crate) channel: String,
        pub(crate) address: String,
        /// It does not take this delivery, now or later.
        pub(crate) given_up: bool,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Something that happened to a delivery.
pub(crate) mod event {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "delivery_event")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        pub(crate) delivery_id: i64,
        pub(crate) key: String,
        pub(crate) about: String,
        pub(crate) recipient: String,
        pub(crate) at_ms: i64,
        pub(crate) happened: String,
        pub(crate) channel: String,
        pub(crate) blames_channel: bool,
        pub(crate) reason: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// How far somebody has read.
pub(crate) mod cursor {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "delivery_cursor")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) name: String,
        pub(crate) position: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A channel, or one person's address by it, that does not work.
pub(crate) mod outage {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "channel_outage")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        pub(crate) channel: String,
        pub(crate) recipient: String,
        pub(crate) reason: String,
        pub(crate) began_at_ms: i64,
        pub(crate) tried_at_ms: i64,
        pub(crate) ended_at_ms: Option<i64>,
        pub(crate) ended_by: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// What else a delivery tells of.
pub(crate) mod also {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "delivery_also")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) delivery_id: i64,
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) about: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
