//! `rowgate authz`: types, people and the audit log on the command line.

// Helpers of tests may say what must hold by panicking.
#![allow(clippy::unwrap_used)]

mod support;

use std::path::PathBuf;

use serde_json::Value;
use support::Server;

const TYPES: &str = r#"
default_role = "member"
[[type]]
slug = "project"
parents = ["organization"]
[[permission]]
slug = "org:manage"
[[role]]
slug = "admin"
permissions = ["org:manage"]
[[role]]
slug = "member"
"#;

struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path: PathBuf = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

fn claims(server: &Server, user: &str, org: &str) -> Value {
    let minted = server.rowgate(&["token", "mint", "--user", user, "--org", org, "--json"]);
    minted.json()["claims"].clone()
}

/// The fields of the entries of an action, newest first.
fn entries(server: &Server, action: &str) -> Vec<Value> {
    let out = server
        .rowgate(&["authz", "audit", "--all", "--action", action, "--json"])
        .ok();
    out.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn people_come_from_files_of_three_kinds() {
    let (server, files) = (Server::start(), Files::new());
    let types = files.write("types.toml", TYPES);
    server.rowgate(&["authz", "apply", &types]).ok();
    let csv = files.write(
        "people.csv",
        "email,first_name,organization,organization_name,roles\n\
         ann@example.com,\"Ann, of Bern\",acme,Acme Ltd,admin;member\n\
         bob@example.com,Bob,acme,,\n",
    );
    let planned = server.rowgate(&["authz", "import", &csv, "--plan"]).ok();
    assert!(
        planned.contains("+ organization acme  called Acme Ltd"),
        "{planned}"
    );
    assert!(planned.contains("+ organization_membership ann@example.com in acme  roles admin, member"));
    assert!(
        planned.ends_with("5 changes planned; nothing was changed\n"),
        "{planned}"
    );
    assert_eq!(entries(&server, "user").len(), 0);
    let applied = server.rowgate(&["authz", "import", &csv]).ok();
    assert!(applied.ends_with("✔ 5 changes applied\n"), "{applied}");
    assert_eq!(
        server.rowgate(&["authz", "import", &csv]).ok(),
        "✔ 0 changes applied\n",
        "again, nothing is left to do"
    );
    let jsonl = files.write(
        "people.jsonl",
        "{\"email\": \"cid@example.com\", \"organization\": \"acme\", \"metadata\": {\"team\": \"x\"}}\n",
    );
    server.rowgate(&["authz", "import", &jsonl]).ok();
    let toml = files.write(
        "people.toml",
        "[[person]]\nemail = \"cid@example.com\"\norganization = \"acme\"\nroles = [\"admin\"]\n",
    );
    let applied = server.rowgate(&["authz", "import", &toml]).ok();
    assert!(
        applied.starts_with("~ organization_membership cid@example.com in acme  roles admin"),
        "{applied}"
    );
    // Those who are gone from the file stay, unless it is said what becomes of them.
    let gone = server
        .rowgate(&["authz", "import", &toml, "--gone", "deactivate", "--plan"])
        .ok();
    assert!(
        gone.contains("~ organization_membership ann@example.com in acme  not in the list: deactivated"),
        "{gone}"
    );
    let removed = server
        .rowgate(&["authz", "import", &toml, "--gone", "remove"])
        .ok();
    assert!(
        removed.contains("- organization_membership bob@example.com in acme"),
        "{removed}"
    );
    assert_eq!(entries(&server, "organization_membership.deleted").len(), 2);
    // The tokens of those who are there say their roles.
    let made = &entries(&server, "organization_membership.created")[0];
    let of = |field: &str| made[field].as_str().unwrap().to_owned();
    let claims = claims(&server, &of("user_id"), &of("organization_id"));
    assert_eq!(
        (&claims["role"], &claims["permissions"][0]),
        (&"admin".into(), &"org:manage".into())
    );
}

#[test]
fn a_file_that_is_wrong_changes_nothing_and_says_where() {
    let (server, files) = (Server::start(), Files::new());
    let csv = files.write(
        "people.csv",
        "email,organization,roles\nann@example.com,acme,\nbob,acme,\ncid@example.com,acme,nobody\n",
    );
    let run = server.rowgate(&["authz", "import", &csv]);
    assert_eq!(run.code, 2);
    assert!(
        run.err.contains("line 3: email must be a mail address"),
        "{}",
        run.err
    );
    let csv = files.write("people.csv", "email,organization,roles\nann@example.com,acme,\ncid@example.com,acme,nobody\ndan@example.com,acme,none\n");
    let run = server.rowgate(&["authz", "import", &csv]);
    assert_eq!(run.code, 2);
    for line in ["line 3: Role 'nobody'", "line 4: Role 'none'"] {
        assert_eq!(run.err.matches(line).count(), 1, "{}", run.err);
    }
    assert_eq!(
        entries(&server, "user").len(),
        0,
        "not even the entry that is right"
    );
    for (name, text, what) in [
        ("people.txt", "", "no known kind"),
        ("people.csv", "emial\n", "the column `emial`"),
        ("people.jsonl", "\n", "has no entries"),
        ("people.toml", "[[people]]\n", "people"),
    ] {
        let file = files.write(name, text);
        let run = server.rowgate(&["authz", "import", &file]);
        assert_eq!(run.code, 2, "{name}");
        assert!(run.err.contains(what), "{name}: {}", run.err);
    }
}

#[test]
fn every_error_of_a_file_of_types_has_its_line() {
    let (server, files) = (Server::start(), Files::new());
    let wrong = TYPES
        .replace("permissions = [\"org:manage\"]", "permissions = [\"org:mange\"]")
        .replace(
            "parents = [\"organization\"]",
            "parents = [\"organization\"]\n[[permission]]\nslug = \"p:r\"\nresource_type = \"projct\"",
        );
    let file = files.write("wrong.toml", &wrong);
    let line = |text: &str| wrong.lines().position(|line| line.contains(text)).unwrap() + 1;
    let run = server.rowgate(&["authz", "apply", &file]);
    assert_eq!(run.code, 2);
    for said in [
        "the type `projct` does not exist; did you mean `project`?".to_owned(),
        format!("wrong.toml:{}:1", line("projct")),
        "the permission `org:mange` does not exist; did you mean `org:manage`?".to_owned(),
        format!("wrong.toml:{}:16", line("org:mange")),
        "has 2 errors; nothing was changed".to_owned(),
    ] {
        assert!(run.err.contains(&said), "{said}: {}", run.err);
    }
    let run = server.rowgate(&["authz", "apply", &file, "--json"]);
    let error: Value = serde_json::from_str(run.err.trim()).unwrap();
    assert_eq!(
        error["error"]["found"][1]["path"], "role[0].permissions[0]",
        "{error:#}"
    );
    // What has the wrong form, and what means nothing, in one go.
    let odd = TYPES.replace("slug = \"member\"", "slugg = \"member\"\npermissions = 3");
    let run = server.rowgate(&["authz", "apply", &files.write("odd.toml", &odd)]);
    for said in [
        "did you mean `slug`?",
        "slug is required",
        "must be a list of strings",
    ] {
        assert!(run.err.contains(said), "{said}: {}", run.err);
    }
    let run = server.rowgate(&[
        "authz",
        "apply",
        &files.write("top.toml", "[[rolle]]\nslug = \"x\"\n"),
    ]);
    assert!(
        run.err.contains("did you mean `role`?") && run.err.contains("top.toml:1"),
        "{}",
        run.err
    );
    assert_eq!(entries(&server, "resource_type").len(), 0);
}

#[test]
fn the_audit_log_is_read_as_sentences_and_as_json() {
    let (server, files) = (Server::start(), Files::new());
    let types = files.write("types.toml", TYPES);
    server.rowgate(&["authz", "apply", &types]).ok();
    let people = files.write(
        "p.jsonl",
        "{\"email\": \"ann@example.com\", \"organization\": \"acme\", \"roles\": [\"admin\"]}\n",
    );
    server.rowgate(&["authz", "import", &people]).ok();
    let granted = server
        .rowgate(&["authz", "audit", "--role", "admin", "--action", "role_assignment"])
        .ok();
    assert_eq!(granted.lines().count(), 1, "{granted}");
    for part in [
        "role_assignment.created",
        "role=admin",
        "membership=om_",
        "resource=organization:acme",
    ] {
        assert!(granted.contains(part), "{part}: {granted}");
    }
    let all = server.rowgate(&["authz", "audit", "--all"]).ok();
    assert!(all.lines().count() > 6, "{all}");
    let first = server
        .rowgate(&["authz", "audit", "--limit", "1", "--order", "asc", "--json"])
        .ok();
    let first: Value = serde_json::from_str(first.trim()).unwrap();
    let rest = server
        .rowgate(&[
            "authz",
            "audit",
            "--all",
            "--order",
            "asc",
            "--after",
            first["id"].as_str().unwrap(),
        ])
        .ok();
    assert_eq!(rest.lines().count() + 1, all.lines().count());
    assert_eq!(server.rowgate(&["authz", "audit", "--actor", "nobody"]).ok(), "");
    let run = server.rowgate(&["authz", "audit", "--after", "nonsense"]);
    assert_eq!(run.code, 2);
    // An empty answer says that it is one, and why it may be.
    let run = server.rowgate(&["authz", "audit", "--org", "acme"]);
    assert_eq!((run.code, run.out.as_str()), (0, ""));
    assert!(
        run.err.contains("nothing found") && run.err.contains("--org takes an id"),
        "{}",
        run.err
    );
    let run = server.rowgate(&["authz", "audit", "--action", "role_assignmnt"]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("did you mean `role_assignment`?"), "{}", run.err);
}
