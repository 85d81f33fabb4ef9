//! Encrypted connections to Postgres: to whom, and to whom not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests may say what must hold by panicking"
)]

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rowgate_pgtest::{Certificate, Cluster, Options, versions};
use rowgate_store::Store;
use rowgate_store::postgres::install::{Grants, install};
use rowgate_store::postgres::{Postgres, PostgresOptions, connect};

/// An authority of one's own.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    /// A certificate for a host.
    fn certify(&self, host: &str) -> Certificate {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        Certificate {
            chain: params.signed_by(&key, &self.issuer).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }
}

#[test]
fn the_server_must_be_who_the_connection_string_says() {
    let directory = tempfile::tempdir().unwrap();
    let (own, other) = (Authority::new(), Authority::new());
    let file = |name: &str, pem: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, pem).unwrap();
        path.display().to_string()
    };
    let (own_file, other_file) = (file("own.pem", &own.pem), file("other.pem", &other.pem));
    for version in versions() {
        for (host, is_named) in [("localhost", true), ("elsewhere.example", false)] {
            let options = Options {
                certificate: Some(own.certify(host)),
                ..Options::default()
            };
            let cluster = Cluster::start(version, options);
            let database = cluster.database("tls");
            let url = |query: &str| {
                let port = cluster.port();
                format!("postgres://postgres@localhost:{port}/{}?{query}", database.name())
            };
            let full = format!("sslmode=verify-full&sslrootcert={own_file}");
            let tried = [
                (full.clone(), is_named),
                (format!("sslmode=verify-ca&sslrootcert={own_file}"), true),
                (format!("sslmode=require&sslrootcert={own_file}"), true),
                ("sslmode=require".to_owned(), true),
                ("sslmode=prefer".to_owned(), true),
                // Another authority, and those that are publicly trusted, know nothing of this server.
                (format!("sslmode=verify-full&sslrootcert={other_file}"), false),
                (format!("sslmode=verify-ca&sslrootcert={other_file}"), false),
                ("sslmode=verify-full".to_owned(), false),
                ("sslmode=verify-ca".to_owned(), false),
            ];
            for (query, accepted) in tried {
                match connect(&url(&query)) {
                    Ok(mut client) => {
                        assert!(accepted, "{version}, {host}: {query}");
                        let sql = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
                        let encrypted: bool = client.query_one(sql, &[]).unwrap().get(0);
                        assert!(encrypted, "{version}, {host}: {query}");
                    }
                    Err(error) => {
                        assert!(!accepted, "{version}, {host}: {query}: {error}");
                        assert_eq!(error.code(), "store_unavailable", "{query}: {error}");
                        assert!(error.to_string().contains("certificate"), "{query}: {error}");
                    }
                }
            }
            if is_named {
                install(&url(&full), &Grants::default()).unwrap();
                let store = Postgres::connect(&url(&full), PostgresOptions::default()).unwrap();
                assert_eq!(store.environments().unwrap(), []);
            }
        }
        // A server that does not encrypt is not talked to where that was asked for.
        let plain = Cluster::shared(version).database("plain");
        let url = format!("{}?sslmode=verify-full&sslrootcert={own_file}", plain.url());
        assert!(connect(&url).is_err());
    }
}
