//! A private key, which signs and is never shown.
//!
//! The type has no serialization, no clone, and a `Debug` that says its name. What is kept of it leaves through
//! `SigningKey::pkcs8`, which only the ring's file calls.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
    RsaPublicKeyComponents,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::certificate;
use crate::compact::encode;
use crate::{Algorithm, PublicKey};

/// Why a key cannot be made or used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// An algorithm that verifies, but that the built-in issuer does not sign with.
    #[error("the built-in issuer signs with RS256, ES256 or EdDSA")]
    Algorithm,
    /// The library underneath refuses, most likely for lack of randomness.
    #[error("the key cannot be made or used")]
    Unusable,
}

pub(crate) struct SigningKey {
    algorithm: Algorithm,
    private: Private,
    /// What may be shown: the public part as a JSON Web Key.
    jwk: Map<String, Value>,
    public: PublicKey,
}

enum Private {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("kid", &self.kid())
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

impl SigningKey {
    pub(crate) fn generate(algorithm: Algorithm) -> Result<Self, KeyError> {
        let private = match algorithm {
            Algorithm::RS256 => RsaKeyPair::generate(KeySize::Rsa2048).map(Private::Rsa),
            Algorithm::ES256 => EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map(Private::Ec),
            Algorithm::EdDSA => Ed25519KeyPair::generate().map(Private::Ed),
            _ => return Err(KeyError::Algorithm),
        };
        Self::new(algorithm, private.map_err(|_| KeyError::Unusable)?)
    }

    pub(crate) fn from_pkcs8(algorithm: Algorithm, pkcs8: &[u8]) -> Result<Self, KeyError> {
        let private = match algorithm {
            Algorithm::RS256 => RsaKeyPair::from_pkcs8(pkcs8).map(Private::Rsa),
            Algorithm::ES256 => {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).map(Private::Ec)
            }
            Algorithm::EdDSA => Ed25519KeyPair::from_pkcs8(pkcs8).map(Private::Ed),
            _ => return Err(KeyError::Algorithm),
        };
        Self::new(algorithm, private.map_err(|_| KeyError::Unusable)?)
    }

    fn new(algorithm: Algorithm, private: Private) -> Result<Self, KeyError> {
        let jwk = private.jwk(algorithm)?;
        let public = PublicKey::from_jwk(&jwk).map_err(|_| KeyError::Unusable)?;
        let mut key = Self {
            algorithm,
            private,
            jwk,
            public,
        };
        key.certify()?;
        Ok(key)
    }

    /// Adds a certificate to what is shown of an RSA key, and its thumbprint: RFC 7517, 4.7 and 4.9.
    fn certify(&mut self) -> Result<(), KeyError> {
        let Private::Rsa(pair) = &self.private else {
            return Ok(());
        };
        let public: PublicKeyX509Der<'static> = pair.public_key().as_der().map_err(|_| KeyError::Unusable)?;
        let serial = digest(&SHA256, public.as_ref());
        let serial = serial.as_ref().get(..16).unwrap_or_default();
        let certificate =
            certificate::self_signed(public.as_ref(), self.kid(), serial, |text| self.sign(text))?;
        let thumbprint = encode(digest(&SHA256, &certificate).as_ref());
        self.jwk
            .insert("x5c".into(), vec![STANDARD.encode(&certificate)].into());
        self.jwk.insert("x5t#S256".into(), thumbprint.into());
        Ok(())
    }

    /// For the key's file.
    pub(super) fn pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let unusable = |_| KeyError::Unusable;
        Ok(Zeroizing::new(match &self.private {
            Private::Rsa(pair) => {
                let der: Pkcs8V1Der<'static> = pair.as_der().map_err(unusable)?;
                der.as_ref().to_vec()
            }
            Private::Ec(pair) => pair.to_pkcs8v1().map_err(unusable)?.as_ref().to_vec(),
            Private::Ed(pair) => pair.to_pkcs8v1().map_err(unusable)?.as_ref().to_vec(),
        }))
    }

    pub(crate) fn kid(&self) -> &str {
        self.public.kid().unwrap_or_default()
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(crate) fn jwk(&self) -> &Map<String, Value> {
        &self.jwk
    }

    pub(crate) fn public(&self) -> &PublicKey {
        &self.public
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let random = SystemRandom::new();
        match &self.private {
            Private::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .map_err(|_| KeyError::Unusable)?;
                Ok(signature)
            }
            Private::Ec(pair) => {
                let signature = pair.sign(&random, message).map_err(|_| KeyError::Unusable)?;
                Ok(signature.as_ref().to_vec())
            }
            Private::Ed(pair) => Ok(pair.sign(message).as_ref().to_vec()),
        }
    }
}

impl Private {
    /// The public part. Its `kid` is its thumbprint (RFC 7638): the same key has the same name everywhere.
    fn jwk(&self, algorithm: Algorithm) -> Result<Map<String, Value>, KeyError> {
        // In the order of the thumbprint: by name.
        let parts: Vec<(&str, String)> = match self {
            Self::Rsa(pair) => {
                let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                vec![
                    ("e", encode(public.e)),
                    ("kty", "RSA".into()),
                    ("n", encode(public.n)),
                ]
            }
            Self::Ec(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = (point.get(1..33), point.get(33..65));
                let (x, y) = x.zip(y).ok_or(KeyError::Unusable)?;
                let (crv, kty) = ("P-256".into(), "EC".into());
                vec![("crv", crv), ("kty", kty), ("x", encode(x)), ("y", encode(y))]
            }
            Self::Ed(pair) => {
                let x = encode(pair.public_key().as_ref());
                vec![("crv", "Ed25519".into()), ("kty", "OKP".into()), ("x", x)]
            }
        };
        let members: Vec<String> = parts
            .iter()
            .map(|(name, value)| format!("\"{name}\":\"{value}\""))
            .collect();
        let thumbprint = digest(&SHA256, format!("{{{}}}", members.join(",")).as_bytes());
        let about = [
            ("alg", algorithm.name().to_owned()),
            ("use", "sig".to_owned()),
            ("kid", encode(thumbprint.as_ref())),
        ];
        let all = about.into_iter().chain(parts);
        Ok(all.map(|(name, value)| (name.to_owned(), value.into())).collect())
    }
}
