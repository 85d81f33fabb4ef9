//! What a store keeps beside the logs: environments and API keys.

use crate::EnvironmentId;

/// An environment that is about to be created. The store gives it its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEnvironment {
    /// The name people call it by, unique in its store.
    pub name: String,
    /// A random id that never changes and is unique beyond the store. Warrant tokens carry it, so that a
    /// token of another environment is recognised as such.
    pub uid: String,
    /// Microseconds since the Unix epoch.
    pub created_at: i64,
}

/// An environment: a schema and its warrants, apart from all others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentRecord {
    /// Its number in this store.
    pub id: EnvironmentId,
    /// The name people call it by, unique in its store.
    pub name: String,
    /// The random id that warrant tokens carry.
    pub uid: String,
    /// Microseconds since the Unix epoch.
    pub created_at: i64,
}

/// An API key, without the secret: only a hash of it is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKeyRecord {
    /// The id people delete it by.
    pub id: String,
    /// The environment it opens.
    pub environment: EnvironmentId,
    /// What people call it.
    pub name: String,
    /// The hash of the secret.
    pub hash: [u8; 32],
    /// The first characters of the secret, by which people recognise it.
    pub prefix: String,
    /// Microseconds since the Unix epoch.
    pub created_at: i64,
}

// The hash stays out of logs.
impl std::fmt::Debug for ApiKeyRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiKeyRecord")
            .field("id", &self.id)
            .field("environment", &self.environment)
            .field("name", &self.name)
            .field("prefix", &self.prefix)
            .field("created_at", &self.created_at)
            .finish_non_exhaustive()
    }
}
