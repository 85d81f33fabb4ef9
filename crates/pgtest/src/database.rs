//! A database of its own for each test.

use std::sync::atomic::{AtomicU32, Ordering};

use postgres::{Client, NoTls};

use crate::Cluster;

/// A database that no other test uses. It goes when its server goes.
#[derive(Debug)]
pub struct Database {
    name: String,
    url: String,
    port: u16,
}

impl Database {
    pub(crate) fn create(cluster: &Cluster, hint: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let hint: String = hint
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(40)
            .collect();
        let name = format!(
            "{}_{}",
            hint.to_lowercase(),
            NUMBER.fetch_add(1, Ordering::Relaxed)
        );
        let mut admin =
            Client::connect(&cluster.url("postgres", "postgres"), NoTls).expect("the server answers");
        admin
            .batch_execute(&format!("create database \"{name}\""))
            .expect("a new database");
        Self {
            url: cluster.url(&name, "postgres"),
            port: cluster.port(),
            name,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The connection string of the superuser.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The connection string of a role, which must exist and have the right to log in.
    pub fn url_as(&self, role: &str) -> String {
        format!("postgres://{role}@127.0.0.1:{}/{}", self.port, self.name)
    }

    /// A connection as the superuser.
    pub fn client(&self) -> Client {
        Client::connect(&self.url, NoTls).expect("the server answers")
    }

    /// A connection as a role.
    pub fn client_as(&self, role: &str) -> Client {
        Client::connect(&self.url_as(role), NoTls).expect("the role may log in")
    }
}
