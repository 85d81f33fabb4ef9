//! The owner of a table is held to its policies, too: what that means for migrations, and for functions that delete by an update.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{Asker, Site, model, sign_in};
use postgres::Client;
use postgres::error::SqlState;
use rowgate_binding::Bindings;
use rowgate_pgtest::{Version, versions};
use rowgate_rls::verify::{Question, Severity};
use rowgate_rls::{Applied, Request};

const SCHEMA: &str = "version 0.3
type user
type document
    relation editor [user]
    relation viewer [user]
    inherit viewer if
        relation editor
";

const BINDINGS: &str = r#"
roles = ["ROLE"]
[subject]
type = "user"
[[table]]
name = "public.document"
type = "document"
id = "id"
where = "deleted_at is null"
relations.editor = { column = "author", type = "user" }
policies.select = "viewer"
policies.update = "editor"
"#;

const TABLES: &str = "
create table document (id bigint primary key, author text, title text, deleted_at timestamptz);
create index on document (author);
insert into document values (1, 'ann', 'one'), (2, 'ben', 'two');
";

/// A site whose table belongs to a role of its own, which applies the bindings.
struct Owned {
    site: Site,
    owner: String,
    bindings: Bindings,
}

impl Owned {
    fn new(version: Version) -> Self {
        let mut site = Site::new(version, "owners", TABLES);
        let owner = format!("owner_{}", site.database.name());
        site.admin
            .batch_execute(&format!(
                "create role {owner} login; grant create on schema public to {owner}; alter table document owner to {owner};
                 grant rowgate_owner, rowgate_reader, rowgate_app to {owner};
                 grant create on database {} to {owner}",
                site.database.name()
            ))
            .unwrap();
        let bindings = Bindings::parse_toml(&BINDINGS.replace("ROLE", &site.role)).unwrap();
        Self {
            site,
            owner,
            bindings,
        }
    }

    fn as_owner(&self) -> Client {
        self.site.database.client_as(&self.owner)
    }

    /// Applies the bindings as the owner, and does what is left to an administrator.
    fn apply(&mut self) -> Result<Applied, rowgate_rls::Error> {
        let model = model(SCHEMA);
        let request = Request {
            bindings: &self.bindings,
            schema: Some(&model),
            keep_existing: false,
        };
        let applied = rowgate_rls::apply(&mut self.as_owner(), &request)?;
        for statement in &applied.left_to_do {
            self.site.admin.batch_execute(statement).unwrap();
        }
        Ok(applied)
    }

    /// What is serious of what `verify` finds, but for logins of other tests.
    fn serious(&self) -> Vec<&'static str> {
        let question = Question {
            bindings: Some(&self.bindings),
            schema: None,
        };
        let report = rowgate_rls::verify::run(&mut self.as_owner(), question).unwrap();
        let serious = report
            .findings
            .iter()
            .filter(|found| found.severity < Severity::Note && found.code != "login_unbound");
        serious.map(|found| found.code).collect()
    }
}

#[test]
fn what_an_owner_writes_changes_nothing_unless_it_says_so() {
    for version in versions() {
        let mut owned = Owned::new(version);
        let applied = owned.apply().unwrap();
        assert_eq!(applied.plan.owners, [owned.owner.clone()], "apply says so");
        assert!(
            owned.apply().unwrap().plan.owners.is_empty(),
            "once: it is nothing new then"
        );
        let mut owner = owned.as_owner();
        let changed = |owner: &mut Client| owner.execute("update document set title = title || '!'", &[]);
        assert_eq!(changed(&mut owner).unwrap(), 0);
        // What docs/rls.md says to do in a migration.
        let mut migration = owner.transaction().unwrap();
        migration
            .batch_execute("alter table document no force row level security")
            .unwrap();
        let sql = "update document set title = title || '!'";
        assert_eq!(migration.execute(sql, &[]).unwrap(), 2);
        migration
            .batch_execute("alter table document force row level security")
            .unwrap();
        migration.commit().unwrap();
        assert_eq!(changed(&mut owner).unwrap(), 0);
        assert!(owned.apply().unwrap().plan.steps.is_empty());
        assert_eq!(owned.serious(), [""; 0]);
    }
}

/// The policy and the function of docs/rls.md, for a database whose roles have other names.
fn deletes(owner: &str, app: &str) -> String {
    let text = include_str!("../../../docs/rls.md");
    let (_, rest) = text.split_once("create policy deletes").unwrap();
    let (sql, _) = rest.split_once("```").unwrap();
    format!("create policy deletes{sql}")
        .replace("shop_owner", owner)
        .replace("shop_app", app)
}

#[test]
fn a_row_is_deleted_by_an_update_in_a_function_of_the_owner() {
    for version in versions() {
        let mut owned = Owned::new(version);
        owned.apply().unwrap();
        let sql = deletes(&owned.owner, &owned.site.role);
        owned.as_owner().batch_execute(&sql).unwrap();
        assert!(
            owned.apply().unwrap().plan.steps.is_empty(),
            "a policy for a role that is not guarded is not in the way"
        );
        assert_eq!(owned.serious(), [""; 0]);
        let mut app = owned.site.database.client_as(&owned.site.role);
        let mut as_ann = |sql: &str| {
            let mut transaction = app.transaction().unwrap();
            sign_in(&mut transaction, &Asker::user("ann")).unwrap();
            let done = transaction.execute(sql, &[]);
            if done.is_ok() {
                transaction.commit().unwrap();
            }
            done
        };
        let plain = as_ann("update document set deleted_at = now() where id = 1").unwrap_err();
        assert_eq!(plain.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE));
        let of_another = as_ann("select delete_document(2)").unwrap_err();
        assert_eq!(of_another.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE));
        as_ann("select delete_document(1)").unwrap();
        let again = as_ann("select delete_document(1)").unwrap_err();
        assert_eq!(
            again.code(),
            Some(&SqlState::INSUFFICIENT_PRIVILEGE),
            "a row that does not count holds nothing"
        );
        let left = owned
            .as_owner()
            .query("select id from document where deleted_at is null", &[])
            .unwrap();
        assert_eq!(left.iter().map(|row| row.get(0)).collect::<Vec<i64>>(), [2]);
    }
}

#[test]
fn a_policy_for_a_role_that_a_guarded_one_can_act_as_is_in_the_way() {
    for version in versions() {
        let mut owned = Owned::new(version);
        let group = format!("group_{}", owned.site.database.name());
        let role = owned.site.role.clone();
        owned
            .site
            .admin
            .batch_execute(&format!(
                "create role {group}; create policy more on document for select to {group} using (true)"
            ))
            .unwrap();
        owned.apply().unwrap();
        owned
            .site
            .admin
            .batch_execute(&format!("grant {group} to {role}"))
            .unwrap();
        let error = owned.apply().unwrap_err();
        assert_eq!(error.code(), "existing_policies");
        assert!(error.to_string().contains("more"), "{error}");
    }
}
