//! The least that a policy takes: policies by hand that know these tables and nothing else. They are ways among the others.
//!
//! They ask Rowgate for nothing but who asks. Some read the tables of memberships themselves, which no role of an application should be able to: whoever
//! may, can ask who is a member of what. `private` ones keep them from the application's roles, as Rowgate does. What these miss, a policy that is
//! generated for any schema cannot reach either.

use super::way::Shape;

const SQL: &str = include_str!("least.sql");

/// The choice of a shape, which is the body of two functions: one that calls the other would be planned, and so asked, once in a session.
const CHOOSE: &str = include_str!("choose.sql");

/// The list of the projects of who asks, which is the body of two functions as well.
const LISTING: &str = include_str!("listing.sql");

/// The projects of who asks, whom it finds out once.
const PROJECTS: &str = "with me (id) as (select auth.user_id()) \
     select m.project_id from project_member m where m.user_id = (select id from me) \
     union all select p.id from org_member o join project p on p.org_id = o.org_id where o.user_id = (select id from me)";

/// The functions and policies.
pub fn sql() -> String {
    let array = format!("project_id = any (array({PROJECTS}))");
    let hash = format!("project_id in ({PROJECTS})");
    let exists = Shape::Exists
        .condition()
        .replace("$user", "(select auth.user_id())")
        .replace("$project", "ticket.project_id");
    SQL.replace("$choose", CHOOSE.trim_end())
        .replace("$listing", LISTING.trim_end())
        .replace("$array", &array)
        .replace("$hash", &hash)
        .replace("$exists", &exists)
}
