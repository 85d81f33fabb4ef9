//! The built-in issuer: keys that are made, kept, rotated and never shown; tokens that other libraries accept.

// Helpers of tests may say what must hold by panicking.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rowgate_identity::Algorithm;
use rowgate_identity::built_in::{
    BuiltIn, Contents, Grant, KeyFiles, KeyStore, KeyStoreError, MAX_KEYS, MAX_LIFETIME, MintError, Minted,
    Ring,
};
use serde_json::{Value, json};
use support::*;
use tempfile::TempDir;

const SIGNS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];

fn files(directory: &TempDir) -> Arc<dyn KeyStore> {
    Arc::new(KeyFiles::new(directory.path().join("identity")))
}

fn open(directory: &TempDir, algorithm: Algorithm) -> BuiltIn {
    let ring = Ring::open(files(directory), "env", algorithm, NOW).unwrap();
    BuiltIn::new("client_default", "urn:rowgate:client_default", ring)
}

fn file(directory: &TempDir) -> std::path::PathBuf {
    directory.path().join("identity/env.keys")
}

fn mint(issuer: &BuiltIn) -> Minted {
    issuer.mint(&Grant::new("ann"), NOW).unwrap()
}

#[test]
fn makes_keys_once_and_finds_them_again() {
    for algorithm in SIGNS {
        let directory = TempDir::new().unwrap();
        let first = open(&directory, algorithm);
        let token = mint(&first);
        drop(first);
        // What is asked for at a later start does not change the key that there is.
        let again = open(&directory, Algorithm::EdDSA);
        assert_eq!(mint(&again).kid, token.kid);
        assert!(verify(&believing(again.as_issuer("own")), &token.token).is_ok());
    }
}

/// A value of two length bytes at the beginning of DER: the whole of it, and what is in it.
fn long_field(der: &[u8]) -> (&[u8], &[u8]) {
    assert_eq!(der[..2], [0x30, 0x82]);
    let end = 4 + usize::from(u16::from_be_bytes([der[2], der[3]]));
    (&der[..end], &der[4..end])
}

#[test]
fn rsa_keys_come_with_a_certificate_that_they_sign() {
    let directory = TempDir::new().unwrap();
    let jwks = open(&directory, Algorithm::RS256).ring().jwks(NOW);
    let key = &jwks["keys"][0];
    let text = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
    let der = STANDARD.decode(key["x5c"][0].as_str().unwrap()).unwrap();
    assert_eq!(text("x5t#S256"), digest(&SHA256, &der).as_ref());
    let (whole, inside) = long_field(&der);
    assert_eq!(whole, der);
    let (signed, _) = long_field(inside);
    let (n, e) = (text("n"), text("e"));
    assert!(signed.windows(n.len()).any(|part| part == n));
    let public = RsaPublicKeyComponents { n, e };
    let signature = &der[der.len() - 256..];
    assert!(
        public
            .verify(&RSA_PKCS1_2048_8192_SHA256, signed, signature)
            .is_ok()
    );
    // The same after a restart, and after the key was replaced.
    let issuer = open(&directory, Algorithm::RS256);
    assert_eq!(issuer.ring().jwks(NOW), jwks);
    issuer.ring().rotate(Algorithm::EdDSA, false, NOW).unwrap();
    let rotated = issuer.ring().jwks(NOW);
    assert_eq!(&rotated["keys"][1], key);
    assert!(rotated["keys"][0].get("x5c").is_none());
}

#[cfg(unix)]
#[test]
fn keeps_keys_from_others() {
    use std::os::unix::fs::PermissionsExt;
    let directory = TempDir::new().unwrap();
    drop(open(&directory, Algorithm::EdDSA));
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&file(&directory)), 0o600);
    assert_eq!(mode(file(&directory).parent().unwrap()), 0o700);
    for exposed in [0o640, 0o604, 0o660] {
        std::fs::set_permissions(file(&directory), std::fs::Permissions::from_mode(exposed)).unwrap();
        let refused = Ring::open(files(&directory), "env", Algorithm::EdDSA, NOW).unwrap_err();
        assert!(matches!(refused, KeyStoreError::Exposed { .. }));
        assert!(refused.to_string().contains("chmod 600"), "{refused}");
    }
}

