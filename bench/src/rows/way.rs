//! The ways in which a statement shows only what one may see, and the statements.

/// What the application does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// How many tickets are there?
    Count,
    /// The newest 50.
    Newest,
    /// The same, with the number as a parameter.
    NewestOf,
    /// One ticket by its id.
    Point,
    /// Changes one ticket.
    Update,
    /// Makes one.
    Insert,
    /// Makes what a query gives, which is one.
    InsertSelect,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Count,
        Self::Newest,
        Self::NewestOf,
        Self::Point,
        Self::Update,
        Self::Insert,
        Self::InsertSelect,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Newest => "newest 50",
            Self::NewestOf => "newest $1",
            Self::Point => "point read",
            Self::Update => "update of one row",
            Self::Insert => "insert",
            Self::InsertSelect => "insert of a query",
        }
    }

    /// Whether it makes a ticket.
    pub fn inserts(self) -> bool {
        matches!(self, Self::Insert | Self::InsertSelect)
    }

    /// Whether it goes through rows, of which no one is known beforehand.
    pub fn reads_many(self) -> bool {
        matches!(self, Self::Count | Self::Newest | Self::NewestOf)
    }

    /// Whether it asks for a page.
    pub fn is_page(self) -> bool {
        matches!(self, Self::Newest | Self::NewestOf)
    }

    /// Whether its statement has a parameter of its own: the ticket, for a new one the project, for a page how many.
    pub fn has_target(self) -> bool {
        !matches!(self, Self::Count | Self::Newest)
    }
}

/// A `WHERE` written by hand. `$user` and `$project` stand for the user's id and the ticket's project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shape {
    /// The projects in an array that is made once: an index of the column serves.
    Array,
    /// Joins.
    Join,
    /// The projects in a hash table that is made once; each row is looked up.
    Hash,
    /// Whether there is a membership, for each row.
    Exists,
}

/// The projects of `$user`.
const PROJECTS: &str = "select m.project_id from project_member m where m.user_id = $user \
     union all select p.id from org_member o join project p on p.org_id = o.org_id where o.user_id = $user";

impl Shape {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Array, Self::Join, Self::Hash, Self::Exists];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Array => "array",
            Self::Join => "join",
            Self::Hash => "hash",
            Self::Exists => "exists",
        }
    }

    /// The condition.
    pub fn condition(self) -> String {
        match self {
            Self::Array => format!("$project = any (array({PROJECTS}))"),
            Self::Join => format!("$project in ({PROJECTS})"),
            // The test keeps the planner from making a join of it.
            Self::Hash => format!("($project in ({PROJECTS})) is true"),
            Self::Exists => {
                // `offset 0` keeps the planner from a hash table, which is a shape of its own.
                // A join in the second one would be planned the wrong way round where the user is not known.
                "(exists (select from project_member m where m.user_id = $user and m.project_id = $project offset 0) \
                 or exists (select from project p where p.id = $project and exists (select from org_member o \
                 where o.org_id = p.org_id and o.user_id = $user offset 0) offset 0))"
                    .to_owned()
            }
        }
    }
}

const INSERT: &str = "insert into ticket (project_id, title, status, created_at)";

/// How a statement is kept to what one may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// Not at all.
    Open,
    /// By a `WHERE` in the statement.
    Hand(Shape),
    /// By Rowgate's policy.
    Rowgate,
    /// By the list of ids that Rowgate's `query` gave.
    List,
    /// By a policy that calls a PL/pgSQL function for each row.
    Function,
    /// By a policy that calls `rowgate.check` for each row.
    Check,
    /// By a policy with a correlated sub-select.
    Correlated,
    /// By a policy of one shape, written for these tables and nothing else.
    Policy(Shape),
    /// By such a policy with a choice between the shapes.
    Chosen,
    /// By such a policy whose role may read no memberships: a function looks the row's project up.
    Private,
    /// By such a policy with a choice between the shapes.
    PrivateChosen,
}

impl Way {
    /// All ways, the best `WHERE` given.
    pub fn all(best: Shape) -> [Self; 7] {
        [
            Self::Open,
            Self::Hand(best),
            Self::Rowgate,
            Self::List,
            Self::Function,
            Self::Check,
            Self::Correlated,
        ]
    }

    /// The policies that say what the least is, see `least`.
    pub const LEAST: [Self; 6] = [
        Self::Policy(Shape::Array),
        Self::Policy(Shape::Hash),
        Self::Policy(Shape::Exists),
        Self::Chosen,
        Self::Private,
        Self::PrivateChosen,
    ];

