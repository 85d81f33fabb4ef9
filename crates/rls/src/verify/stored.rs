//! The schema and the bindings that the database itself holds.

use postgres::Transaction;
use rowgate_binding::Bindings;
use rowgate_schema::{Diagnostic, Model};

use crate::error::{Error, Problem};

/// An environment, as it is stored.
#[derive(Debug)]
pub struct Stored {
    /// Its number.
    pub(super) id: i32,
    /// Its schema, where there is one.
    pub schema: Option<Model>,
    /// Its bindings, where there are some.
    pub bindings: Option<Bindings>,
}

impl Stored {
    /// The environment of that name; without a name, the one that has bindings. `None` when the database has no Rowgate, or no such
    /// environment.
    ///
    /// # Errors
    /// `schema_unreadable`, `bindings_unreadable`, and whatever the database says, for example that the role may not read them.
    pub fn read(transaction: &mut Transaction<'_>, name: Option<&str>) -> Result<Option<Self>, Error> {
        let failed = || Error::database("reading the environment, as rowgate_owner or a superuser");
        let sql = "select count(*) = 2 from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
            where n.nspname = 'rowgate' and c.relname in ('environment', 'schema')";
        if !transaction
            .query_one(sql, &[])
            .map_err(failed())?
            .get::<_, bool>(0)
        {
            return Ok(None);
        }
        let mut scratch = transaction.savepoint("stored").map_err(failed())?;
        scratch
            .batch_execute("set local role rowgate_owner")
            .map_err(failed())?;
        let sql = "select e.id, s.document, s.bindings from rowgate.environment e left join rowgate.schema s on s.environment = e.id
            where case when $1::text is null then s.bindings is not null else e.name = $1 end";
        let row = scratch.query_opt(sql, &[&name]).map_err(failed())?;
        scratch.rollback().map_err(failed())?;
        let Some(row) = row else {
            return Ok(None);
        };
        let text = |column: usize| row.try_get::<_, Option<String>>(column).map_err(failed());
        Ok(Some(Self {
            id: row.try_get(0).map_err(failed())?,
            schema: text(1)?.map(|text| schema(&text)).transpose()?,
            bindings: text(2)?.map(|text| bindings(&text)).transpose()?,
        }))
    }
}

fn schema(text: &str) -> Result<Model, Error> {
    let unreadable = |why: String| unreadable("schema", why);
    let first = |found: &[Diagnostic]| unreadable(found.first().map(ToString::to_string).unwrap_or_default());
    let value = serde_json::from_str(text).map_err(|error| unreadable(error.to_string()))?;
    let parsed = rowgate_schema::from_json(&value);
    let schema = parsed.schema.ok_or_else(|| first(&parsed.diagnostics))?;
    let resolved = rowgate_schema::resolve(schema);
    resolved.map(|(model, _)| model).map_err(|found| first(&found))
}

fn bindings(text: &str) -> Result<Bindings, Error> {
    let value = serde_json::from_str(text).map_err(|error| unreadable("bindings", error.to_string()))?;
    Bindings::from_json(&value).map_err(|found| {
        unreadable(
            "bindings",
            found.first().map(ToString::to_string).unwrap_or_default(),
        )
    })
}

fn unreadable(what: &'static str, why: String) -> Error {
    let code = if what == "schema" {
        "schema_unreadable"
    } else {
        "bindings_unreadable"
    };
    let message = format!("the {what} that the database holds cannot be read: {why}");
    Problem::new(
        code,
        message,
        "put one into force again with `rowgate rls apply --schema`",
    )
    .into()
}
