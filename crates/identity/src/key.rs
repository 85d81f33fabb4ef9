//! Public keys out of JSON, and what each may verify.

use std::fmt;

use jsonwebtoken::DecodingKey;
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use serde_json::{Map, Value};

use crate::Algorithm;
use crate::compact::decode;

/// Sizes of RSA keys, in bits. Shorter ones are weak; longer ones make a verification expensive.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// A public key of an issuer.
#[derive(Clone)]
pub struct PublicKey {
    kid: Option<String>,
    /// What it may verify, by its kind and by what it says about itself.
    algorithms: Vec<Algorithm>,
    /// Of the key itself, whatever its `kid`: the same number is the same key.
    fingerprint: [u8; 32],
    key: DecodingKey,
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kid, algorithms, .. } = self;
        f.debug_struct("PublicKey")
            .field("kid", kid)
            .field("algorithms", algorithms)
            .finish_non_exhaustive()
    }
}

impl PublicKey {
    /// Reads a JSON Web Key.
    ///
    /// # Errors
    /// Why it cannot verify signatures of tokens, in words that follow "a key".
    pub fn from_jwk(jwk: &Map<String, Value>) -> Result<Self, &'static str> {
        if ["d", "p", "q", "dp", "dq", "qi", "oth", "k"]
            .iter()
            .any(|part| jwk.contains_key(*part))
        {
            return Err(
                "has a private part; whoever reads the key set can sign with it, so it is worth nothing",
            );
        }
        if !may_verify(jwk)? {
            return Err("is not for verifying signatures, by its `use` or `key_ops`");
        }
        let (mut algorithms, key, material) = match text(jwk, "kty")? {
            Some("RSA") => rsa(jwk)?,
            Some("EC") => elliptic(jwk)?,
            Some("OKP") => edwards(jwk)?,
            Some(_) => return Err("is of a kind (`kty`) that is not supported"),
            None => return Err("does not say its kind (`kty`)"),
        };
        if let Some(own) = text(jwk, "alg")? {
            let own: Algorithm = own
                .parse()
                .map_err(|_| "is for an algorithm (`alg`) that is not accepted")?;
            algorithms.retain(|algorithm| *algorithm == own);
            if algorithms.is_empty() {
                return Err("is for an algorithm (`alg`) that does not fit its kind (`kty`, `crv`)");
            }
        }
        Ok(Self {
            kid: text(jwk, "kid")?.map(str::to_owned),
            algorithms,
            fingerprint: *blake3::hash(&material).as_bytes(),
            key,
        })
    }

    /// Its name in the key set.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// What it may verify.
    pub fn algorithms(&self) -> &[Algorithm] {
        &self.algorithms
    }

    pub(crate) fn fits(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }

    /// The same for the same key, however it is written.
    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        self.fingerprint
    }

    /// Whether the signature is this key's. Never with an algorithm that the key does not carry.
    pub(crate) fn verifies(&self, algorithm: Algorithm, signed: &str, signature: &[u8]) -> bool {
        if !self.fits(algorithm) {
            return false;
        }
        // The provider is named here, so that no other crate of a program can choose one for the whole process.
        (DEFAULT_PROVIDER.verifier_factory)(&algorithm.jose(), &self.key)
            .is_ok_and(|verifier| verifier.verify(signed.as_bytes(), &signature.to_vec()).is_ok())
    }
}

type Parts = (Vec<Algorithm>, DecodingKey, Vec<u8>);

