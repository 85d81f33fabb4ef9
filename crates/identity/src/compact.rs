//! The three parts of a token, read strictly and believed in nothing yet.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use crate::{Algorithm, TokenError, json};

/// Longest token, in bytes. Proxies refuse headers well before that.
pub(crate) const MAX_TOKEN: usize = 16 * 1024;

const THREE_PARTS: &str = "it does not have three parts";
const HEADER: &str = "its header is not a JSON object in base64url, or says something twice";
const PAYLOAD: &str = "its payload is not a JSON object in base64url, or says something twice";

/// Longest `kid`, in bytes.
const MAX_KID: usize = 1024;

/// A token taken apart. Nothing in it is verified.
pub(crate) struct Compact<'t> {
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: Option<String>,
    pub(crate) claims: Map<String, Value>,
    /// What is signed: the header and the payload as they stand in the token.
    pub(crate) signed: &'t str,
    pub(crate) signature: Vec<u8>,
}

impl<'t> Compact<'t> {
    pub(crate) fn parse(token: &'t str) -> Result<Self, TokenError> {
        if token.len() > MAX_TOKEN {
            return Err(TokenError::TooLarge { limit: MAX_TOKEN });
        }
        let mut parts = token.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(TokenError::Malformed(THREE_PARTS));
        };
        let signed = token.get(..header.len() + 1 + payload.len()).unwrap_or_default();
        let header = object(header, HEADER)?;
        let (algorithm, kid) = read_header(&header)?;
        Ok(Self {
            algorithm,
            kid,
            claims: object(payload, PAYLOAD)?,
            signed,
            signature: decode(signature).ok_or(TokenError::Malformed("its signature is not base64url"))?,
        })
    }
}

/// What a token says, `{"header": …, "claims": …}`, for people to look at. Nothing of it is verified: anybody can write anything.
///
/// # Errors
/// [`TokenError::Malformed`] and [`TokenError::TooLarge`].
pub fn unverified(token: &str) -> Result<Value, TokenError> {
    if token.len() > MAX_TOKEN {
        return Err(TokenError::TooLarge { limit: MAX_TOKEN });
    }
    let mut parts = token.split('.');
    let (Some(header), Some(payload), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(TokenError::Malformed(THREE_PARTS));
    };
    Ok(json!({"header": object(header, HEADER)?, "claims": object(payload, PAYLOAD)?}))
}

/// Without padding, and refusing what a strict reader would not write: one signature has one spelling.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn object(part: &str, why: &'static str) -> Result<Map<String, Value>, TokenError> {
    decode(part)
        .and_then(|text| json::object(&text))
        .ok_or(TokenError::Malformed(why))
}

/// Keys that a header brings along or points to (`jwk`, `jku`, `x5c`, `x5u`) are not looked at.
fn read_header(header: &Map<String, Value>) -> Result<(Algorithm, Option<String>), TokenError> {
    // What must be understood and is not must be refused; nothing of it is implemented.
    if header.contains_key("crit") {
        return Err(TokenError::Malformed(
            "its header has `crit`, and no extension is supported",
        ));
    }
    match header.get("typ") {
        None => {}
        Some(Value::String(kind)) if is_access_token(kind) => {}
        Some(_) => return Err(TokenError::Malformed("its `typ` is neither `JWT` nor `at+jwt`")),
    }
    let algorithm = match header.get("alg") {
        Some(Value::String(name)) => name
            .parse()
            .map_err(|_| TokenError::Algorithm("only RSA, ECDSA and Ed25519 signatures are"))?,
        _ => return Err(TokenError::Algorithm("its header has no `alg`")),
    };
    let kid = match header.get("kid") {
        None => None,
        Some(Value::String(kid)) if (1..=MAX_KID).contains(&kid.len()) => Some(kid.clone()),
        Some(_) => {
            return Err(TokenError::Malformed(
                "its `kid` is not a string of a sane length",
            ));
        }
    };
    Ok((algorithm, kid))
}

/// Other kinds, such as logout tokens and proofs of possession, come from the same keys and mean something else.
fn is_access_token(kind: &str) -> bool {
    let kind = kind.to_ascii_lowercase();
    matches!(
        kind.strip_prefix("application/").unwrap_or(&kind),
        "jwt" | "at+jwt"
    )
}
