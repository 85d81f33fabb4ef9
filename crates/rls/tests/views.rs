//! A view reads with the rights of its owner, and so under the policies of its owner: generated policies are for the roles of the bindings and for
//! nobody else, whoever asks.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::{Asker, Site};
use rowgate_pgtest::versions;

const SCHEMA: &str = "version 0.3
type user
type note
    relation owner [user]
";

const BINDINGS: &str = r#"
roles = ["ROLE"]
[subject]
type = "user"
[[table]]
name = "public.note"
type = "note"
id = "id"
relations.owner = { column = "owner", type = "user" }
policies.select = "owner"
"#;

const TABLES: &str = "create table note (id bigint primary key, owner text, published boolean not null);
    insert into note values (1, 'ann', false), (2, 'bob', false), (3, 'bob', true), (4, 'ann', false)";

#[test]
fn a_view_shows_what_the_policies_of_its_owner_show_and_nothing_of_who_asks() {
    for version in versions() {
        let mut site = Site::new(version, "views", TABLES);
        site.apply(SCHEMA, BINDINGS).unwrap();
        let (role, press) = (site.role.clone(), format!("press_{}", site.database.name()));
        let ask = |site: &Site, from: &str| {
            site.ask(
                &Asker::user("ann"),
                &format!("select id::text from {from} order by id"),
            )
        };
        site.admin
            .batch_execute(&format!(
                "create role {press}; grant select on note to {press};
                 create view news as select * from note; alter view news owner to {press}; grant select on news to {role};
                 create policy hidden on note as restrictive for select to {role} using (id <> 1)"
            ))
            .unwrap();
        assert_eq!(ask(&site, "note"), ["4"], "{version}");
        assert!(
            ask(&site, "news").is_empty(),
            "{version}: no policy is for its owner"
        );
        site.admin
            .batch_execute(&format!(
                "create policy published on note for select to {press} using (published)"
            ))
            .unwrap();
        assert_eq!(ask(&site, "news"), ["3"], "{version}");
        assert_eq!(ask(&site, "note"), ["4"], "{version}");
    }
}
