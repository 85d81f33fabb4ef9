//! How the database is reached: over TLS with a certificate that is verified, and over Unix sockets.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod common;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use common::Server;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rowgate_pgtest::{Cluster, Database, Options, give_to_postgres, versions};
use rowgate_sql::Target;
use serde_json::json;

/// How long a request may take, where one is cancelled.
const LIMIT: Duration = Duration::from_secs(2);

/// A certificate authority, and a Postgres that takes nothing but TLS from everybody but the tests themselves.
struct Tls {
    cluster: Cluster,
    authority: PathBuf,
    directory: tempfile::TempDir,
}

impl Tls {
    fn start(version: rowgate_pgtest::Version, name: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let at = |file: &str| directory.path().join(file);
        let (authority, certificate, key) = certificates(name);
        for (file, text) in [("ca.pem", &authority), ("server.pem", &certificate)] {
            std::fs::write(at(file), text).unwrap();
        }
        std::fs::write(at("server.key"), key).unwrap();
        let hba = "host all postgres 127.0.0.1/32 trust\nhostssl all all 127.0.0.1/32 trust\n";
        std::fs::write(at("hba.conf"), hba).unwrap();
        give_to_postgres(directory.path());
        give_to_postgres(&at("server.key"));
        let text = |file: &str| at(file).display().to_string();
        let settings = vec![
            ("ssl", "on".to_owned()),
            ("ssl_cert_file", text("server.pem")),
            ("ssl_key_file", text("server.key")),
            ("hba_file", text("hba.conf")),
        ];
        let options = Options {
            durable: false,
            settings,
            ..Options::default()
        };
        Self {
            cluster: Cluster::start(version, options),
            authority: at("ca.pem"),
            directory,
        }
    }

    /// A gateway that logs in as a role of its own, which Postgres takes over TLS alone.
    fn serve(&self, host: &str, mode: &str, authority: &Path) -> Server {
        let url = format!(
            "postgres://gate@{host}:{}/NAME?sslmode={mode}&sslrootcert={}",
            self.cluster.port(),
            authority.display()
        );
        let url = move |database: &Database| url.replace("NAME", database.name());
        Server::unchecked(&self.cluster, 2, gate, url, |config| config.limits.time = LIMIT)
    }
}

/// A login for the gateway.
fn gate(database: &Database) {
    let sql = "create role gate login; grant rowgate_server to gate";
    database.client().batch_execute(sql).unwrap();
}

/// An authority, and a certificate of it for a name with its key; all PEM.
fn certificates(name: &str) -> (String, String, String) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&authority_key).unwrap();
    let issuer = Issuer::from_params(&params, &authority_key);
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![name.to_owned()])
        .unwrap()
        .signed_by(&key, &issuer)
        .unwrap();
    (authority.pem(), certificate.pem(), key.serialize_pem())
}

#[test]
fn speaks_tls_to_a_database_whose_certificate_it_verifies() {
    for version in versions() {
        let tls = Tls::start(version, "localhost");
        for mode in ["verify-full", "require"] {
            let server = tls.serve("localhost", mode, &tls.authority);
            assert_eq!(server.value("ann", "select auth.user_id()"), "ann");
            let sql = "select count(*), bool_and(s.ssl) from pg_stat_ssl s join pg_stat_activity a using (pid)
                where a.datname = current_database() and (a.usename = 'gate' or a.usename like 'authenticated%')";
            let row = server.database.client().query_one(sql, &[]).unwrap();
            assert_eq!((row.get::<_, i64>(0), row.get::<_, bool>(1)), (2, true));
            // Cancelling goes the same way.
            let since = Instant::now();
            let request = server.request("authenticated", Some("ann"));
            let slow = request.batch(&["set statement_timeout = 0", "select pg_sleep(30)"]);
            assert_eq!(slow.error().1, "57014");
            assert!(since.elapsed() >= LIMIT, "it ended by itself");
            assert_eq!(server.value("bob", "select auth.user_id()"), "bob");
            let much = server.ask("ann", "select repeat('x', 1000) from generate_series(1, 5000)");
            assert_eq!(much.body["rowCount"], 5000);
            server
                .database
                .client()
                .batch_execute("drop owned by gate; drop role gate")
                .unwrap();
        }
    }
}

#[test]
fn refuses_a_database_that_is_not_who_it_should_be() {
    let version = versions()[0];
    let tls = Tls::start(version, "db.example.com");
    let (other, _, _) = certificates("localhost");
    let wrong = tls.directory.path().join("other.pem");
    std::fs::write(&wrong, other).unwrap();
    // Another name, another authority, and no encryption where the database insists on it.
    for (mode, authority) in [
        ("verify-full", &tls.authority),
        ("require", &tls.authority),
        ("verify-full", &wrong),
        ("disable", &tls.authority),
    ] {
        let server = tls.serve("localhost", mode, authority);
        let answer = server.ask("ann", "select 1");
        assert_eq!(
            answer.error(),
            (500, "08006", "the database cannot be reached, or is not set up"),
            "{mode}"
        );
        server
            .database
            .client()
            .batch_execute("drop owned by gate; drop role gate")
            .unwrap();
    }
    // What encrypts without looking is not even taken for a setting.
    let refused = "postgres://gate@localhost/app?sslmode=prefer".parse::<Target>();
    assert!(refused.is_err());
    let nowhere = "postgres://gate@localhost/app?sslmode=verify-full&sslrootcert=/nowhere.pem";
    assert!(Server::refused(nowhere).contains("/nowhere.pem"));
}

#[test]
fn reaches_a_database_over_a_unix_socket() {
    for version in versions() {
        let cluster = Cluster::shared(version);
        let (port, directory) = (cluster.port(), cluster.socket().display().to_string());
        let url = move |database: &Database| {
            format!("postgres://postgres@:{port}/{}?host={directory}", database.name())
        };
        let server = Server::unchecked(cluster, 2, |_| {}, url, |_| {});
        assert_eq!(server.value("ann", "select auth.user_id()"), "ann");
        assert_eq!(server.rows("ann", "select body from note"), json!([["of ann"]]));
        let sql = "select count(*), count(client_addr) from pg_stat_activity
            where datname = current_database() and usename like 'authenticated%'";
        let row = server.database.client().query_one(sql, &[]).unwrap();
        // A second session, where the first one was still being reset when the second request came.
        assert!((1..=2).contains(&row.get::<_, i64>(0)));
        assert_eq!(row.get::<_, i64>(1), 0, "sessions with an address");
        let request = server.request("authenticated", Some("ann"));
        assert_eq!(request.query("select pg_sleep(0.1)", &[]).status, 200);
    }
}
