//! A world of [`crate::generate`] in a database, and who asks in it.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;

use postgres::GenericClient;
use rowgate_binding::Bindings;
use rowgate_rls::{Request, apply};
use rowgate_testkit::sample::Numbers;
use serde_json::{Map, Value as Json, json};

use crate::common::{Asker, Site};
use crate::generate::{self, Edge, Key, PARAMS, Row, Sample, Type, key_columns};

/// Replaces what the database holds.
pub fn fill(site: &mut Site, sample: &Sample) {
    let admin = &mut site.admin;
    admin
        .batch_execute("set statement_timeout = '20s'; set jit = off")
        .unwrap();
    admin
        .batch_execute(
            "do $$ declare t text; begin for t in select tablename from pg_tables where schemaname = 'public' loop
                 execute format('drop table %I cascade', t); end loop; end $$;
             drop schema if exists rowgate_rls cascade; delete from rowgate.warrant; delete from rowgate.resource;",
        )
        .unwrap();
    admin.batch_execute(&sample.tables()).unwrap();
    admin
        .batch_execute(&format!(
            "grant select, insert, update, delete on all tables in schema public to {}",
            site.role
        ))
        .unwrap();
    for edge in &sample.warrants {
        let sql = "insert into rowgate.warrant (environment, resource_type, resource_id, relation, subject_type, subject_id, subject_relation, policy, created_at)
                   values (1, $1, $2, $3, $4, $5, $6, '', 0)";
        let parts = [
            &edge.resource_type,
            &edge.resource_id,
            &edge.relation,
            &edge.subject_type,
            &edge.subject_id,
            &edge.subject_relation,
        ];
        admin
            .execute(
                sql,
                &[&parts[0], &parts[1], &parts[2], &parts[3], &parts[4], &parts[5]],
            )
            .unwrap();
    }
}
/// Has foreign keys lead from columns to the rows of bound types. Edges to rows that are not there go away; the sample is what is left.
pub fn refer(site: &mut Site, sample: &Sample) -> Sample {
    for ty in sample.types.iter().filter(|ty| ty.key.is_some()) {
        let sources = ty.relations.iter().flat_map(|relation| &relation.sources);
        for source in sources.filter(|source| !source.joins) {
            let (table, column, far) = (&ty.name, &source.name, &source.far);
            let key = sample.ty(far).and_then(|far| far.key);
            if key.is_none_or(|key| key == Key::Composite) {
                continue;
            }
            site.admin
                .batch_execute(&format!(
                    "update {table} t set {column} = null where not exists (select from {far} f where f.id = t.{column});
                     alter table {table} add foreign key ({column}) references {far}"
                ))
                .unwrap();
        }
    }
    // Deletions are compared, too, and rolled back.
    for ty in sample.types.iter().filter(|ty| ty.key.is_some()) {
        site.admin
            .batch_execute(&format!("alter table {} disable trigger all", ty.name))
            .unwrap();
    }
    read_back(&mut site.admin, sample)
}

/// Who asks: a subject with claims and a context.
pub fn asker(subject: &str, seed: u64) -> Asker {
    let mut context = Map::new();
    for (at, (name, _, _)) in PARAMS.iter().enumerate() {
        let values = match *name {
            "n" => [json!(2), json!(5), json!("5"), json!(2.5)],
            "s" => [json!("x"), json!("it's"), json!(7), Json::Null],
            "b" => [json!(true), json!(false), json!("true"), json!(true)],
            "f" => [json!(1.25), json!(2), json!([]), json!(1e300)],
            _ => [json!(["x", "y"]), json!([]), json!(["Y", 3]), json!([1])],
        };
        let choice = (seed >> at) % 6;
        if let Some(value) = values.get(usize::try_from(choice).unwrap()) {
            context.insert((*name).to_owned(), value.clone());
        }
    }
    let mut claims = json!({"sub": subject});
    match seed % 4 {
        0 => claims["role"] = json!("boss"),
        1 => claims["level"] = json!(2),
        2 => claims["role"] = json!(7),
        _ => claims["level"] = Json::Null,
    }
    Asker {
        claims: Some(claims),
        context: Some(Json::Object(context)),
    }
}

/// Fills a database with a sample and guards it. `false` when it does not compile.
pub fn put_in_force(site: &mut Site, sample: &Sample) -> bool {
    let Ok((model, _)) = rowgate_schema::compile(&sample.schema()) else {
        return false;
    };
    let bindings = Bindings::parse_toml(&sample.bindings().replace("ROLE", &site.role)).unwrap();
    if bindings.resolve(&model).is_err() {
        return false;
    }
    fill(site, sample);
    let request = Request {
        bindings: &bindings,
        schema: Some(&model),
        keep_existing: false,
    };
    match apply(&mut site.admin, &request) {
        Ok(_) => true,
        Err(rowgate_rls::Error::Refused(_)) => false,
        Err(error) => panic!("{error}\n{}", sample.schema()),
    }
}

