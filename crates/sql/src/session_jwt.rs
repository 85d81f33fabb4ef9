//! Claims for the extension `pg_session_jwt`, where it is what answers `auth.session()`: a token of our own for each request, signed with a
//! key that the session was told of when it logged in and that no SQL can change.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use crate::authenticate::Claims;
use crate::error::{Error, Result};

/// The setting that carries the public key. The extension lets it be set when a session begins, and never again.
pub(crate) const KEY_SETTING: &str = "pg_session_jwt.jwk";

/// Signs claims. The key is made when the server starts, and never leaves it.
pub(crate) struct Signer {
    key: Ed25519KeyPair,
    jwk: String,
}

impl Signer {
    pub(crate) fn new() -> Result<Self, aws_lc_rs::error::Unspecified> {
        let key = Ed25519KeyPair::generate()?;
        let x = URL_SAFE_NO_PAD.encode(key.public_key().as_ref());
        let jwk = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}"}}"#);
        Ok(Self { key, jwk })
    }

    /// The public key, as a JSON Web Key.
    pub(crate) fn jwk(&self) -> &str {
        &self.jwk
    }

    /// A token for one request. The extension takes no number that is not larger than the last one of the session, so a token is worth
    /// nothing to the next user. Nobody's claims are signed, too: what the session had before must not be brought back.
    pub(crate) fn sign(&self, claims: Option<&Claims>, number: i64, longest: Duration) -> Result<String> {
        let no_object = |_| Error::Unreachable("the claims are no object");
        let mut payload: Map<String, Value> = match claims {
            Some(claims) => serde_json::from_str(&claims.json).map_err(no_object)?,
            None => Map::new(),
        };
        let end = SystemTime::now() + longest;
        let expires = claims.and_then(|claims| claims.expires);
        let end = expires.map_or(end, |expires| expires.min(end));
        let end = end.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        // The extension wants whole numbers. What the token itself said of times was verified.
        payload.remove("nbf");
        payload.insert("exp".into(), json!(end));
        payload.insert("jti".into(), json!(number));
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"EdDSA","typ":"JWT"}"#);
        let payload = URL_SAFE_NO_PAD.encode(Value::Object(payload).to_string());
        let signed = format!("{header}.{payload}");
        let signature = URL_SAFE_NO_PAD.encode(self.key.sign(signed.as_bytes()));
        Ok(format!("{signed}.{signature}"))
    }
}

/// Without the private key.
impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("jwk", &self.jwk)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};

    use super::*;

    #[test]
    fn signs_what_the_extension_takes() {
        let signer = Signer::new().unwrap();
        let claims = Claims {
            json: r#"{"sub":"ann","jti":"abc","nbf":1.5,"exp":1.5}"#.into(),
            subject: Some("ann".into()),
            expires: Some(UNIX_EPOCH + Duration::from_secs(1_000)),
        };
        let token = signer.sign(Some(&claims), 7, Duration::from_secs(15)).unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let payload = URL_SAFE_NO_PAD.decode(signed.split('.').nth(1).unwrap()).unwrap();
        let payload: Value = serde_json::from_slice(&payload).unwrap();
        assert_eq!(payload, json!({"sub": "ann", "jti": 7, "exp": 1_000}));
        let jwk: Value = serde_json::from_str(signer.jwk()).unwrap();
        let public = URL_SAFE_NO_PAD.decode(jwk["x"].as_str().unwrap()).unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        UnparsedPublicKey::new(&ED25519, public)
            .verify(signed.as_bytes(), &signature)
            .unwrap();
        assert!(!format!("{signer:?}").contains("key:"));
    }
}
