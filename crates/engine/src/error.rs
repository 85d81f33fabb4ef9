//! Why a question has no answer.

/// An error of a check or a query. None of them ever stands for a no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The resource's type, or a type that a query selects, is not in the schema.
    #[error("the schema has no type `{0}`")]
    UnknownType(String),
    /// The decision needs rows of bound types that were not read: (type, id) of each, sorted. Whoever asks reads them and asks again.
    #[error("the decision needs {} that were not read", rows(.0))]
    Unread(Vec<(String, String)>),
    /// A list would have to look at every resource of a bound type. Those are rows, so the list is made in the database.
    #[error("the list depends on resources of type `{0}`, which are rows: it is made in the database")]
    InTables(String),
    /// A path of the decision has more hops than the limit.
    #[error("the decision needs a path of more than {limit} hops")]
    TooDeep {
        /// The limit in force.
        limit: u32,
    },
    /// The decision looked at more warrants than the limit, or spent as much on policies.
    #[error(
        "the decision needs to look at more than {limit} warrants, or takes as much work in its policies"
    )]
    TooMuchWork {
        /// The limit in force.
        limit: u64,
    },
}

fn rows(unread: &[(String, String)]) -> String {
    match unread {
        [(resource_type, id)] => format!("rows, such as that of `{resource_type}:{id}`,"),
        [(resource_type, id), ..] => {
            format!("{} rows, such as that of `{resource_type}:{id}`,", unread.len())
        }
        [] => "rows".into(),
    }
}