#[test]
fn says_the_claims_that_clients_expect() {
    let directory = TempDir::new().unwrap();
    let issuer = open(&directory, Algorithm::RS256);
    let mut grant = Grant::new("user_1");
    grant.organization = Some("org_1".into());
    grant.roles = vec!["admin".into(), "member".into()];
    grant.permissions = vec!["project:view".into()];
    grant.claims.insert("plan".into(), json!({"seats": 5}));
    let minted = issuer.mint(&grant, NOW).unwrap();
    let identity = verify(&believing(issuer.as_issuer("own")), &minted.token).unwrap();
    let claims = identity.claims();
    assert_eq!(claims.as_map(), &minted.claims);
    for (name, value) in [
        ("iss", json!("urn:rowgate:client_default")),
        ("aud", json!("client_default")),
        ("client_id", json!("client_default")),
        ("sub", json!("user_1")),
        ("org_id", json!("org_1")),
        ("role", json!("admin")),
        ("roles", json!(["admin", "member"])),
        ("permissions", json!(["project:view"])),
        ("plan", json!({"seats": 5})),
        ("iat", json!(NOW)),
        ("auth_time", json!(NOW)),
        ("exp", json!(NOW + 3600)),
    ] {
        assert_eq!(claims.get(name), Some(&value), "{name}");
    }
    assert!(
        claims
            .session()
            .is_some_and(|session| session.starts_with("session_"))
    );
    let other = issuer.mint(&grant, NOW).unwrap();
    assert_ne!(claims.get("jti"), other.claims.get("jti"));
    // Without an organization and roles there are no such claims; permissions are an empty list.
    let plain = mint(&issuer).claims;
    assert!(
        ["org_id", "role", "roles"]
            .iter()
            .all(|name| !plain.contains_key(*name))
    );
    assert_eq!(plain.get("permissions"), Some(&json!([])));
}

#[test]
fn another_library_verifies_its_tokens_with_the_keys_it_publishes() {
    for algorithm in SIGNS {
        let directory = TempDir::new().unwrap();
        let issuer = open(&directory, algorithm);
        let minted = issuer
            .mint(&Grant::new("ann"), rowgate_identity::now() as u64)
            .unwrap();
        let set: jsonwebtoken::jwk::JwkSet = serde_json::from_value(issuer.ring().jwks(NOW)).unwrap();
        let header = jsonwebtoken::decode_header(&minted.token).unwrap();
        let jwk = set.find(&header.kid.unwrap()).unwrap();
        let mut validation = jsonwebtoken::Validation::new(header.alg);
        validation.set_audience(&["client_default"]);
        validation.set_issuer(&["urn:rowgate:client_default"]);
        let public = jsonwebtoken::DecodingKey::from_jwk(jwk).unwrap();
        let decoded = jsonwebtoken::decode::<Value>(&minted.token, &public, &validation).unwrap();
        assert_eq!(decoded.claims["sub"], "ann");
        // The name of the key is its thumbprint.
        assert_eq!(
            jwk.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256).unwrap(),
            minted.kid
        );
    }
}

#[test]
fn shows_no_private_part() {
    for algorithm in SIGNS {
        let directory = TempDir::new().unwrap();
        let issuer = open(&directory, algorithm);
        issuer.ring().rotate(algorithm, false, NOW).unwrap();
        let minted = mint(&issuer);
        let kept = std::fs::read_to_string(file(&directory)).unwrap();
        let kept: Value = serde_json::from_str(&kept).unwrap();
        let private = kept["signing"]["private"].as_str().unwrap().to_owned();
        assert!(private.len() > 60);
        let shown = format!(
            "{} {issuer:?} {:?} {minted:?} {:?}",
            issuer.ring().jwks(NOW),
            issuer.ring(),
            Contents::new(private.clone().into_bytes()),
        );
        assert!(
            !shown.contains(&private[..40]) && !shown.contains(&minted.token),
            "{shown}"
        );
        for key in issuer.ring().jwks(NOW)["keys"].as_array().unwrap() {
            let names: Vec<&String> = key.as_object().unwrap().keys().collect();
            let public = [
                "alg", "use", "kid", "kty", "n", "e", "crv", "x", "y", "x5c", "x5t#S256",
            ];
            assert!(
                names.iter().all(|name| public.contains(&name.as_str())),
                "{names:?}"
            );
        }
        // A key that was replaced keeps no private part even in the file.
        assert!(
            kept["replaced"][0]["jwk"].get("d").is_none() && kept["replaced"][0].get("private").is_none()
        );
    }
}