    /// Of these, the one that takes the least that a policy can which keeps memberships from the application's roles. For single rows that is one
    /// shape; where many are read no single shape serves all subjects.
    pub fn least(operation: Operation) -> Self {
        if operation.reads_many() {
            Self::PrivateChosen
        } else {
            Self::Private
        }
    }

    /// Whether it is one of those that the target is about: Rowgate, the best `WHERE`, and the best policies by hand.
    pub fn is_held_to_the_target(self) -> bool {
        matches!(
            self,
            Self::Hand(_)
                | Self::Rowgate
                | Self::Policy(_)
                | Self::Chosen
                | Self::Private
                | Self::PrivateChosen
        )
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "no policy",
            Self::Hand(_) => "hand-written",
            Self::Rowgate => "rowgate",
            Self::List => "list of ids",
            Self::Function => "function per row",
            Self::Check => "rowgate.check per row",
            Self::Correlated => "correlated",
            Self::Policy(Shape::Array) => "policy: array",
            Self::Policy(Shape::Hash | Shape::Join) => "policy: hash",
            Self::Policy(Shape::Exists) => "policy: exists",
            Self::Chosen => "policy: chosen",
            Self::Private => "policy: private",
            Self::PrivateChosen => "policy: private, chosen",
        }
    }

    /// The role that runs it. `bench_plain` has no policies.
    pub fn role(self) -> &'static str {
        match self {
            Self::Open | Self::Hand(_) | Self::List => "bench_plain",
            Self::Rowgate => "bench_app",
            Self::Function => "bench_function",
            Self::Check => "bench_check",
            Self::Correlated => "bench_correlated",
            Self::Policy(Shape::Array) => "bench_array",
            // What a `WHERE` can make a join is a hash table in a policy.
            Self::Policy(Shape::Hash | Shape::Join) => "bench_hash",
            Self::Policy(Shape::Exists) => "bench_exists",
            Self::Chosen => "bench_chosen",
            Self::Private => "bench_private",
            Self::PrivateChosen => "bench_private_chosen",
        }
    }

    /// Whether a statement can be kept so: no list of ids has a new ticket in it, and the policies of one shape are there for what they serve.
    pub fn can(self, operation: Operation) -> bool {
        match self {
            Self::List => !operation.inserts(),
            Self::Policy(Shape::Array) | Self::Chosen | Self::PrivateChosen => operation.reads_many(),
            Self::Private => !operation.reads_many(),
            Self::Policy(Shape::Hash | Shape::Join) => operation.is_page(),
            Self::Policy(Shape::Exists) => operation != Operation::Count,
            _ => true,
        }
    }

    /// The statement. Its parameters are the target, where the operation has one, and then the user or the list.
    pub fn statement(self, operation: Operation) -> String {
        let parameter = if operation.has_target() { "$2" } else { "$1" };
        let project = if operation.inserts() {
            "$1::bigint"
        } else {
            "t.project_id"
        };
        let condition = match self {
            Self::Hand(shape) => {
                let user = format!("{parameter}::text");
                Some(
                    shape
                        .condition()
                        .replace("$user", &user)
                        .replace("$project", project),
                )
            }
            Self::List => Some(format!("t.id = any ({parameter}::bigint[])")),
            _ => None,
        };
        let with = |word: &str| {
            condition
                .as_ref()
                .map_or(String::new(), |condition| format!(" {word} {condition}"))
        };
        let columns = "t.id, t.project_id, t.title, t.status, t.created_at";
        match operation {
            Operation::Count => format!("select count(*) from ticket t{}", with("where")),
            Operation::Newest | Operation::NewestOf => {
                let number = if operation == Operation::Newest {
                    "50"
                } else {
                    "$1"
                };
                format!(
                    "select {columns} from ticket t{} order by t.created_at desc limit {number}",
                    with("where")
                )
            }
            Operation::Point => format!("select {columns} from ticket t where t.id = $1{}", with("and")),
            Operation::Update => {
                format!(
                    "update ticket t set status = 'closed' where t.id = $1{}",
                    with("and")
                )
            }
            // A `WHERE` needs a query to stand in.
            Operation::Insert if condition.is_none() => {
                format!("{INSERT} values ($1, 'new', 'open', now())")
            }
            Operation::Insert | Operation::InsertSelect => {
                format!(
                    "{INSERT} select $1::bigint, 'new', 'open', now(){}",
                    with("where")
                )
            }
        }
    }
}