fn rsa(jwk: &Map<String, Value>) -> Result<Parts, &'static str> {
    let modulus = number(jwk, "n")?;
    let exponent = number(jwk, "e")?;
    let bits = modulus.len() * 8 - modulus.first().map_or(0, |first| first.leading_zeros() as usize);
    if !RSA_BITS.contains(&bits) {
        return Err("is an RSA key with fewer than 2048 or more than 8192 bits");
    }
    // 3 to 2^33, as the library underneath wants it. An even exponent is no RSA key.
    let sane = exponent.len() <= 5 && exponent.last().is_some_and(|last| last % 2 == 1) && exponent != [1];
    if !sane {
        return Err("is an RSA key with an exponent (`e`) that cannot be one");
    }
    let key = DecodingKey::from_rsa_raw_components(&modulus, &exponent);
    let material = [
        b"rsa".as_slice(),
        &(modulus.len() as u64).to_be_bytes(),
        &modulus,
        &exponent,
    ]
    .concat();
    let algorithms = vec![
        Algorithm::RS256,
        Algorithm::RS384,
        Algorithm::RS512,
        Algorithm::PS256,
        Algorithm::PS384,
        Algorithm::PS512,
    ];
    Ok((algorithms, key, material))
}

fn elliptic(jwk: &Map<String, Value>) -> Result<Parts, &'static str> {
    let (algorithm, size) = match text(jwk, "crv")? {
        Some("P-256") => (Algorithm::ES256, 32),
        Some("P-384") => (Algorithm::ES384, 48),
        _ => return Err("is on a curve (`crv`) that is not supported; P-256 and P-384 are"),
    };
    let (x, y) = (bytes(jwk, "x")?, bytes(jwk, "y")?);
    if x.len() != size || y.len() != size {
        return Err("has coordinates (`x`, `y`) that are too long or too short for its curve");
    }
    // An uncompressed point. That it lies on the curve is looked at now, not when somebody brings a token.
    let point = [[4].as_slice(), &x, &y].concat();
    let curve = match algorithm {
        Algorithm::ES384 => &aws_lc_rs::signature::ECDSA_P384_SHA384_FIXED,
        _ => &aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED,
    };
    if aws_lc_rs::signature::ParsedPublicKey::new(curve, &point).is_err() {
        return Err("has coordinates (`x`, `y`) that are not on its curve");
    }
    let key = DecodingKey::from_ec_der(&point);
    Ok((vec![algorithm], key, [b"ec".as_slice(), &point].concat()))
}

fn edwards(jwk: &Map<String, Value>) -> Result<Parts, &'static str> {
    if text(jwk, "crv")? != Some("Ed25519") {
        return Err("is on a curve (`crv`) that is not supported; Ed25519 is");
    }
    let x = bytes(jwk, "x")?;
    if x.len() != 32 {
        return Err("has an `x` that is not 32 bytes");
    }
    let key = DecodingKey::from_ed_der(&x);
    Ok((vec![Algorithm::EdDSA], key, [b"ed".as_slice(), &x].concat()))
}

/// By `use` and `key_ops`, where they are there.
fn may_verify(jwk: &Map<String, Value>) -> Result<bool, &'static str> {
    if text(jwk, "use")?.is_some_and(|purpose| purpose != "sig") {
        return Ok(false);
    }
    match jwk.get("key_ops") {
        None => Ok(true),
        Some(Value::Array(operations)) => Ok(operations.iter().any(|operation| operation == "verify")),
        Some(_) => Err("has `key_ops` that are not a list"),
    }
}

fn text<'j>(jwk: &'j Map<String, Value>, name: &str) -> Result<Option<&'j str>, &'static str> {
    match jwk.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err("has a member that is not a string and must be one"),
    }
}

fn bytes(jwk: &Map<String, Value>, name: &str) -> Result<Vec<u8>, &'static str> {
    let text = text(jwk, name)?.ok_or("lacks a part of the key itself")?;
    decode(text).ok_or("has a part that is not base64url without padding")
}

/// A large number without the zeros in front that some issuers write.
fn number(jwk: &Map<String, Value>, name: &str) -> Result<Vec<u8>, &'static str> {
    let bytes = bytes(jwk, name)?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    match bytes.get(zeros..) {
        Some(number) if !number.is_empty() => Ok(number.to_vec()),
        _ => Err("has a part that is zero"),
    }
}