#[test]
fn rotation_keeps_tokens_alive_until_they_expire() {
    let directory = TempDir::new().unwrap();
    let issuer = open(&directory, Algorithm::EdDSA);
    let verifier = believing(issuer.as_issuer("own"));
    let mut grant = Grant::new("ann");
    grant.lifetime = MAX_LIFETIME;
    let old = issuer.mint(&grant, NOW).unwrap();
    assert!(verify(&verifier, &old.token).is_ok());
    let kid = issuer.ring().rotate(Algorithm::ES256, false, NOW + 5).unwrap();
    let new = issuer.mint(&grant, NOW + 5).unwrap();
    assert_eq!(new.kid, kid);
    assert_ne!(new.kid, old.kid);
    assert!(
        verify_at(&verifier, &old.token, NOW + 5).is_ok()
            && verify_at(&verifier, &new.token, NOW + 5).is_ok()
    );
    let served = |now: u64| -> Vec<Value> {
        let keys = issuer.ring().jwks(now);
        keys["keys"]
            .as_array()
            .unwrap()
            .iter()
            .map(|key| key["kid"].clone())
            .collect()
    };
    assert_eq!(served(NOW + 5), [json!(new.kid), json!(old.kid)]);
    let day = MAX_LIFETIME.as_secs();
    assert_eq!(served(NOW + day + 300), [json!(new.kid), json!(old.kid)]);
    assert_eq!(served(NOW + day + 306), [json!(new.kid)]);
    // After a restart, too.
    let again = open(&directory, Algorithm::EdDSA);
    let verifier = believing(again.as_issuer("own"));
    assert!(
        verify_at(&verifier, &old.token, NOW + 5).is_ok()
            && verify_at(&verifier, &new.token, NOW + 5).is_ok()
    );
}

#[test]
fn revoking_ends_tokens_at_once() {
    let directory = TempDir::new().unwrap();
    let issuer = open(&directory, Algorithm::EdDSA);
    let verifier = believing(issuer.as_issuer("own"));
    let stolen = mint(&issuer).token;
    assert!(verify(&verifier, &stolen).is_ok());
    issuer.ring().rotate(Algorithm::EdDSA, true, NOW).unwrap();
    assert_eq!(refused(verify(&verifier, &stolen)), "token_unknown_key");
    assert_eq!(issuer.ring().jwks(NOW)["keys"].as_array().unwrap().len(), 1);
    assert!(verify(&verifier, &mint(&issuer).token).is_ok());
}

#[test]
fn keeps_no_more_keys_than_verifiers_take() {
    let directory = TempDir::new().unwrap();
    let issuer = open(&directory, Algorithm::EdDSA);
    let rotate = |revoke, now| issuer.ring().rotate(Algorithm::EdDSA, revoke, now);
    let served = |now| issuer.ring().jwks(now)["keys"].as_array().unwrap().len();
    for at in 1..MAX_KEYS as u64 {
        rotate(false, NOW + at).unwrap();
    }
    assert_eq!(served(NOW + 20), MAX_KEYS);
    let before = issuer.ring().jwks(NOW + 20);
    let refused = rotate(false, NOW + 20).unwrap_err();
    let day = MAX_LIFETIME.as_secs() + 300;
    assert!(
        matches!(refused, KeyStoreError::TooMany { after } if after == day + 1 - 20),
        "{refused}"
    );
    assert_eq!(issuer.ring().jwks(NOW + 20), before);
    // Once the first has had its day there is room for one.
    rotate(false, NOW + day + 1).unwrap();
    assert_eq!(served(NOW + day + 1), MAX_KEYS);
    assert!(rotate(false, NOW + day + 1).is_err());
    // To revoke the others is possible at any time.
    rotate(true, NOW + day + 1).unwrap();
    assert_eq!(served(NOW + day + 1), 1);
}

#[test]
fn rotates_under_load() {
    let directory = TempDir::new().unwrap();
    let issuer = open(&directory, Algorithm::EdDSA);
    let verifier = believing(issuer.as_issuer("own"));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..200 {
                    assert!(verify(&verifier, &mint(&issuer).token).is_ok());
                }
            });
        }
        for at in 0..10 {
            issuer.ring().rotate(Algorithm::EdDSA, false, NOW + at).unwrap();
        }
    });
    assert_eq!(issuer.ring().jwks(NOW)["keys"].as_array().unwrap().len(), 11);
}

#[test]
fn refuses_what_a_token_must_not_say() {
    let directory = TempDir::new().unwrap();
    let issuer = open(&directory, Algorithm::EdDSA);
    let refused = |change: &dyn Fn(&mut Grant)| {
        let mut grant = Grant::new("ann");
        change(&mut grant);
        issuer.mint(&grant, NOW).unwrap_err()
    };
    for reserved in [
        "iss",
        "sub",
        "exp",
        "aud",
        "jti",
        "iat",
        "nbf",
        "sid",
        "org_id",
        "roles",
        "permissions",
    ] {
        let error = refused(&|grant| {
            grant.claims.insert(reserved.into(), json!("x"));
        });
        assert!(
            matches!(&error, MintError::Field { field, .. } if field == reserved),
            "{error}"
        );
    }
    for user in ["", "a b", "a\n", &"x".repeat(257)] {
        assert!(
            matches!(
                refused(&|grant| grant.user = user.into()),
                MintError::Field { .. }
            ),
            "{user}"
        );
    }
    for lifetime in [Duration::ZERO, MAX_LIFETIME + Duration::from_secs(1)] {
        assert!(matches!(
            refused(&|grant| grant.lifetime = lifetime),
            MintError::Field { .. }
        ));
    }
    let large = refused(&|grant| {
        grant.claims.insert("x".into(), json!("y".repeat(8000)));
    });
    assert!(matches!(large, MintError::TooLarge(_)));
}

