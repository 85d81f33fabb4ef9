//! Signing keys in the database: replaced only by who saw what was there, and read by nobody but servers.
#![allow(clippy::unwrap_used, reason = "tests may say what must hold by panicking")]

mod common;

use common::*;
use postgres::error::SqlState;
use rowgate_pgtest::{Cluster, versions};
use rowgate_store::postgres::install::{ClientRole, Grants, install};
use rowgate_store::postgres::{Postgres, PostgresOptions};

#[test]
fn the_first_who_saw_what_is_there_replaces_it() {
    for version in versions() {
        let database = Cluster::shared(version).database("signing");
        install(database.url(), &Grants::default()).unwrap();
        let open = || Postgres::connect(database.url(), PostgresOptions::default()).unwrap();
        let (one, two) = (open(), open());
        let before = one.signing_keys_fingerprint().unwrap();
        assert_eq!(one.signing_keys("default").unwrap(), None);
        assert!(one.replace_signing_keys("default", None, b"first").unwrap());
        assert!(!two.replace_signing_keys("default", None, b"mine").unwrap());
        let first = two.signing_keys_fingerprint().unwrap();
        assert_ne!(first, before);
        assert!(
            !first.contains("first"),
            "a fingerprint tells nothing of what it is made of"
        );

        assert!(
            two.replace_signing_keys("default", Some(b"first"), b"second")
                .unwrap()
        );
        assert!(
            !one.replace_signing_keys("default", Some(b"first"), b"third")
                .unwrap()
        );
        assert_eq!(one.signing_keys("default").unwrap().unwrap(), b"second");
        assert_ne!(one.signing_keys_fingerprint().unwrap(), first);

        one.delete_signing_keys("default").unwrap();
        one.delete_signing_keys("default").unwrap();
        assert_eq!(two.signing_keys("default").unwrap(), None);
        assert_eq!(two.signing_keys_fingerprint().unwrap(), before);
    }
}

#[test]
fn only_servers_read_them() {
    for version in versions() {
        let cluster = Cluster::start(version, rowgate_pgtest::Options::default());
        let database = cluster.database("signing");
        for role in ["rg_server", "rg_app", "rg_other"] {
            pg::login(&database, role);
        }
        let grants = Grants {
            servers: vec!["rg_server".into()],
            apps: vec!["rg_app".into()],
            clients: vec![ClientRole {
                name: "authenticated".into(),
                sessions: 1,
                schemas: vec!["public".into()],
            }],
        };
        install(database.url(), &grants).unwrap();
        let url = database.url_as("rg_server");
        let server = Postgres::connect(&url, PostgresOptions::default()).unwrap();
        assert!(server.replace_signing_keys("default", None, b"secret").unwrap());
        assert_eq!(server.signing_keys("default").unwrap().unwrap(), b"secret");
        for role in [
            "rg_app",
            "rg_other",
            "authenticated",
            "rowgate_reader",
            "rowgate_app",
        ] {
            let mut admin = database.client();
            for sql in [
                "select contents from rowgate.signing_key",
                "delete from rowgate.signing_key",
                "copy rowgate.signing_key to stdout",
            ] {
                let mut tx = admin.transaction().unwrap();
                tx.batch_execute(&format!("set local role {role}")).unwrap();
                let refused = tx.batch_execute(sql).unwrap_err();
                assert_eq!(
                    refused.code(),
                    Some(&SqlState::INSUFFICIENT_PRIVILEGE),
                    "{role}: {sql}: {refused}"
                );
            }
        }
    }
}
