//! Resources of the authorization API: ids within an organization, and assignments that end.
//!
//! A membership has access within its own organization alone. So a row's organization is compared with the membership's, once, and what is left
//! is a list of keys: `organization_id = MINE and project_id = any (…)`, of which both use an index.

use rowgate_binding::authz::{
    self, MAX_ENCODED, MEMBERSHIP, NAME, ORGANIZATION, ORGANIZATION_TYPE, relation,
};
use rowgate_binding::{Source, Table};

use super::SCHEMA;
use super::clause::column;
use super::key::Coding;
use super::members::Compared;
use super::quote::text;
use super::who::Who;
use super::writer::{Object, Writer};
use crate::predicate::Set;
use crate::shape::KeyType;

/// What the ids of resources begin with among the names of the API.
const RESOURCE: &str = "resource/";

impl Coding {
    /// Of the ids of a type whose key has so many columns.
    pub(crate) fn of(resource_type: &str, columns: usize) -> Self {
        match authz::type_slug(resource_type) {
            Some(slug) if slug != ORGANIZATION && columns == 2 => Self::Within(resource_type.to_owned()),
            _ => Self::Plain,
        }
    }

    /// Of columns that hold the id of another resource.
    pub(crate) fn of_columns(resource_type: &str, columns: usize) -> Self {
        if resource_type == NAME {
            Self::Named
        } else {
            Self::of(resource_type, columns)
        }
    }
}

/// The id that an organization and an external id make up.
pub(super) fn id(resource_type: &str, organization: &str, (key, ty): (&str, KeyType)) -> String {
    match ty {
        KeyType::Text => format!(
            "{SCHEMA}.id_within({}, {organization}::text, {key}::text)",
            text(resource_type)
        ),
        _ => format!("{organization}::text || '/' || {key}::text"),
    }
}

/// The organization and the key of an id; null where it is none.
pub(super) fn keys(resource_type: &str, id: &str, types: &[KeyType]) -> Vec<String> {
    let part = format!("substr({id}, strpos({id}, '/') + 1)");
    let external = match types.get(1) {
        Some(KeyType::Integer) => format!("rowgate.key_integer({part})"),
        Some(KeyType::Uuid) => format!("rowgate.key_uuid({part})"),
        // Most external ids stand for themselves.
        _ => format!(
            "case when {id} ~ '^[^/%]+/[^/%]+$' then {part} else {SCHEMA}.external_id({}, {id}) end",
            text(resource_type)
        ),
    };
    vec![format!("nullif(split_part({id}, '/', 1), {id})"), external]
}

/// The id among the names of the API that stands for the id of a resource.
pub(super) fn named(key: &str) -> String {
    format!("{} || {key}::text", text(RESOURCE))
}

impl Writer<'_> {
    /// The organization of the membership that asks; null for everybody else.
    pub(super) fn organization(&self) -> String {
        if self.builder.rules.subject_type != MEMBERSHIP {
            return "null::text".to_owned();
        }
        match self.who {
            Who::Session(_) | Who::Body => format!("(select {SCHEMA}.organization())"),
            Who::Parameters => organization_of(self.environment, "$1::text"),
        }
    }

    /// The test that a row of a guarded table is of the membership's organization, where the columns that name what it is under do not say so: those
    /// that hold the id that the API gave, or the key of another row.
    pub(crate) fn in_own_organization(&self, table: &Table, alias: &str) -> Option<String> {
        if self.builder.rules.subject_type != MEMBERSHIP {
            return None;
        }
        let own = table.organization.as_ref()?;
        let mut sources = table.relations.values().flatten();
        let is_said = |source: &Source| {
            matches!(
                Coding::of_columns(&source.resource_type, source.columns.len()),
                Coding::Within(_)
            )
        };
        (!sources.all(is_said)).then(|| format!("{} = {}", column(alias, own), self.organization()))
    }

    /// A test that the text column that tells resources of a type apart is an external id: one that is empty or very long is none.
    pub(super) fn fits(&self, table: &Table, alias: &str) -> Option<String> {
        let Coding::Within(_) = Coding::of(&table.resource_type, table.id.len()) else {
            return None;
        };
        let keys = self.key_columns(&table.name, &table.id, alias);
        let (key, ty) = keys.get(1)?;
        (*ty == KeyType::Text).then(|| {
            let plain = format!("regexp_replace({key}, '[^{PLAIN}]', '', 'g')");
            format!("3 * octet_length({key}) - 2 * octet_length({plain}) between 1 and {MAX_ENCODED}")
        })
    }
}

