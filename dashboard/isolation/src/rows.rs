//! One row of each table, as SeaORM reads and writes it; never seen outside this crate.

/// A household: cases and contacts that live together.
pub(crate) mod household {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "isolation_household")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        pub(crate) at_ms: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A case.
pub(crate) mod case {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "isolation_case")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        pub(crate) household_id: i64,
        pub(crate) like_case: Option<i64>,
        pub(crate) opened_at_ms: i64,
        pub(crate) opened_by: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A version of a result.
pub(crate) mod result {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "isolation_result")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        pub(crate) case_id: i64,
        pub(crate) laboratory: String,
        pub(crate) result: String,
        pub(crate) version: i64,
        pub(crate) is_newest: bool,
        pub(crate) status: String,
        pub(crate) finding: String,
        pub(crate) method: String,
        pub(crate) taken_at_ms: i64,
        pub(crate) code: String,
        pub(crate) plain_code: String,
        pub(crate) surname: String,
        pub(crate) name: String,
        pub(crate) spelled: String,
        pub(crate) born: Option<String>,
        pub(crate) phone: Option<String>,
        pub(crate) received_at_ms: i64,
        pub(crate) received_by: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// What somebody said of a case.
pub(crate) mod fact {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "isolation_fact")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        pub(crate) case_id: i64,
        pub(crate) kind: String,
        pub(crate) day: Option<String>,
        pub(crate) at_ms: i64,
        pub(crate) written_by: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A number to which a case is invited.
pub(crate) mod invitation {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "isolation_invitation")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        pub(crate) case_id: i64,
        pub(crate) phone: Option<String>,
        pub(crate) state: String,
        pub(crate) at_ms: i64,
        pub(crate) called_at_ms: Option<i64>,
        pub(crate) called_by: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A personal link.
pub(crate) mod link {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "isolation_link")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) token_hash: String,
        pub(crate) case_id: i64,
        pub(crate) phone: String,
        pub(crate) made_at_ms: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Somebody who is coming in, or pretends to.
pub(crate) mod entry {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "isolation_entry")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) token_hash: String,
        pub(crate) case_id: Option<i64>,
        pub(crate) code_hash: String,
        pub(crate) tries: i64,
        pub(crate) by_way: String,
        pub(crate) by_code: String,
        pub(crate) by_address: String,
        pub(crate) at_ms: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Somebody who is in.
pub(crate) mod visit {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "isolation_visit")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) token_hash: String,
        pub(crate) case_id: i64,
        pub(crate) opened_at_ms: i64,
        pub(crate) seen_at_ms: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
