//! The queries and what they give.

use postgres::{GenericClient, Row, Transaction};
use rowgate_binding::{Command, Qualified};

use crate::error::{Error, Problem};

use super::parts;
use super::{
    Catalog, DefaultPrivilege, Function, Grant, GrantKind, Membership, OLDEST_VERSION, Policy, PolicyCommand,
    Role, Setting, Volatility,
};

pub(super) type Result<T, E = postgres::Error> = std::result::Result<T, E>;

impl Catalog {
    /// Reads a database. The transaction's `search_path` is as before when it is done. Everything is of one moment when the transaction is
    /// REPEATABLE READ.
    ///
    /// # Errors
    /// `database_version`, and whatever the database says.
    pub fn read(transaction: &mut Transaction<'_>) -> Result<Self, Error> {
        let catalog =
            Self::read_qualified(transaction).map_err(Error::database("reading the system catalogs"))?;
        if catalog.major() < OLDEST_VERSION {
            let message = format!("the server is PostgreSQL {}", catalog.major());
            let help = format!("use PostgreSQL {OLDEST_VERSION} or newer");
            return Err(Problem::new("database_version", message, help).into());
        }
        Ok(catalog)
    }

    fn read_qualified(transaction: &mut Transaction<'_>) -> Result<Self> {
        let before: String = transaction
            .query_one("select pg_catalog.current_setting('search_path')", &[])?
            .try_get(0)?;
        set_search_path(transaction, "pg_catalog")?;
        let catalog = Self::read_all(transaction);
        if catalog.is_ok() {
            set_search_path(transaction, &before)?;
        }
        catalog
    }

    fn read_all(client: &mut impl GenericClient) -> Result<Self> {
        let server = client.query_one(include_str!("sql/server.sql"), &[])?;
        let version = server.try_get::<_, i32>("version")?.unsigned_abs();
        // Older servers lack columns that are asked for; the caller says so.
        if version / 10_000 < OLDEST_VERSION {
            return Ok(Self {
                version,
                ..Self::default()
            });
        }
        let mut catalog = Self {
            version,
            database: server.try_get("database")?,
            database_owner: server.try_get("database_owner")?,
            connected_as: server.try_get("connected_as")?,
            isolation: server.try_get("isolation")?,
            keeps_policies: server.try_get("keeps_policies")?,
            policies: all(client, include_str!("sql/policies.sql"), policy)?,
            memberships: all(client, include_str!("sql/memberships.sql"), membership)?,
            grants: all(client, include_str!("sql/grants.sql"), grant)?,
            default_privileges: all(
                client,
                include_str!("sql/default_privileges.sql"),
                default_privilege,
            )?,
            settings: all(client, include_str!("sql/settings.sql"), setting)?,
            ..Self::default()
        };
        catalog.functions = all(client, include_str!("sql/functions.sql"), function)?
            .into_iter()
            .collect();
        catalog.built_in = all(client, include_str!("sql/built_in.sql"), built_in)?
            .into_iter()
            .collect();
        let roles = all(client, include_str!("sql/roles.sql"), role)?;
        catalog.roles = roles.into_iter().map(|role| (role.name.clone(), role)).collect();
        let relations = all(client, include_str!("sql/relations.sql"), parts::relation)?;
        catalog.relations = relations
            .into_iter()
            .map(|relation| (relation.name.clone(), relation))
            .collect();
        parts::read(client, &mut catalog.relations)?;
        Ok(catalog)
    }
}

fn set_search_path(client: &mut impl GenericClient, path: &str) -> Result<()> {
    client.execute("select pg_catalog.set_config('search_path', $1, true)", &[&path])?;
    Ok(())
}

fn all<T>(client: &mut impl GenericClient, sql: &str, read: fn(&Row) -> Result<T>) -> Result<Vec<T>> {
    client.query(sql, &[])?.iter().map(read).collect()
}

pub(super) fn qualified(row: &Row, schema: &str, name: &str) -> Result<Qualified> {
    Ok(Qualified::new(
        row.try_get::<_, String>(schema)?,
        row.try_get::<_, String>(name)?,
    ))
}