/// The organization of a membership, as a scalar query.
pub(crate) fn organization_of(environment: i32, membership: &str) -> String {
    format!(
        "(select min(w.subject_id) from rowgate.warrant w where w.environment = {environment} and w.resource_type = {} \
         and w.resource_id = {membership} and w.relation = {} and w.subject_type = {} and w.subject_relation = '' having count(*) = 1)",
        text(MEMBERSHIP),
        text(relation::ORGANIZATION),
        text(ORGANIZATION_TYPE),
    )
}

/// The active membership that the claims of the session name: of the user `sub` in the organization `org_id`, or by its id in a claim. In the
/// latter case `org_id` must be its organization where there is one.
pub(crate) fn membership_of_claims(environment: i32, claim: Option<&str>) -> String {
    let user = format!(
        "select u.resource_id as id, c.claims from c join rowgate.warrant u on u.environment = {environment} and u.resource_type = {} \
         and u.relation = {} and u.subject_type = {} and u.subject_id = c.claims ->> 'sub' and u.subject_relation = ''",
        text(MEMBERSHIP),
        text(relation::USER),
        text(authz::USER),
    );
    let (found, wanted) = match claim {
        None => (user, "o.subject_id = m.claims ->> 'org_id'"),
        Some(claim) => (
            format!("select c.claims ->> {} as id, c.claims from c", text(claim)),
            "o.subject_id = coalesce(m.claims ->> 'org_id', o.subject_id)",
        ),
    };
    format!(
        "(with c as materialized (select auth.session() as claims), m as ({found}) \
         select min(m.id) from m \
         join rowgate.resource r on r.environment = {environment} and r.type = {membership} and r.id = m.id \
         join rowgate.warrant o on o.environment = {environment} and o.resource_type = {membership} and o.resource_id = m.id \
         and o.relation = {} and o.subject_type = {} and o.subject_relation = '' \
         where {wanted} and (r.meta::jsonb -> 'status' is null or r.meta::jsonb ->> 'status' = 'active') having count(*) = 1)",
        text(relation::ORGANIZATION),
        text(ORGANIZATION_TYPE),
        membership = text(MEMBERSHIP),
    )
}

/// A test of the text of a policy: it says until when an assignment counts, nothing else, and that moment has not come.
pub(super) fn in_force(policy: &str) -> String {
    format!("{SCHEMA}.in_force({policy})")
}

/// What needs no encoding in an id, as in a bracket of a regular expression.
const PLAIN: &str = "A-Za-z0-9_.@|:+=-";

/// A date and time that exists, in UTC.
const MOMENT: &str = "([0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|[0-9]{4}-(0[13-9]|1[0-2])-(29|30)|[0-9]{4}-(0[13578]|1[02])-31\
|([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?Z";

/// A regular expression for policies that say until when an assignment counts, and nothing else.
pub(crate) fn until() -> String {
    format!("^now\\(\\) < date\\(\"{MOMENT}\"\\)$")
}

/// Bytes in hexadecimal that are UTF-8 and no NUL.
const UTF8: &str = "^((?!00)[0-7][0-9a-f]|(c[2-9a-f]|d[0-9a-f])[89ab][0-9a-f]|e0[ab][0-9a-f][89ab][0-9a-f]|e[1-9abcef]([89ab][0-9a-f]){2}\
|ed[89][0-9a-f][89ab][0-9a-f]|f0[9ab][0-9a-f]([89ab][0-9a-f]){2}|f[123]([89ab][0-9a-f]){3}|f48[0-9a-f]([89ab][0-9a-f]){2})*$";

