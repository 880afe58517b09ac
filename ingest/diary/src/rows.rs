//! One row of each table, as SeaORM reads and writes it; never seen outside this crate.

/// A version of a patient's plan.
pub(crate) mod plan {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "plan")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        pub(crate) patient: String,
        pub(crate) version: i64,
        pub(crate) body: String,
        pub(crate) created_at_ms: i64,
        pub(crate) created_by: String,
        pub(crate) why: Option<String>,
        pub(crate) decided_by: Option<String>,
        pub(crate) decided_on: Option<String>,
        /// The three before it, sealed.
        pub(crate) sealed: Option<Vec<u8>>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Where a patient is.
pub(crate) mod standing {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "standing")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        pub(crate) patient: String,
        pub(crate) number: i64,
        pub(crate) from_ms: i64,
        pub(crate) whereabouts: String,
        pub(crate) why: String,
        pub(crate) created_at_ms: i64,
        pub(crate) created_by: String,
        /// `why`, sealed.
        pub(crate) sealed: Option<Vec<u8>>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A device given to a patient.
pub(crate) mod assignment {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "assignment")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        pub(crate) device: String,
        pub(crate) patient: String,
        pub(crate) from_ms: i64,
        pub(crate) created_at_ms: i64,
        pub(crate) created_by: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// The end of an assignment.
pub(crate) mod assignment_end {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "assignment_end")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) assignment_id: i64,
        pub(crate) until_ms: i64,
        pub(crate) created_at_ms: i64,
        pub(crate) created_by: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// One of those who share a device.
pub(crate) mod assignment_member {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "assignment_member")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) assignment_id: i64,
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) patient: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// What somebody said of readings after they were measured.
pub(crate) mod attribution {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "attribution")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        pub(crate) device: String,
        pub(crate) from_ms: i64,
        pub(crate) until_ms: i64,
        pub(crate) patient: Option<String>,
        pub(crate) why: String,
        pub(crate) created_at_ms: i64,
        pub(crate) created_by: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A flag, as first raised.
pub(crate) mod flag {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "flag")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) id: String,
        pub(crate) patient: String,
        pub(crate) rule: String,
        pub(crate) rule_set: String,
        pub(crate) severity: String,
        pub(crate) since_ms: i64,
        pub(crate) raised_at_ms: i64,
        pub(crate) late: bool,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// One thing said of a flag.
pub(crate) mod flag_event {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "flag_event")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) flag_id: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) telling: i64,
        pub(crate) patient: String,
        pub(crate) what: String,
        pub(crate) told_at_ms: i64,
        pub(crate) body: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A flag that is on the list of the centre. Derived from the other tables.
pub(crate) mod open_flag {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "open_flag")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) flag_id: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Something a person did or wrote.
pub(crate) mod entry {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "entry")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        pub(crate) patient: String,
        pub(crate) flag_id: Option<String>,
        pub(crate) kind: String,
        pub(crate) once: Option<String>,
        pub(crate) telling: Option<i64>,
        pub(crate) actor: String,
        pub(crate) at_ms: i64,
        pub(crate) words: String,
        pub(crate) detail: Option<String>,
        /// `words`, sealed.
        pub(crate) sealed: Option<Vec<u8>>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A row that ingest should know of.
pub(crate) mod change {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "change")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        pub(crate) kind: String,
        pub(crate) row_id: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// An alert, as its events have made it. Derived, but for its number.
pub(crate) mod alert {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "alert")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        pub(crate) patient: String,
        pub(crate) subject: String,
        pub(crate) open_key: Option<String>,
        pub(crate) flag_id: String,
        pub(crate) severity: String,
        pub(crate) opened_at_ms: i64,
        pub(crate) closed_at_ms: Option<i64>,
        pub(crate) closed_by: Option<String>,
        pub(crate) due_ms: Option<i64>,
        pub(crate) events: i64,
        pub(crate) state: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A flag that belongs to an alert.
pub(crate) mod alert_flag {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "alert_flag")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) alert_id: i64,
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) flag_id: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// One thing that happened to an alert, in the words of the ladder.
pub(crate) mod alert_event {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "alert_event")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        pub(crate) alert_id: i64,
        pub(crate) place: i64,
        pub(crate) flag_id: String,
        pub(crate) patient: String,
        pub(crate) what: String,
        pub(crate) at_ms: i64,
        pub(crate) actor: String,
        pub(crate) body: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Somebody is to be called.
pub(crate) mod page {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "page")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        pub(crate) once: String,
        pub(crate) alert_id: i64,
        pub(crate) flag_id: String,
        pub(crate) patient: String,
        pub(crate) severity: String,
        pub(crate) callee: String,
        pub(crate) why: String,
        pub(crate) rung: Option<i64>,
        pub(crate) receiver: Option<String>,
        pub(crate) due_ms: i64,
        pub(crate) at_ms: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// What became of a page.
pub(crate) mod page_event {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "page_event")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) page_id: i64,
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) what: String,
        pub(crate) at_ms: i64,
        pub(crate) actor: String,
        pub(crate) reason: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Something that a patient had hidden.
pub(crate) mod hiding {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "hiding")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        pub(crate) patient: String,
        pub(crate) entry_id: Option<i64>,
        pub(crate) flag_id: Option<String>,
        pub(crate) from_ms: Option<i64>,
        pub(crate) until_ms: Option<i64>,
        pub(crate) code_digest: String,
        pub(crate) at_ms: i64,
        pub(crate) actor: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// That a patient had it shown again.
pub(crate) mod hiding_end {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "hiding_end")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) hiding_id: i64,
        pub(crate) at_ms: i64,
        pub(crate) actor: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// The key with which a patient's words are sealed.
pub(crate) mod patient_key {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "patient_key")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) patient: String,
        pub(crate) key: Vec<u8>,
        pub(crate) made_at_ms: i64,
        pub(crate) destroyed_at_ms: Option<i64>,
    }

    impl std::fmt::Debug for Model {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "patient_key({}, …)", self.patient)
        }
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
