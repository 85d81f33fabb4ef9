//! An identity provider.

use std::sync::Arc;

use rowgate_identity::built_in::{BuiltIn, Grant, KeyFiles, Ring};
use rowgate_identity::{Algorithm, now};
use rowgate_server::config::IssuerConfig;
use tempfile::TempDir;

/// An identity provider of a test: keys of its own, published in a file.
pub struct Provider {
    pub issuer: BuiltIn,
    directory: TempDir,
}

impl Provider {
    /// With a key of its own.
    pub fn new(iss: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let keys = Arc::new(KeyFiles::new(directory.path()));
        let ring = Ring::open(keys, "idp", Algorithm::ES256, now() as u64).unwrap();
        let provider = Self {
            issuer: BuiltIn::new("app", iss, ring),
            directory,
        };
        provider.publish();
        provider
    }

    pub fn publish(&self) {
        let jwks = self.issuer.ring().jwks(now() as u64).to_string();
        std::fs::write(self.directory.path().join("jwks.json"), jwks).unwrap();
    }

    pub fn token(&self, grant: &Grant) -> String {
        self.issuer.mint(grant, now() as u64).unwrap().token
    }

    pub fn config(&self, name: &str) -> IssuerConfig {
        let text = format!(
            "name = \"{name}\"\nissuer = \"{}\"\naudiences = [\"app\"]",
            self.issuer.issuer()
        );
        IssuerConfig {
            jwks_file: Some(self.directory.path().join("jwks.json")),
            ..toml::from_str(&text).unwrap()
        }
    }
}