#[test]
fn refuses_damaged_files_and_leaves_them_alone() {
    let directory = TempDir::new().unwrap();
    drop(open(&directory, Algorithm::EdDSA));
    let good = std::fs::read_to_string(file(&directory)).unwrap();
    for damaged in [
        String::new(),
        "{}".into(),
        good[..good.len() / 2].to_owned(),
        good.replace("EdDSA", "RS256"),
        good.replace("\"version\":1", "\"version\":2"),
        good.replace("\"private\":\"", "\"private\":\"AAAA"),
    ] {
        std::fs::write(file(&directory), &damaged).unwrap();
        let refused = Ring::open(files(&directory), "env", Algorithm::EdDSA, NOW).unwrap_err();
        assert!(matches!(refused, KeyStoreError::Damaged { .. }), "{refused}");
        assert_eq!(std::fs::read_to_string(file(&directory)).unwrap(), damaged);
    }
}

#[test]
fn does_not_overwrite_keys_that_somebody_else_made() {
    let directory = TempDir::new().unwrap();
    let (one, two) = (
        open(&directory, Algorithm::EdDSA),
        open(&directory, Algorithm::EdDSA),
    );
    one.ring().rotate(Algorithm::EdDSA, false, NOW).unwrap();
    let refused = two.ring().rotate(Algorithm::EdDSA, false, NOW).unwrap_err();
    assert!(matches!(refused, KeyStoreError::Changed { .. }), "{refused}");
    let kept = open(&directory, Algorithm::EdDSA);
    assert_eq!(mint(&kept).kid, mint(&one).kid);
}

#[test]
fn takes_over_what_another_process_did() {
    let directory = TempDir::new().unwrap();
    let (one, two) = (
        open(&directory, Algorithm::EdDSA),
        open(&directory, Algorithm::EdDSA),
    );
    let before = mint(&two);
    one.ring().rotate(Algorithm::ES256, false, NOW).unwrap();
    let believing_two = believing(two.as_issuer("own"));
    assert!(verify(&believing_two, &mint(&one).token).is_err());
    two.ring().refresh(NOW).unwrap();
    assert_eq!(mint(&two).kid, mint(&one).kid);
    assert!(verify(&believing_two, &mint(&one).token).is_ok());
    assert!(verify(&believing_two, &before.token).is_ok());
    // Now it may rotate as well.
    two.ring().rotate(Algorithm::EdDSA, true, NOW).unwrap();
    one.ring().refresh(NOW).unwrap();
    assert!(verify(&believing(one.as_issuer("own")), &before.token).is_err());
    // Keys that are gone are no reason to make new ones.
    std::fs::remove_file(file(&directory)).unwrap();
    let kid = mint(&one).kid;
    let refused = one.ring().refresh(NOW).unwrap_err();
    assert!(matches!(refused, KeyStoreError::Changed { .. }), "{refused}");
    assert_eq!(mint(&one).kid, kid);
    assert!(!file(&directory).exists());
}

#[test]
fn finishes_what_a_crash_left_behind() {
    let directory = TempDir::new().unwrap();
    let issuer = open(&directory, Algorithm::EdDSA);
    std::fs::write(file(&directory).with_extension("new"), "half a fi").unwrap();
    issuer.ring().rotate(Algorithm::EdDSA, false, NOW).unwrap();
    assert!(!file(&directory).with_extension("new").exists());
}

#[test]
fn keeps_files_only_under_sane_names() {
    let directory = TempDir::new().unwrap();
    let store = files(&directory);
    for name in ["", "..", "a/b", "a.b", "a\0", &"x".repeat(65)] {
        let refused = store.load(name).unwrap_err();
        assert!(matches!(refused, KeyStoreError::Name), "{name}");
    }
    assert!(store.load("fine_-9").unwrap().is_none());
    store.delete("fine_-9").unwrap();
}

#[test]
fn signs_only_with_what_clients_verify() {
    let directory = TempDir::new().unwrap();
    for algorithm in [Algorithm::PS256, Algorithm::ES384, Algorithm::RS512] {
        assert!(Ring::open(files(&directory), "env", algorithm, NOW).is_err());
    }
}
