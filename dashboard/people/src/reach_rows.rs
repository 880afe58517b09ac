//! The rows about who is called and how, as SeaORM reads and writes them; never seen outside.

/// An address of somebody who is called.
pub(crate) mod contact {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "contact")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        pub(crate) party: String,
        pub(crate) channel: String,
        pub(crate) address: String,
        pub(crate) added_at_ms: i64,
        pub(crate) added_by: String,
        pub(crate) ended_at_ms: Option<i64>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A family doctor.
pub(crate) mod mmg {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "mmg")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        pub(crate) name: String,
        pub(crate) hours: String,
        pub(crate) registered_at_ms: i64,
        pub(crate) registered_by: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Whose family doctor, from when to when.
pub(crate) mod care {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "mmg_of_person")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        pub(crate) person_id: i64,
        pub(crate) mmg_id: i64,
        pub(crate) from_ms: i64,
        pub(crate) until_ms: Option<i64>,
        pub(crate) written_by: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A place on the roster.
pub(crate) mod shift {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "duty_shift")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        pub(crate) post: String,
        pub(crate) party: String,
        pub(crate) hours: String,
        pub(crate) from_ms: i64,
        pub(crate) until_ms: Option<i64>,
        pub(crate) written_by: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// When somebody is left alone, unless it is red.
pub(crate) mod quiet {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "quiet_hours")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) party: String,
        pub(crate) hours: String,
        pub(crate) written_by: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Who stands in for whom, from when to when.
pub(crate) mod absence {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "absence")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        pub(crate) party: String,
        pub(crate) substitute: String,
        pub(crate) from_ms: i64,
        pub(crate) until_ms: i64,
        pub(crate) written_by: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A link that opens one call for one person; only its hash is kept.
pub(crate) mod call_link {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "call_link")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) token_hash: String,
        pub(crate) party: String,
        pub(crate) page: i64,
        pub(crate) made_at_ms: i64,
        pub(crate) expires_at_ms: i64,
        pub(crate) seen_at_ms: Option<i64>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Something that the centre said to a patient.
pub(crate) mod told {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "told")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        #[sea_orm(unique)]
        pub(crate) once: String,
        pub(crate) person_id: i64,
        pub(crate) about: String,
        pub(crate) words: String,
        pub(crate) at_ms: i64,
        pub(crate) until_ms: i64,
        pub(crate) written_by: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
