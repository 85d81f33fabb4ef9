//! A certificate around a public key, which its own private key signs.
//!
//! It vouches for nothing. Some client libraries refuse a key set whose RSA keys come without one. It is made of the key alone, so the
//! same key has the same certificate everywhere: it begins in 1970 and ends in 9999.

use super::key::KeyError;

/// `sha256WithRSAEncryption`, without parameters.
const ALGORITHM: &[u8] = &[
    0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00,
];

/// `commonName`
const COMMON_NAME: &[u8] = &[0x06, 0x03, 0x55, 0x04, 0x03];

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const UTF8_STRING: u8 = 0x0c;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;

/// The certificate (RFC 5280, version 1) of an RSA key in DER. `public` is its SubjectPublicKeyInfo, `name` what issuer and subject are
/// called, `sign` signs with `RS256`.
pub(super) fn self_signed(
    public: &[u8],
    name: &str,
    serial: &[u8],
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, KeyError>,
) -> Result<Vec<u8>, KeyError> {
    let name = field(
        SEQUENCE,
        &[&field(
            SET,
            &[&field(
                SEQUENCE,
                &[COMMON_NAME, &field(UTF8_STRING, &[name.as_bytes()])],
            )],
        )],
    );
    let validity = field(
        SEQUENCE,
        &[
            &field(UTC_TIME, &[b"700101000000Z"]),
            &field(GENERALIZED_TIME, &[b"99991231235959Z"]),
        ],
    );
    // The first byte keeps it positive and without a leading zero.
    let serial = field(INTEGER, &[&[1], serial]);
    let signed = field(SEQUENCE, &[&serial, ALGORITHM, &name, &validity, &name, public]);
    let signature = sign(&signed)?;
    Ok(field(
        SEQUENCE,
        &[&signed, ALGORITHM, &field(BIT_STRING, &[&[0], &signature])],
    ))
}

/// A value with its tag and its length.
fn field(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let value = parts.concat();
    let mut out = vec![tag];
    match u8::try_from(value.len()) {
        Ok(length @ ..=0x7f) => out.push(length),
        _ => {
            let length = value.len().to_be_bytes();
            let digits: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
            out.push(0x80 | digits.len() as u8);
            out.extend(digits);
        }
    }
    out.extend(value);
    out
}