fn policy(row: &Row) -> Result<Policy> {
    Ok(Policy {
        table: qualified(row, "schema", "table")?,
        name: row.try_get("name")?,
        command: match row.try_get::<_, &str>("command")? {
            "r" => PolicyCommand::One(Command::Select),
            "a" => PolicyCommand::One(Command::Insert),
            "w" => PolicyCommand::One(Command::Update),
            "d" => PolicyCommand::One(Command::Delete),
            _ => PolicyCommand::All,
        },
        permissive: row.try_get("permissive")?,
        roles: row.try_get("roles")?,
        using: row.try_get("using")?,
        check: row.try_get("check")?,
        comment: row.try_get("comment")?,
        functions: row
            .try_get::<_, Vec<i64>>("functions")?
            .into_iter()
            .map(i64::unsigned_abs)
            .collect(),
    })
}

fn volatility(letter: &str) -> Volatility {
    match letter {
        "i" => Volatility::Immutable,
        "s" => Volatility::Stable,
        _ => Volatility::Volatile,
    }
}

fn function(row: &Row) -> Result<(u64, Function)> {
    let function = Function {
        name: qualified(row, "schema", "name")?,
        arguments: row.try_get("arguments")?,
        procedure: row.try_get::<_, &str>("kind")? == "p",
        owner: row.try_get("owner")?,
        definer: row.try_get("definer")?,
        volatility: volatility(row.try_get("volatility")?),
        returns_set: row.try_get("returns_set")?,
        returns: row.try_get::<_, Option<String>>("returns")?.unwrap_or_default(),
        settings: row.try_get("settings")?,
        body: row.try_get::<_, Option<String>>("body")?.unwrap_or_default(),
        comment: row.try_get("comment")?,
        extension: row.try_get("extension")?,
        executors: row.try_get("executors")?,
    };
    Ok((row.try_get::<_, i64>("oid")?.unsigned_abs(), function))
}

fn built_in(row: &Row) -> Result<(String, Volatility)> {
    let volatility = if row.try_get("volatile")? {
        Volatility::Volatile
    } else {
        Volatility::Stable
    };
    Ok((row.try_get("name")?, volatility))
}

fn role(row: &Row) -> Result<Role> {
    Ok(Role {
        name: row.try_get("name")?,
        superuser: row.try_get("superuser")?,
        bypasses: row.try_get("bypasses")?,
        logs_in: row.try_get("logs_in")?,
        creates_roles: row.try_get("creates_roles")?,
    })
}

fn membership(row: &Row) -> Result<Membership> {
    Ok(Membership {
        member: row.try_get("member")?,
        role: row.try_get("role")?,
        grantor: row.try_get("grantor")?,
        inherits: row.try_get("inherits")?,
        sets: row.try_get("sets")?,
        grants: row.try_get("grants")?,
    })
}

fn grant(row: &Row) -> Result<Grant> {
    let column: String = row.try_get("column")?;
    let kind = match row.try_get::<_, &str>("kind")? {
        "S" => GrantKind::Sequence,
        _ if column.is_empty() => GrantKind::Relation,
        _ => GrantKind::Column,
    };
    Ok(Grant {
        kind,
        object: qualified(row, "schema", "name")?,
        column,
        grantee: row.try_get("grantee")?,
        grantor: row.try_get("grantor")?,
        privilege: row.try_get("privilege")?,
        grantable: row.try_get("grantable")?,
    })
}

fn default_privilege(row: &Row) -> Result<DefaultPrivilege> {
    Ok(DefaultPrivilege {
        creator: row.try_get("creator")?,
        schema: row.try_get("schema")?,
        kind: row.try_get("kind")?,
        grantee: row.try_get("grantee")?,
        privilege: row.try_get("privilege")?,
    })
}

fn setting(row: &Row) -> Result<Setting> {
    Ok(Setting {
        role: row.try_get("role")?,
        here: row.try_get("here")?,
        name: row.try_get("name")?,
        value: row.try_get("value")?,
    })
}
