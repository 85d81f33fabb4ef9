//! Which tokens are accepted, and why the others are not.

// Helpers of tests may say what must hold by panicking.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use proptest::prelude::*;
use rowgate_identity::{Algorithm, Audiences, KeySet, KeySetError, Keys, TokenError};
use serde_json::{Value, json};
use support::*;

/// A key of each kind, with all algorithms that it can sign with.
fn kinds() -> Vec<(&'static str, Vec<&'static str>)> {
    vec![
        ("rsa", vec!["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]),
        ("p256", vec!["ES256"]),
        ("p384", vec!["ES384"]),
        ("ed", vec!["EdDSA"]),
    ]
}

struct Keyring {
    p256: Key,
    p384: Key,
    ed: Key,
}

impl Keyring {
    fn new() -> Self {
        Self {
            p256: Key::p256(),
            p384: Key::p384(),
            ed: Key::ed(),
        }
    }

    fn get(&self, kind: &str) -> &Key {
        match kind {
            "rsa" => Key::rsa(),
            "p256" => &self.p256,
            "p384" => &self.p384,
            _ => &self.ed,
        }
    }

    fn jwks(&self) -> Vec<Value> {
        kinds().iter().map(|(kind, _)| self.get(kind).jwk(kind)).collect()
    }
}

#[test]
fn accepts_every_algorithm_with_a_key_that_carries_it() {
    let keys = Keyring::new();
    let verifier = believing(issuer(&keys.jwks()));
    for (kind, algorithms) in kinds() {
        for alg in algorithms {
            let token = keys.get(kind).sign(&json!({"alg": alg, "kid": kind}), &claims());
            let identity = verify(&verifier, &token).unwrap();
            assert_eq!(identity.subject(), "ann");
            assert_eq!(identity.issuer(), "idp");
            assert!(identity.may_take("authenticated") && !identity.may_take("postgres"));
        }
    }
    assert_eq!(verifier.counters().verified(), 9);
}

#[test]
fn refuses_every_algorithm_that_the_key_does_not_carry() {
    let keys = Keyring::new();
    let verifier = believing(issuer(&keys.jwks()));
    let all = Algorithm::ALL.map(Algorithm::name);
    for (kind, own) in kinds() {
        for alg in all.iter().filter(|alg| !own.contains(alg)) {
            // Signed with the key that is named, in its own way, under another name.
            let token = keys.get(kind).sign(&json!({"alg": alg, "kid": kind}), &claims());
            assert_eq!(
                refused(verify(&verifier, &token)),
                "token_unknown_key",
                "{kind} as {alg}"
            );
        }
    }
    // The name of one algorithm of a key over the signature of another one.
    for (claimed, used) in [
        ("RS256", "PS256"),
        ("PS256", "RS256"),
        ("RS512", "RS256"),
        ("RS256", "RS384"),
    ] {
        let header = json!({"alg": claimed, "kid": "rsa"});
        let signed = format!("{}.{}", b64(header.to_string()), b64(claims().to_string()));
        let token = format!("{signed}.{}", b64(Key::rsa().signature(used, signed.as_bytes())));
        assert_eq!(
            refused(verify(&verifier, &token)),
            "token_signature",
            "{used} as {claimed}"
        );
    }
}

#[test]
fn refuses_unsigned_and_symmetric_tokens() {
    let verifier = believing(issuer(&[Key::rsa().jwk("rsa")]));
    let payload = b64(claims().to_string());
    for alg in [
        "none", "None", "nOnE", "NONE", "", "HS256", "HS384", "HS512", "ES512", "ES256K", "dir",
    ] {
        let header = b64(json!({"alg": alg, "kid": "rsa"}).to_string());
        let unsigned = format!("{header}.{payload}.");
        assert_eq!(refused(verify(&verifier, &unsigned)), "token_algorithm", "{alg}");
        // The public key as the secret of an HMAC: the classic.
        let secret = Key::rsa().jwk("rsa").to_string();
        let tag = aws_lc_rs::hmac::sign(
            &aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes()),
            format!("{header}.{payload}").as_bytes(),
        );
        let confused = format!("{header}.{payload}.{}", b64(tag));
        assert_eq!(refused(verify(&verifier, &confused)), "token_algorithm", "{alg}");
    }
    let header = b64(r#"{"alg":"RS256","kid":"rsa"}"#);
    assert_eq!(
        refused(verify(&verifier, &format!("{header}.{payload}."))),
        "token_signature"
    );
    let header = b64(r#"{"kid":"rsa"}"#);
    assert_eq!(
        refused(verify(&verifier, &format!("{header}.{payload}."))),
        "token_algorithm"
    );
}

#[test]
fn accepts_only_the_algorithms_that_the_issuer_is_configured_with() {
    let key = Key::p256();
    let mut only_rsa = issuer(&[key.jwk("k")]);
    only_rsa.algorithms = vec![Algorithm::RS256];
    assert_eq!(
        refused(verify(&believing(only_rsa), &key.token("k", &claims()))),
        "token_algorithm"
    );
}

#[test]
fn keeps_to_what_a_key_says_about_itself() {
    let with = |name: &str, value: Value| {
        let mut jwk = Key::rsa().jwk("k");
        jwk[name] = value;
        KeySet::parse(json!({"keys": [jwk]}).to_string().as_bytes())
    };
    for (name, value) in [
        ("use", json!("sig")),
        ("key_ops", json!(["verify"])),
        ("key_ops", json!(["sign", "verify"])),
        ("alg", json!("RS256")),
        ("x5c", json!(["whatever"])),
    ] {
        assert!(with(name, value.clone()).is_ok(), "{name} {value}");
    }
    for (name, value) in [
        ("use", json!("enc")),
        ("use", json!(1)),
        ("key_ops", json!(["encrypt"])),
        ("key_ops", json!([])),
        ("key_ops", json!("verify")),
        ("alg", json!("RSA-OAEP")),
        ("alg", json!("HS256")),
        ("alg", json!("none")),
        ("alg", json!("ES256")),
        ("kty", json!("oct")),
        ("kty", json!("EC")),
        ("d", json!("AQAB")),
        ("e", json!("")),
        ("e", json!("AQ")),
        ("e", json!("AAAA")),
        ("e", json!("BA")),
        ("n", json!("AQAB")),
        ("n", json!("not base64!")),
    ] {
        let refused = with(name, value.clone()).unwrap_err();
        assert!(
            matches!(refused, KeySetError::NoUsableKey { .. }),
            "{name} {value}"
        );
    }
    // A key that says its algorithm verifies that one only.
    let mut jwk = Key::rsa().jwk("k");
    jwk["alg"] = json!("RS512");
    let verifier = believing(issuer(&[jwk]));
    let token = |alg: &str| Key::rsa().sign(&json!({"alg": alg, "kid": "k"}), &claims());
    assert!(verify(&verifier, &token("RS512")).is_ok());
    assert_eq!(refused(verify(&verifier, &token("RS256"))), "token_unknown_key");
}

#[test]
fn refuses_keys_that_cannot_be_keys() {
    let refused = |jwk: Value| {
        let text = json!({"keys": [jwk]}).to_string();
        KeySet::parse(text.as_bytes()).unwrap_err()
    };
    let mut off_curve = Key::p256().jwk("k");
    off_curve["y"] = off_curve["x"].clone();
    let mut wrong_curve = Key::p256().jwk("k");
    wrong_curve["crv"] = json!("P-384");
    let mut unknown_curve = Key::p256().jwk("k");
    unknown_curve["crv"] = json!("secp256k1");
    let mut short = Key::ed().jwk("k");
    short["x"] = json!(b64([7; 31]));
    let mut x25519 = Key::ed().jwk("k");
    x25519["crv"] = json!("X25519");
    for jwk in [
        off_curve,
        wrong_curve,
        unknown_curve,
        short,
        x25519,
        json!({}),
        json!({"kty": "RSA"}),
    ] {
        assert!(
            matches!(refused(jwk.clone()), KeySetError::NoUsableKey { .. }),
            "{jwk}"
        );
    }
    let weak = json!({"kty": "RSA", "n": b64([0xff; 128]), "e": "AQAB"});
    let vast = json!({"kty": "RSA", "n": b64([0xff; 1025]), "e": "AQAB"});
    for jwk in [weak, vast] {
        let text = refused(jwk).to_string();
        assert!(text.contains("bits"), "{text}");
    }
}

#[test]
fn reads_key_sets_strictly_and_takes_the_keys_it_can_use() {
    let good = Key::ed().jwk("good");
    let set = json!({"keys": [{"kty": "oct", "k": "AQAB"}, 7, good, {"kty": "RSA"}], "more": true});
    let set = KeySet::parse(set.to_string().as_bytes()).unwrap();
    assert_eq!((set.keys().len(), set.skipped().len()), (1, 3));
    for text in [
        "",
        "{}",
        "[]",
        "null",
        r#"{"keys":{}}"#,
        r#"{"keys":[],"keys":[]}"#,
        "<html></html>",
    ] {
        assert_eq!(
            KeySet::parse(text.as_bytes()).unwrap_err(),
            KeySetError::Malformed,
            "{text}"
        );
    }
    let empty = KeySet::parse(br#"{"keys":[]}"#).unwrap_err();
    assert_eq!(empty, KeySetError::NoUsableKey { skipped: vec![] });
    let many = json!({"keys": vec![good; 101]}).to_string();
    assert_eq!(KeySet::parse(many.as_bytes()).unwrap_err(), KeySetError::TooMany);
}

#[test]
fn finds_the_key_by_its_name() {
    let (one, two) = (Key::ed(), Key::ed());
    let verifier = believing(issuer(&[one.jwk("one"), two.jwk("two")]));
    assert!(verify(&verifier, &one.token("one", &claims())).is_ok());
    assert_eq!(
        refused(verify(&verifier, &one.token("two", &claims()))),
        "token_signature"
    );
    assert_eq!(
        refused(verify(&verifier, &one.token("three", &claims()))),
        "token_unknown_key"
    );
    // Without a name there must be one key that fits.
    let nameless = one.sign(&json!({"alg": "EdDSA"}), &claims());
    assert_eq!(refused(verify(&verifier, &nameless)), "token_unknown_key");
    let verifier = believing(issuer(&[one.jwk("one"), Key::rsa().jwk("two")]));
    assert!(verify(&verifier, &nameless).is_ok());
}

#[test]
fn tries_keys_that_share_a_name() {
    let (one, two) = (Key::ed(), Key::ed());
    let verifier = believing(issuer(&[one.jwk("k"), two.jwk("k"), Key::rsa().jwk("k")]));
    for key in [&one, &two, Key::rsa()] {
        assert!(verify(&verifier, &key.token("k", &claims())).is_ok());
    }
    assert_eq!(
        refused(verify(&verifier, &Key::ed().token("k", &claims()))),
        "token_signature"
    );
}

#[test]
fn does_not_look_at_keys_that_a_token_brings_along() {
    let (own, evil) = (Key::ed(), Key::ed());
    let verifier = believing(issuer(&[own.jwk("k")]));
    let header =
        json!({"alg": "EdDSA", "kid": "k", "jwk": evil.jwk("k"), "jku": "https://evil.example.com/"});
    assert_eq!(
        refused(verify(&verifier, &evil.sign(&header, &claims()))),
        "token_signature"
    );
    assert!(verify(&verifier, &own.sign(&header, &claims())).is_ok());
}

#[test]
fn refuses_headers_that_mean_something_else() {
    let key = Key::ed();
    let verifier = believing(issuer(&[key.jwk("k")]));
    let with = |changes: Value| {
        let mut header = json!({"alg": "EdDSA", "kid": "k"});
        header
            .as_object_mut()
            .unwrap()
            .extend(changes.as_object().unwrap().clone());
        verify(&verifier, &key.sign(&header, &claims()))
    };
    for typ in ["JWT", "jwt", "at+jwt", "application/at+jwt", "application/jwt"] {
        assert!(with(json!({"typ": typ})).is_ok(), "{typ}");
    }
    for changes in [
        json!({"typ": "logout+jwt"}),
        json!({"typ": "dpop+jwt"}),
        json!({"typ": ""}),
        json!({"typ": null}),
        json!({"crit": ["b64"], "b64": false}),
        json!({"crit": []}),
        json!({"kid": 7}),
        json!({"kid": ""}),
        json!({"kid": "k".repeat(2000)}),
    ] {
        assert_eq!(refused(with(changes.clone())), "token_malformed", "{changes}");
    }
}

#[test]
fn checks_when_a_token_is_valid() {
    let key = Key::ed();
    let verifier = believing(issuer(&[key.jwk("k")]));
    let at = |changes: Value| verify(&verifier, &key.token("k", &claims_with(changes)));
    for accepted in [
        json!({"exp": NOW + 1}),
        json!({"exp": NOW - 29, "iat": null}),
        json!({"exp": (NOW + 1) as f64 + 0.5}),
        json!({"nbf": NOW}),
        json!({"nbf": NOW + 30}),
        json!({"nbf": 0}),
        json!({"iat": null}),
        json!({"iat": NOW + 30}),
    ] {
        assert!(at(accepted.clone()).is_ok(), "{accepted}");
    }
    for (changes, code) in [
        (json!({"exp": NOW - 30, "iat": null}), "token_expired"),
        (json!({"exp": 0, "iat": null}), "token_expired"),
        (json!({"nbf": NOW + 31}), "token_not_yet_valid"),
        (json!({"iat": NOW + 31}), "token_not_yet_valid"),
        (json!({"exp": null}), "token_claim"),
        (json!({"exp": NOW - 20}), "token_claim"),
        (json!({"exp": (NOW + 300).to_string()}), "token_claim"),
        (json!({"exp": true}), "token_claim"),
        (json!({"exp": -1}), "token_claim"),
        (json!({"exp": 1e300}), "token_claim"),
        // Milliseconds: it would live for fifty thousand years.
        (json!({"exp": (NOW + 300) * 1000}), "token_claim"),
        (json!({"nbf": "soon"}), "token_claim"),
        (json!({"iat": []}), "token_claim"),
    ] {
        assert_eq!(refused(at(changes.clone())), code, "{changes}");
    }
}

#[test]
fn lets_tokens_live_forever_only_where_that_is_configured() {
    let key = Key::ed();
    let token = key.token("k", &claims_with(json!({"exp": null})));
    let mut lax = issuer(&[key.jwk("k")]);
    lax.require_exp = false;
    assert!(verify_at(&believing(lax), &token, NOW * 2).is_ok());
    assert_eq!(
        refused(verify(&believing(issuer(&[key.jwk("k")])), &token)),
        "token_claim"
    );
}

#[test]
fn allows_for_clocks_that_differ_as_much_as_configured() {
    let key = Key::ed();
    let token = key.token("k", &claims());
    for (leeway, last) in [(0, NOW + 299), (30, NOW + 329), (300, NOW + 599)] {
        let mut issuer = issuer(&[key.jwk("k")]);
        issuer.leeway = std::time::Duration::from_secs(leeway);
        let verifier = believing(issuer);
        assert!(verify_at(&verifier, &token, last).is_ok(), "{leeway}");
        assert_eq!(
            refused(verify_at(&verifier, &token, last + 1)),
            "token_expired",
            "{leeway}"
        );
        let earliest = NOW - 10 - leeway;
        assert!(verify_at(&verifier, &token, earliest).is_ok(), "{leeway}");
        assert_eq!(
            refused(verify_at(&verifier, &token, earliest - 1)),
            "token_not_yet_valid",
            "{leeway}"
        );
    }
}

#[test]
fn checks_whom_a_token_is_for() {
    let key = Key::ed();
    let verifier = believing(issuer(&[key.jwk("k")]));
    let aud = |aud: Value| verify(&verifier, &key.token("k", &claims_with(json!({"aud": aud}))));
    assert!(aud(json!("app")).is_ok());
    assert!(aud(json!(["other", "app"])).is_ok());
    for wrong in [
        json!("App"),
        json!(""),
        json!("app "),
        json!([]),
        json!(["other"]),
        Value::Null,
    ] {
        assert_eq!(refused(aud(wrong.clone())), "token_audience", "{wrong}");
    }
    for nonsense in [json!(7), json!({"app": 1}), json!(["app", 7])] {
        assert_eq!(refused(aud(nonsense.clone())), "token_claim", "{nonsense}");
    }
    let mut any = issuer(&[key.jwk("k")]);
    any.audiences = Audiences::Any;
    let verifier = believing(any);
    assert!(verify(&verifier, &key.token("k", &claims_with(json!({"aud": null})))).is_ok());
}

#[test]
fn keeps_issuers_apart() {
    let (one, two) = (Key::ed(), Key::ed());
    let mut second = issuer(&[two.jwk("k")]);
    (second.name, second.issuer) = ("second".into(), "https://second.example.com/".into());
    second.roles = vec!["reporting".into()];
    let verifier = believing(issuer(&[one.jwk("k")]));
    verifier.add(second).unwrap();
    let of_second = claims_with(json!({"iss": "https://second.example.com/"}));
    let identity = verify(&verifier, &two.token("k", &of_second)).unwrap();
    assert_eq!(
        (identity.issuer(), identity.may_take("authenticated")),
        ("second", false)
    );
    // The keys of one issuer say nothing about the other.
    assert_eq!(
        refused(verify(&verifier, &one.token("k", &of_second))),
        "token_signature"
    );
    assert_eq!(
        refused(verify(&verifier, &two.token("k", &claims()))),
        "token_signature"
    );
    for iss in [
        "https://idp.example.com",
        "https://IDP.example.com/",
        "",
        "https://idp.example.com/x",
    ] {
        let token = one.token("k", &claims_with(json!({"iss": iss})));
        assert_eq!(
            refused(verify(&verifier, &token)),
            "token_unknown_issuer",
            "{iss}"
        );
    }
    for iss in [Value::Null, json!(7), json!([ISSUER])] {
        let token = one.token("k", &claims_with(json!({"iss": iss})));
        assert_eq!(refused(verify(&verifier, &token)), "token_claim", "{iss}");
    }
}

#[test]
fn tells_two_of_one_issuer_apart_by_audience() {
    let key = Key::ed();
    let mut billing = issuer(&[key.jwk("k")]);
    (billing.name, billing.audiences) = ("billing".into(), Audiences::OneOf(vec!["billing".into()]));
    let verifier = believing(issuer(&[key.jwk("k")]));
    verifier.add(billing.clone()).unwrap();
    let aud = |aud: Value| verify(&verifier, &key.token("k", &claims_with(json!({"aud": aud}))));
    assert_eq!(aud(json!("app")).unwrap().issuer(), "idp");
    assert_eq!(aud(json!("billing")).unwrap().issuer(), "billing");
    assert_eq!(refused(aud(json!(["app", "billing"]))), "token_claim");
    assert_eq!(refused(aud(json!("other"))), "token_audience");
    // What cannot be told apart is not configured.
    billing.name = "again".into();
    let refusal = verifier.add(billing.clone()).unwrap_err().to_string();
    assert!(refusal.contains("`billing`"), "{refusal}");
    (billing.name, billing.audiences) = ("any".into(), Audiences::Any);
    assert!(verifier.add(billing).is_err());
}

#[test]
fn refuses_settings_that_accept_nothing_or_too_much() {
    let key = Key::ed().jwk("k");
    let refused = |change: &dyn Fn(&mut rowgate_identity::Issuer)| {
        let mut issuer = issuer(std::slice::from_ref(&key));
        change(&mut issuer);
        verifier().add(issuer).unwrap_err().to_string()
    };
    assert!(refused(&|issuer| issuer.audiences = Audiences::OneOf(vec![])).contains("audiences"));
    assert!(refused(&|issuer| issuer.audiences = Audiences::OneOf(vec!["".into()])).contains("audiences"));
    assert!(refused(&|issuer| issuer.algorithms.clear()).contains("algorithms"));
    assert!(refused(&|issuer| issuer.issuer.clear()).contains("iss"));
    assert!(refused(&|issuer| issuer.name = "a\nb".into()).contains("name"));
    assert!(refused(&|issuer| issuer.leeway = std::time::Duration::from_secs(301)).contains("leeway"));
    assert!(
        refused(&|issuer| issuer.refresh.soft = std::time::Duration::from_secs(1 << 30)).contains("refresh")
    );
}

#[test]
fn takes_the_user_from_the_configured_claim() {
    let key = Key::ed();
    let mut by_email = issuer(&[key.jwk("k")]);
    by_email.subject_claim = "email".into();
    let verifier = believing(by_email);
    let identity = verify(
        &verifier,
        &key.token("k", &claims_with(json!({"email": "ann@x"}))),
    )
    .unwrap();
    assert_eq!(identity.subject(), "ann@x");
    for email in [Value::Null, json!(7), json!(""), json!(["ann@x"])] {
        let token = key.token("k", &claims_with(json!({"email": email})));
        assert_eq!(refused(verify(&verifier, &token)), "token_claim", "{email}");
    }
}

#[test]
fn reads_what_a_session_says() {
    let key = Key::ed();
    let verifier = believing(issuer(&[key.jwk("k")]));
    let said = json!({
        "org_id": "org_1", "sid": "session_1", "role": "admin", "roles": ["member", "admin"],
        "permissions": ["a:read", 7, "b:read"],
    });
    let identity = verify(&verifier, &key.token("k", &claims_with(said))).unwrap();
    let claims = identity.claims();
    assert_eq!(
        (claims.organization(), claims.session()),
        (Some("org_1"), Some("session_1"))
    );
    assert_eq!(claims.roles().collect::<Vec<_>>(), ["admin", "member"]);
    assert_eq!(claims.permissions().collect::<Vec<_>>(), ["a:read", "b:read"]);
    assert!(identity.has_permission("b:read") && !identity.has_permission("c:read"));
}

#[test]
fn refuses_what_is_no_token() {
    let key = Key::ed();
    let verifier = believing(issuer(&[key.jwk("k")]));
    let good = key.token("k", &claims());
    let header = r#"{"alg":"EdDSA","kid":"k"}"#;
    let padded = format!("{good}==");
    let parts: Vec<&str> = good.split('.').collect();
    for (token, code) in [
        ("", "token_malformed"),
        (".", "token_malformed"),
        ("..", "token_malformed"),
        ("a.b", "token_malformed"),
        ("a.b.c.d", "token_malformed"),
        (padded.as_str(), "token_malformed"),
        (&format!(" {good}"), "token_malformed"),
        (&format!("{good}."), "token_malformed"),
        (&format!("{}.{}", parts[0], parts[1]), "token_malformed"),
        (&key.sign_text("[]", &claims().to_string()), "token_malformed"),
        (&key.sign_text(header, "[]"), "token_malformed"),
        (&key.sign_text(header, "not JSON"), "token_malformed"),
        (
            &key.sign_text(header, r#"{"sub":"ann","sub":"bob"}"#),
            "token_malformed",
        ),
        (
            &key.sign_text(r#"{"alg":"EdDSA","kid":"k","alg":"none"}"#, "{}"),
            "token_malformed",
        ),
        (&key.sign_text(header, "{}"), "token_claim"),
        (&"x".repeat(20_000), "token_too_large"),
        (
            &key.token("k", &claims_with(json!({"x": "y".repeat(20_000)}))),
            "token_too_large",
        ),
    ] {
        assert_eq!(
            refused(verify(&verifier, token)),
            code,
            "{}",
            token.get(..80).unwrap_or(token)
        );
    }
    assert!(verify(&verifier, &good).is_ok());
}

#[test]
fn shows_nothing_of_a_token_when_refusing_it() {
    let key = Key::ed();
    let verifier = believing(issuer(&[Key::ed().jwk("k")]));
    let secret =
        json!({"sub": "secret-ann", "aud": "secret-audience", "iss": "secret-issuer", "exp": "secret"});
    for changes in secret.as_object().unwrap() {
        let token = key.token("secret-kid", &claims_with(json!({changes.0: changes.1})));
        let error = verify(&verifier, &token).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("secret"), "{shown}");
    }
}

#[test]
fn has_a_code_and_a_message_for_every_refusal() {
    let codes = TokenError::CODES;
    let distinct: std::collections::HashSet<_> = codes.iter().collect();
    assert_eq!(distinct.len(), codes.len());
    let unavailable = TokenError::KeysUnavailable {
        issuer: "idp".into(),
        error: rowgate_identity::jwks::FetchError::Timeout,
    };
    assert!(unavailable.is_temporary() && codes.contains(&unavailable.code()));
    assert!(!TokenError::Signature.is_temporary());
}

#[test]
fn verifies_what_another_library_signs_and_the_other_way_round() {
    let key = Key::p256();
    let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(key.jwk("k")).unwrap();
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::ES256);
    validation.set_audience(&["app"]);
    let token = key.token("k", &current_claims());
    let public = jsonwebtoken::DecodingKey::from_jwk(&jwk).unwrap();
    let decoded = jsonwebtoken::decode::<Value>(&token, &public, &validation).unwrap();
    assert_eq!(decoded.claims["sub"], "ann");
}

#[test]
fn believes_keys_only_from_a_key_set() {
    let text = json!({"keys": [Key::ed().jwk("k")]}).to_string();
    let keys = KeySet::parse(text.as_bytes()).unwrap();
    let keys = Keys::Inline(std::sync::Arc::new(keys));
    assert!(format!("{keys:?}").contains("EdDSA"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// A token with one character changed, removed or added anywhere is not accepted as anybody else's, and nothing panics.
    #[test]
    fn refuses_mutated_tokens(at in 0.0..1.0f64, what in 0..3u8, char in "[A-Za-z0-9_.=+/ -]") {
        thread_local! {
            static SETUP: (rowgate_identity::Verifier, String, Key) = {
                let key = Key::ed();
                let verifier = believing(issuer(&[key.jwk("k")]));
                let token = key.token("k", &claims());
                (verifier, token, key)
            };
        }
        SETUP.with(|(verifier, token, _)| {
            let at = (at * token.len() as f64) as usize;
            let mut mutated = token.clone();
            match what {
                0 => mutated.replace_range(at..at + 1, &char),
                1 => mutated.replace_range(at..at + 1, ""),
                _ => mutated.insert_str(at, &char),
            }
            let outcome = verify(verifier, &mutated);
            prop_assert_eq!(outcome.is_ok(), mutated == *token, "{}", mutated);
            Ok(())
        })?;
    }

    /// Whatever bytes come, the answer is a refusal.
    #[test]
    fn refuses_noise(token in "[ -~]{0,200}(\\.[ -~]{0,200}){0,4}") {
        let verifier = believing(issuer(&[Key::ed().jwk("k")]));
        prop_assert!(verify(&verifier, &token).is_err());
    }

    /// Any JSON in the place of a claim is read or refused, and never panics.
    #[test]
    fn survives_any_claim(
        name in prop::sample::select(vec!["iss", "sub", "aud", "exp", "nbf", "iat"]),
        text in prop::sample::select(vec![
            "null", "true", "0", "-1", "1e400", "1e18", "0.5", "\"\"", "\"x\"", "[]", "{}", "[null]", "[[\"app\"]]",
            "18446744073709551615", "-9223372036854775808", "{\"app\":\"app\"}", "99999999999999999999999",
        ]),
    ) {
        let key = Key::ed();
        let verifier = believing(issuer(&[key.jwk("k")]));
        let mut claims = claims_with(json!({name: null})).to_string();
        claims.insert_str(1, &format!("\"{name}\":{text},"));
        let outcome = verify(&verifier, &key.sign_text(r#"{"alg":"EdDSA","kid":"k"}"#, &claims));
        let accepted = matches!((name, text), ("sub", "\"x\"") | ("nbf" | "iat", "0" | "0.5"));
        prop_assert_eq!(outcome.is_ok(), accepted, "{} {}", name, text);
    }
}
