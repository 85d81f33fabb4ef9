//! The server's statement for lists, which it runs as `rowgate_server`.

use rowgate_binding::Table;

use super::Compiler;
use crate::error::Refusal;
use crate::predicate::{Builder, Predicate};
use crate::shape::KeyType;
use crate::sql::clause::{indent, join};
use crate::sql::key::{self, Coding};
use crate::sql::quote::qualified;
use crate::sql::who::Who;
use crate::sql::writer::{Comparison, MANY, Sets, Writer};

/// The order of the rows of a query: by key, integers by value, everything else by bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Order {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

/// Where a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Begin {
    /// After the row of an id.
    After,
    /// With it, if it is in the list.
    At,
}

/// One page of the ids of a bound type for which a relation holds.
///
/// Parameters: `$1` text, the subject's id; `$2` jsonb, the context, or null; `$3` jsonb, the claims, or null; `$4` text, the id after which (or
/// with which) the page begins, or null for the first; `$5` bigint, how many; `$6` bigint, the time that policies see, in microseconds since
/// 1970. One column: the id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryStatement {
    /// The statement.
    pub sql: String,
}

impl Compiler {
    /// The query for the resources of a bound type on which subjects of a type have a relation.
    pub fn query(
        &self,
        resource_type: &str,
        relation: &str,
        subject_type: &str,
        order: Order,
    ) -> Result<QueryStatement, Refusal> {
        self.query_from(resource_type, relation, subject_type, order, Begin::After)
    }

    /// The same, beginning elsewhere.
    pub fn query_from(
        &self,
        resource_type: &str,
        relation: &str,
        subject_type: &str,
        order: Order,
        begin: Begin,
    ) -> Result<QueryStatement, Refusal> {
        let table = self.bound(resource_type, relation)?;
        let rules = self.rules(subject_type);
        let builder = Builder::new(&rules, resource_type, relation);
        let who = Who::Parameters;
        let mut writer = Writer::new(
            &builder,
            &self.shapes,
            self.environment,
            &who,
            Sets::With(Vec::new()),
        );
        let predicate = builder.row().map_err(|refusal| self.placed(refusal))?;
        let page = Page::of(&writer, table, order, begin);
        let few = self.tests(&mut writer, &predicate, table)?;
        // The sets are in the `with` list now: what is compared is counted from here on.
        writer.compared.clear();
        writer.comparison = Comparison::HashTable;
        let many = self.tests(&mut writer, &predicate, table)?;
        let compared = std::mem::take(&mut writer.compared);
        if compared.is_empty() {
            return Ok(QueryStatement {
                sql: writer.statement(&format!("select {}\n{}", page.id, page.rows(&few))),
            });
        }
        let is_large = |name: &String| format!("exists (select from {name} offset {})", MANY - 1);
        let any_large: Vec<String> = compared.iter().map(is_large).collect();
        if let Sets::With(list) = &mut writer.sets {
            list.push((
                "many (yes)".to_owned(),
                format!("select {}", any_large.join(" or ")),
            ));
        }
        Ok(QueryStatement {
            sql: writer.statement(&page.either(few, many)),
        })
    }

    /// What the rows of a list meet.
    fn tests(
        &self,
        writer: &mut Writer<'_>,
        predicate: &Predicate,
        table: &Table,
    ) -> Result<Vec<String>, Refusal> {
        let mut tests = writer.ids("t", table);
        let holds = writer.row(predicate, "t", table);
        tests.push(holds.map_err(|refusal| self.placed(refusal))?);
        Ok(tests)
    }
}

/// What a page of a list is, apart from what its rows meet.
struct Page {
    from: String,
    /// The id of row `t`.
    id: String,
    /// What rows are ordered by.
    ordered: Vec<String>,
    /// That a row comes after the one that the page begins after.
    follows: String,
    direction: &'static str,
}

impl Page {
    fn of(writer: &Writer<'_>, table: &Table, order: Order, begin: Begin) -> Self {
        let keys = writer.key_columns(&table.name, &table.id, "t");
        let types: Vec<KeyType> = keys.iter().map(|(_, ty)| *ty).collect();
        let coding = Coding::of(&table.resource_type, types.len());
        let by_bytes = |key: &str, ty: KeyType| match ty {
            KeyType::Text => format!("({key})::text collate \"C\""),
            KeyType::Integer | KeyType::Uuid => key.to_owned(),
        };
        let ordered: Vec<String> = keys.iter().map(|(key, ty)| by_bytes(key, *ty)).collect();
        let after = key::keys("$4::text", &types, &coding);
        let after: Vec<String> = after
            .iter()
            .zip(&types)
            .map(|(key, ty)| by_bytes(key, *ty))
            .collect();
        let (sign, direction) = match order {
            Order::Ascending => (">", ""),
            Order::Descending => ("<", " desc"),
        };
        let or_equal = if begin == Begin::At { "=" } else { "" };
        Self {
            from: qualified(&table.name),
            id: key::id(&keys, &coding),
            follows: format!(
                "($4::text is null or ({}) {sign}{or_equal} ({}))",
                ordered.join(", "),
                after.join(", ")
            ),
            ordered,
            direction,
        }
    }

    /// The id, and what rows are ordered by as `k1` and so on.
    fn columns(&self) -> String {
        let ordered = self.ordered.iter().enumerate();
        let named = ordered.map(|(at, key)| format!(", {key} as k{}", at + 1));
        format!("{} as id{}", self.id, named.collect::<String>())
    }

    /// The rows that meet the tests, in order, as many as are wanted.
    fn rows(&self, tests: &[String]) -> String {
        // Parameters keep their types although a predicate need not read them.
        let typed = "($1::text, $2::jsonb, $3::jsonb, $6::bigint) is distinct from null";
        let tests = [&[typed.to_owned()], tests, std::slice::from_ref(&self.follows)].concat();
        format!(
            "from {} t\nwhere {}\norder by {}\nlimit $5::bigint",
            self.from,
            join(&tests, "and"),
            self.directed(&self.ordered)
        )
    }

    /// The page by one of two ways. Only one of the two queries reads anything; that its order is kept is said once more, for a union has none.
    fn either(&self, few: Vec<String>, many: Vec<String>) -> String {
        let columns = self.columns();
        let query = |test: &str, tests: Vec<String>| {
            let tests = [vec![test.to_owned()], tests].concat();
            indent(&indent(&format!("select {columns}\n{}", self.rows(&tests))))
        };
        let ordered: Vec<String> = (1..=self.ordered.len()).map(|at| format!("k{at}")).collect();
        format!(
            "select p.id\nfrom (\n    (\n{}\n    )\n    union all\n    (\n{}\n    )\n) p\norder by {}",
            query("not (select yes from many)", few),
            query("(select yes from many)", many),
            self.directed(&ordered)
        )
    }

    fn directed(&self, keys: &[String]) -> String {
        let keys: Vec<String> = keys
            .iter()
            .map(|key| format!("{key}{}", self.direction))
            .collect();
        keys.join(", ")
    }
}