/// A function that runs with the rights of the caller, whoever may execute it: name, arguments, result, body.
pub(crate) type Helper = (&'static str, &'static str, &'static str, String);

/// The functions about ids within organizations. They raise nothing, whatever the text. What is stored under a hash, because it is too
/// long for an id, is looked up.
pub(crate) fn functions(environment: i32) -> Vec<Helper> {
    let encoded = format!(
        "case when external collate \"C\" ~ '^[{PLAIN}]*$' then external else (\n        \
         select string_agg(case when b.c < 128 and chr(b.c) collate \"C\" ~ '^[{PLAIN}]$' then chr(b.c) else '%' || lpad(upper(to_hex(b.c)), 2, '0') end, '' order by b.i)\n        \
         from (select i, get_byte(convert_to(external, 'UTF8'), i) c from generate_series(0, octet_length(convert_to(external, 'UTF8')) - 1) i) b) end"
    );
    let id = format!(
        "case when length({SCHEMA}.key_encoded(external)) <= {MAX_ENCODED} then organization || '/' || {SCHEMA}.key_encoded(external) else (\n        \
         select min(r.id) from rowgate.resource r where r.environment = {environment} and r.type = resource_type\n            \
         and r.id >= organization || '/%~' and r.id < organization || '/%' || chr(127) and r.meta::json ->> 'external_id' = external) end"
    );
    let decoded = format!(
        "(select case when h.hex ~ {} and getdatabaseencoding() = 'UTF8' then convert_from(decode(h.hex, 'hex'), 'UTF8') end\n        \
         from (select string_agg(case when length(p.part) = 1 then encode(convert_to(p.part, 'UTF8'), 'hex') else lower(substr(p.part, 2)) end, '' order by p.at) hex\n            \
         from (select m.found[1] part, m.at from regexp_matches(encoded, '%[0-9A-F]{{2}}|.', 'g') with ordinality m (found, at)) p) h)",
        text(UTF8)
    );
    let external = format!(
        "case when id ~ '^[^/%]+/%~' then (\n        \
         select r.meta::json ->> 'external_id' from rowgate.resource r where r.environment = {environment} and r.type = resource_type and r.id = external_id.id)\n    \
         when {SCHEMA}.key_encoded({SCHEMA}.key_decoded(substr(id, strpos(id, '/') + 1))) = substr(id, strpos(id, '/') + 1)\n    \
         then {SCHEMA}.key_decoded(substr(id, strpos(id, '/') + 1)) end"
    );
    // As texts, for a cast could raise. Both are in UTC and in the order of time as they stand.
    let in_force = format!(
        "policy ~ {} and to_char(statement_timestamp() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US') collate \"C\" < substr(policy, 15, length(policy) - 17)",
        text(&until())
    );
    vec![
        ("key_encoded", "external text", "text", encoded),
        ("key_decoded", "encoded text", "text", decoded),
        (
            "id_within",
            "resource_type text, organization text, external text",
            "text",
            id,
        ),
        ("external_id", "resource_type text, id text", "text", external),
        ("in_force", "policy text", "boolean", in_force),
    ]
}

/// The members of a set as keys of an organization's resources, and the test that they are this organization's.
pub(super) fn members_of(
    resource_type: &str,
    types: &[KeyType],
    wanted: KeyType,
    organization: &str,
) -> (String, String) {
    match types {
        [_] => {
            let keys = keys(resource_type, "s.k1", &[KeyType::Text, wanted]);
            let [mine, key] = keys.as_slice() else {
                return ("null".to_owned(), "false".to_owned());
            };
            (key.clone(), format!("{mine} = {organization}"))
        }
        // Of a bound type: columns that refer to a key have its types.
        _ => ("s.k2".to_owned(), format!("s.k1 = {organization}")),
    }
}

/// The members of a set of names as the ids of resources, and the test that they are such names.
pub(super) fn resource_ids() -> (String, String) {
    (
        format!("substr(s.k1, {})", RESOURCE.len() + 1),
        format!("starts_with(s.k1, {})", text(RESOURCE)),
    )
}

/// Columns that name a resource of the authorization API.
pub(super) enum Columns {
    /// Its organization, and its external id with the type of its column.
    Within(String, String, KeyType),
    /// The id that the API gave it.
    Named(String),
}

impl Writer<'_> {
    /// The columns of an object that names a resource of the authorization API.
    pub(super) fn of_organization(&self, object: &Object<'_>) -> Option<Columns> {
        let resource_type = object.resource_type();
        let keys = match object {
            Object::Row { alias, table } => self.key_columns(&table.name, &table.id, alias),
            Object::Keys { keys, .. } => keys.clone(),
            Object::Id { .. } => return None,
        };
        match (Coding::of_columns(resource_type, keys.len()), keys.as_slice()) {
            (Coding::Within(_), [(organization, _), (key, ty)]) => {
                Some(Columns::Within(organization.clone(), key.clone(), *ty))
            }
            (Coding::Named, [(key, _)]) => Some(Columns::Named(key.clone())),
            _ => None,
        }
    }

    /// The comparison of a resource with the members of a set of its type.
    pub(super) fn within(&self, set: &Set, columns: Columns) -> Compared {
        match columns {
            Columns::Within(own, key, ty) => {
                let organization = self.organization();
                let types = self.types_of(set.resource_type());
                let (member, test) = members_of(set.resource_type(), &types, ty, &organization);
                Compared {
                    left: vec![key],
                    wanted: vec![ty],
                    members: vec![member],
                    which: Some(test),
                    beside: Some(format!("{own} = {organization}")),
                }
            }
            Columns::Named(key) => {
                let (member, test) = resource_ids();
                Compared {
                    left: vec![key],
                    wanted: vec![KeyType::Text],
                    members: vec![member],
                    which: Some(test),
                    beside: None,
                }
            }
        }
    }
}