/// The rows and the warrants as they are now, or as the snapshot of a transaction has them.
pub fn read_back(client: &mut impl GenericClient, sample: &Sample) -> Sample {
    let mut rows = Vec::new();
    for ty in sample.types.iter().filter(|ty| ty.key.is_some()) {
        rows.extend(rows_of(client, sample, ty));
    }
    let sql = "select resource_type, resource_id, relation, subject_type, subject_id, subject_relation
               from rowgate.warrant where environment = 1";
    let warrants = client.query(sql, &[]).unwrap();
    let warrants = warrants.iter().map(|line| Edge {
        resource_type: line.get(0),
        resource_id: line.get(1),
        relation: line.get(2),
        subject_type: line.get(3),
        subject_id: line.get(4),
        subject_relation: line.get(5),
    });
    let mut warrants: Vec<Edge> = warrants.collect();
    warrants.sort();
    Sample {
        types: sample.types.clone(),
        policies: sample.policies.clone(),
        rows,
        warrants,
    }
}

fn rows_of(client: &mut impl GenericClient, sample: &Sample, ty: &Type) -> Vec<Row> {
    let sources = || ty.relations.iter().flat_map(|relation| &relation.sources);
    let far = |name: &str| sample.ty(name).and_then(|far| far.key);
    let edges: Vec<String> = sources()
        .filter(|source| !source.joins)
        .map(|source| {
            format!(
                "jsonb_build_array('{}', {})",
                source.name,
                id_of(&source.name, far(&source.far))
            )
        })
        .collect();
    let attributes: Vec<String> = PARAMS
        .iter()
        .map(|(name, _, _)| format!("'{name}', {name}"))
        .collect();
    let sql = format!(
        "select {}, coalesce(gone, false), jsonb_build_object({}), jsonb_build_array({}) from {}",
        id_of("id", ty.key),
        attributes.join(", "),
        edges.join(", "),
        ty.name
    );
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    for line in client.query(&sql, &[]).unwrap() {
        let (id, values, edges): (String, Json, Json) = (line.get(0), line.get(2), line.get(3));
        let attributes = PARAMS.iter().map(|(name, _, _)| (*name, values[*name].clone()));
        let edges = edges
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|edge| Some((edge[0].as_str()?.to_owned(), edge[1].as_str()?.to_owned())));
        let row = Row {
            resource_type: ty.name.clone(),
            gone: line.get(1),
            attributes: attributes.collect(),
            edges: edges.collect(),
            id: id.clone(),
        };
        rows.insert(id, row);
    }
    for source in sources().filter(|source| source.joins) {
        let sql = format!(
            "select {}, {} from {}",
            id_of("key", ty.key),
            id_of("far", far(&source.far)),
            source.name
        );
        for line in client.query(&sql, &[]).unwrap() {
            let (id, far): (Option<String>, Option<String>) = (line.get(0), line.get(1));
            if let (Some(row), Some(far)) = (id.and_then(|id| rows.get_mut(&id)), far) {
                row.edges.push((source.name.clone(), far));
            }
        }
    }
    rows.into_values().collect()
}

/// The SQL expression of an id in columns of a prefix.
fn id_of(prefix: &str, key: Option<Key>) -> String {
    match (key, &key_columns(prefix, key)[..]) {
        (Some(Key::Composite), [first, second]) => {
            format!("replace(replace({first}, '~', '~0'), '/', '~1') || '/' || {second}")
        }
        _ => format!("{prefix}::text"),
    }
}

/// Changes that one transaction may make to rows: one row is replaced, or deleted with its edges.
pub fn row_changes(sample: &Sample, numbers: &mut Numbers) -> Vec<String> {
    let (rows, _) = generate::facts(&sample.types, numbers.next_u64());
    if rows.is_empty() {
        return Vec::new();
    }
    let row = &rows[numbers.below(u32::try_from(rows.len()).unwrap()) as usize];
    let mut out = sample.forget_joined(row);
    if numbers.chance(30) {
        out.push(sample.delete(row));
    } else {
        out.extend(sample.put(row));
    }
    out
}

/// Warrants that one transaction may create (`true`) or delete.
pub fn warrant_changes(sample: &Sample, numbers: &mut Numbers) -> Vec<(bool, Edge)> {
    let (_, warrants) = generate::facts(&sample.types, numbers.next_u64());
    if warrants.is_empty() {
        return Vec::new();
    }
    let count = 1 + numbers.below(3);
    (0..count)
        .map(|_| {
            let at = numbers.below(u32::try_from(warrants.len()).unwrap());
            (numbers.chance(55), warrants[at as usize].clone())
        })
        .collect()
}
