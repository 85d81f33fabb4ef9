//! Key sets over HTTP: fetched once, kept, refreshed, and never a reason to wait for somebody else's issuer.

// Helpers of tests may say what must hold by panicking.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use rowgate_identity::jwks::Refresh;
use rowgate_identity::{Identity, Keys, TokenError, Verifier};
use serde_json::json;
use support::*;

const MS: fn(u64) -> Duration = Duration::from_millis;

/// Ages so short that a test can wait for them.
fn quick() -> Refresh {
    Refresh {
        soft: MS(300),
        hard: MS(1200),
        max_age: MS(4000),
        unknown_kid: MS(300),
        retry: MS(20),
    }
}

/// Ages that a test never reaches.
fn patient() -> Refresh {
    Refresh {
        unknown_kid: MS(300),
        ..Refresh::default()
    }
}

async fn ask(verifier: &Verifier, token: &str) -> Result<Arc<Identity>, TokenError> {
    verifier.verify(token).await
}

/// Waits until something holds, for a second.
async fn until(holds: impl Fn() -> bool) {
    for _ in 0..200 {
        if holds() {
            return;
        }
        tokio::time::sleep(MS(5)).await;
    }
    panic!("it did not happen within a second");
}

#[tokio::test]
async fn fetches_keys_when_the_first_token_comes_and_keeps_them() {
    let key = Key::ed();
    let server = Jwks::publishing(&[key.jwk("k")]).await;
    let verifier = believing(server.issuer(Refresh::default()));
    assert_eq!(server.requests(), 0);
    for session in 0..20 {
        let mut claims = current_claims();
        claims["sid"] = json!(session);
        assert!(ask(&verifier, &key.token("k", &claims)).await.is_ok());
    }
    assert_eq!(server.requests(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thundering_herd_is_one_fetch() {
    let key = Key::ed();
    let body = json!({"keys": [key.jwk("k")]}).to_string();
    let server = Jwks::start(Answer::Slow(MS(200), body)).await;
    let verifier = Arc::new(believing(server.issuer(Refresh::default())));
    let mut herd = tokio::task::JoinSet::new();
    for number in 0..500 {
        let mut claims = current_claims();
        claims["sid"] = json!(number);
        let (verifier, token) = (Arc::clone(&verifier), key.token("k", &claims));
        herd.spawn(async move { ask(&verifier, &token).await.is_ok() });
    }
    assert!(herd.join_all().await.into_iter().all(|verified| verified));
    assert_eq!(server.requests(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_herd_with_an_unknown_key_is_one_more_fetch_per_while() {
    let (key, stranger) = (Key::ed(), Key::ed());
    let server = Jwks::publishing(&[key.jwk("k")]).await;
    let verifier = Arc::new(believing(server.issuer(patient())));
    assert!(ask(&verifier, &key.token("k", &current_claims())).await.is_ok());
    for fetches in [2, 3] {
        let mut herd = tokio::task::JoinSet::new();
        for number in 0..200 {
            let (verifier, kid) = (Arc::clone(&verifier), format!("made-up-{number}"));
            let token = stranger.token(&kid, &current_claims());
            herd.spawn(async move { refused(ask(&verifier, &token).await) });
        }
        for code in herd.join_all().await {
            assert_eq!(code, "token_unknown_key");
        }
        assert_eq!(server.requests(), fetches);
        tokio::time::sleep(MS(320)).await;
    }
}

#[tokio::test]
async fn finds_a_new_key_at_once() {
    let (old, new) = (Key::ed(), Key::ed());
    let server = Jwks::publishing(&[old.jwk("old")]).await;
    let verifier = believing(server.issuer(patient()));
    assert!(ask(&verifier, &old.token("old", &current_claims())).await.is_ok());
    server.publishes(&[old.jwk("old"), new.jwk("new")]);
    assert!(ask(&verifier, &new.token("new", &current_claims())).await.is_ok());
    assert!(ask(&verifier, &old.token("old", &current_claims())).await.is_ok());
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn forgets_tokens_of_a_key_that_left() {
    let (old, new) = (Key::ed(), Key::ed());
    let server = Jwks::publishing(&[old.jwk("old"), new.jwk("new")]).await;
    let verifier = believing(server.issuer(quick()));
    let token = old.token("old", &current_claims());
    assert!(ask(&verifier, &token).await.is_ok());
    assert!(ask(&verifier, &token).await.is_ok());
    assert_eq!(
        (verifier.counters().verified(), verifier.counters().remembered()),
        (1, 1)
    );
    server.publishes(&[new.jwk("new")]);
    tokio::time::sleep(MS(310)).await;
    // Old enough to be refreshed beside: this one is still answered from what is there.
    assert!(ask(&verifier, &token).await.is_ok());
    until(|| server.requests() == 2).await;
    tokio::time::sleep(MS(30)).await;
    assert_eq!(refused(ask(&verifier, &token).await), "token_unknown_key");
    assert_eq!(verifier.remembered(), 0);
}

#[tokio::test]
async fn a_key_under_another_name_is_still_the_key() {
    let key = Key::ed();
    let server = Jwks::publishing(&[key.jwk("old")]).await;
    let verifier = believing(server.issuer(patient()));
    let token = key.token("old", &current_claims());
    assert!(ask(&verifier, &token).await.is_ok());
    // A stranger's token under the old name is refused all the same.
    server.publishes(&[Key::ed().jwk("old")]);
    let stranger = Key::ed().token("other", &current_claims());
    assert_eq!(refused(ask(&verifier, &stranger).await), "token_unknown_key");
    assert_eq!(refused(ask(&verifier, &token).await), "token_signature");
}

#[tokio::test(flavor = "multi_thread")]
async fn rotation_under_load_loses_no_request() {
    let keys: Vec<Key> = (0..6).map(|_| Key::ed()).collect();
    let jwk = |at: usize| keys[at].jwk(&format!("k{at}"));
    let server = Jwks::publishing(&[jwk(0)]).await;
    let refresh = Refresh {
        unknown_kid: Duration::ZERO,
        ..quick()
    };
    let verifier = Arc::new(believing(server.issuer(refresh)));
    let mut asked = 0;
    for at in 1..keys.len() {
        // The old one stays while its tokens live.
        server.publishes(&[jwk(at - 1), jwk(at)]);
        let mut load = tokio::task::JoinSet::new();
        for number in 0..200 {
            let which = at - number % 2;
            let mut claims = current_claims();
            claims["sid"] = json!(number / 8);
            let token = keys[which].token(&format!("k{which}"), &claims);
            let verifier = Arc::clone(&verifier);
            load.spawn(async move { ask(&verifier, &token).await.map(|_| ()) });
        }
        for outcome in load.join_all().await {
            assert_eq!(outcome, Ok(()));
            asked += 1;
        }
        tokio::time::sleep(MS(60)).await;
    }
    assert_eq!(asked, 1000);
    assert!(server.requests() < 40, "{}", server.requests());
}

#[tokio::test]
async fn keeps_the_last_good_keys_until_they_are_too_old() {
    let key = Key::ed();
    let server = Jwks::publishing(&[key.jwk("k")]).await;
    let verifier = believing(server.issuer(quick()));
    let token = key.token("k", &current_claims());
    assert!(ask(&verifier, &token).await.is_ok());
    let started = Instant::now();
    for bad in [
        Answer::Status(500),
        Answer::Body("{}".into()),
        Answer::Body(r#"{"keys":[]}"#.into()),
        Answer::Body("<html>".into()),
        Answer::Close,
    ] {
        server.answers(bad);
        tokio::time::sleep(MS(200)).await;
        assert!(
            started.elapsed() < MS(3500),
            "the machine is too slow for this test"
        );
        assert!(ask(&verifier, &token).await.is_ok());
    }
    assert!(server.requests() > 1);
    tokio::time::sleep(MS(4100).saturating_sub(started.elapsed())).await;
    // Nobody can tell any more, not even about a token that was verified before.
    assert_eq!(refused(ask(&verifier, &token).await), "token_keys_unavailable");
    server.publishes(&[key.jwk("k")]);
    // As soon as it is time to try again.
    let mut outcome = ask(&verifier, &token).await;
    while outcome.is_err() && started.elapsed() < MS(20_000) {
        tokio::time::sleep(MS(20)).await;
        outcome = ask(&verifier, &token).await;
    }
    assert!(outcome.is_ok());
}

#[tokio::test]
async fn says_why_there_are_no_keys() {
    let key = Key::ed();
    let token = key.token("k", &current_claims());
    for (answer, why) in [
        (Answer::Status(404), "status 404"),
        (Answer::Status(500), "status 500"),
        (
            Answer::Redirect("https://idp.example.com/".into()),
            "redirects are not followed",
        ),
        (Answer::Huge(1 << 20), "larger than 262144 bytes"),
        (Answer::Body(String::new()), "not a JSON object"),
        (Answer::Body("{\"keys\":[".into()), "not a JSON object"),
        (Answer::Body("{\"keys\":[]}".into()), "no key"),
        (
            Answer::Body(json!({"keys": [{"kty": "oct", "k": "AQAB"}]}).to_string()),
            "private part",
        ),
        (
            Answer::Body(json!({"keys": vec![key.jwk("k"); 101]}).to_string()),
            "more than 100 keys",
        ),
        (Answer::Close, "connection failed"),
        (Answer::Noise, "connection failed"),
    ] {
        let server = Jwks::start(answer).await;
        let verifier = believing(server.issuer(Refresh::default()));
        let error = ask(&verifier, &token).await.unwrap_err();
        assert_eq!(error.code(), "token_keys_unavailable");
        assert!(error.to_string().contains(why), "{error}");
    }
}

#[tokio::test]
async fn never_follows_a_redirect() {
    let key = Key::ed();
    let evil = Jwks::publishing(&[key.jwk("k")]).await;
    let server = Jwks::start(Answer::Redirect(evil.url.clone())).await;
    let verifier = believing(server.issuer(Refresh::default()));
    assert!(ask(&verifier, &key.token("k", &current_claims())).await.is_err());
    assert_eq!(evil.requests(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn gives_up_on_a_server_that_hangs_and_delays_nobody_else() {
    let (key, other) = (Key::ed(), Key::ed());
    let hanging = Jwks::start(Answer::Hang).await;
    let healthy = Jwks::publishing(&[other.jwk("k")]).await;
    let verifier = Arc::new(believing(hanging.issuer(Refresh::default())));
    let mut second = healthy.issuer(Refresh::default());
    (second.name, second.issuer) = ("healthy".into(), "https://healthy.example.com/".into());
    verifier.add(second).unwrap();
    let stuck = {
        let (verifier, token) = (Arc::clone(&verifier), key.token("k", &current_claims()));
        tokio::spawn(async move {
            let started = Instant::now();
            (refused(ask(&verifier, &token).await), started.elapsed())
        })
    };
    tokio::time::sleep(MS(50)).await;
    let mut claims = current_claims();
    claims["iss"] = json!("https://healthy.example.com/");
    let started = Instant::now();
    assert!(ask(&verifier, &other.token("k", &claims)).await.is_ok());
    assert!(started.elapsed() < MS(4000), "{:?}", started.elapsed());
    let (code, took) = stuck.await.unwrap();
    assert_eq!(code, "token_keys_unavailable");
    assert!(took > MS(4500) && took < MS(7000), "{took:?}");
    // The next one is told at once: the issuer is not asked again before a while has gone by.
    let started = Instant::now();
    let token = key.token("k", &current_claims());
    assert_eq!(refused(ask(&verifier, &token).await), "token_keys_unavailable");
    assert!(started.elapsed() < MS(4000), "{:?}", started.elapsed());
    assert_eq!(hanging.requests(), 1);
}

#[tokio::test]
async fn a_request_that_is_given_up_takes_nothing_from_the_others() {
    let key = Key::ed();
    let body = json!({"keys": [key.jwk("k")]}).to_string();
    let server = Jwks::start(Answer::Slow(MS(300), body)).await;
    let verifier = Arc::new(believing(server.issuer(Refresh::default())));
    let token = key.token("k", &current_claims());
    let given_up = tokio::time::timeout(MS(50), ask(&verifier, &token)).await;
    assert!(given_up.is_err());
    assert!(ask(&verifier, &token).await.is_ok());
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn waits_longer_after_each_failure() {
    let server = Jwks::start(Answer::Status(500)).await;
    let verifier = believing(server.issuer(quick()));
    let token = Key::ed().token("k", &current_claims());
    let started = Instant::now();
    while started.elapsed() < MS(600) {
        assert!(ask(&verifier, &token).await.is_err());
        tokio::time::sleep(MS(2)).await;
    }
    // 20 ms, 40, 80, 160, 320: without waiting there would be hundreds.
    let requests = server.requests();
    assert!((2..=6).contains(&requests), "{requests}");
    let mut outcomes = Vec::new();
    verifier.each_fetched(|name, counters, state| {
        outcomes.push((name.to_owned(), counters.outcomes().collect::<Vec<_>>(), state));
    });
    let (name, counts, state) = &outcomes[0];
    assert_eq!(name, "idp");
    assert!(
        counts.contains(&("status", requests as u64)) && counts.contains(&("ok", 0)),
        "{counts:?}"
    );
    assert!(state.failure.is_some() && state.keys == 0 && state.age.is_none());
}

#[tokio::test]
async fn an_issuer_that_is_removed_is_not_believed_any_more() {
    let key = Key::ed();
    let verifier = believing(issuer(&[key.jwk("k")]));
    let token = key.token("k", &current_claims());
    assert!(ask(&verifier, &token).await.is_ok());
    verifier.remove("idp");
    assert_eq!(refused(ask(&verifier, &token).await), "token_unknown_issuer");
    // The same name with other keys is another issuer.
    verifier.add(issuer(&[Key::ed().jwk("k")])).unwrap();
    assert_eq!(refused(ask(&verifier, &token).await), "token_signature");
}

#[tokio::test]
async fn a_remembered_token_expires() {
    let key = Key::ed();
    let verifier = believing(issuer(&[key.jwk("k")]));
    let token = key.token("k", &claims());
    for at in [NOW, NOW + 329] {
        assert!(verifier.verify_at(&token, at as f64).await.is_ok());
    }
    assert_eq!(
        (verifier.counters().verified(), verifier.counters().remembered()),
        (1, 1)
    );
    let late = verifier.verify_at(&token, (NOW + 330) as f64).await;
    assert_eq!(refused(late), "token_expired");
    assert_eq!(verifier.remembered(), 0);
    // A clock that was set back sees a token from the future.
    assert!(verifier.verify_at(&token, NOW as f64).await.is_ok());
    let early = verifier.verify_at(&token, (NOW - 100) as f64).await;
    assert_eq!(refused(early), "token_not_yet_valid");
}

#[tokio::test]
async fn remembers_a_token_and_no_other() {
    let key = Key::ed();
    let verifier = believing(issuer(&[key.jwk("k")]));
    let token = key.token("k", &claims_with(json!({"jti": "1"})));
    assert!(verifier.verify_at(&token, NOW as f64).await.is_ok());
    // The same header, payload and `jti` with somebody else's signature.
    let (signed, _) = token.rsplit_once('.').unwrap();
    let forged = format!(
        "{signed}.{}",
        b64(Key::ed().signature("EdDSA", signed.as_bytes()))
    );
    assert_eq!(
        refused(verifier.verify_at(&forged, NOW as f64).await),
        "token_signature"
    );
    // The same signature under another payload.
    let bob = b64(claims_with(json!({"jti": "1", "sub": "bob"})).to_string());
    let parts: Vec<&str> = token.split('.').collect();
    let swapped = format!("{}.{bob}.{}", parts[0], parts[2]);
    assert_eq!(
        refused(verifier.verify_at(&swapped, NOW as f64).await),
        "token_signature"
    );
    assert_eq!(verifier.remembered(), 1);
}

#[tokio::test]
async fn remembers_no_more_than_fits() {
    let key = Key::ed();
    let verifier = believing(issuer(&[key.jwk("k")]));
    for number in 0..1500 {
        let large = "x".repeat(10_000);
        let token = key.token("k", &claims_with(json!({"n": number, "x": large})));
        assert!(verifier.verify_at(&token, NOW as f64).await.is_ok());
    }
    // 16 MiB at about 28 KB each.
    assert!(
        (300..700).contains(&verifier.remembered()),
        "{}",
        verifier.remembered()
    );
}

#[tokio::test]
async fn takes_keys_over_the_network_only_from_where_nobody_can_change_them() {
    let keys = Keys::Url("https://127.0.0.1:1/jwks".parse().unwrap());
    let mut unreachable = issuer(&[Key::ed().jwk("k")]);
    unreachable.keys = keys;
    let verifier = believing(unreachable);
    let error = ask(&verifier, &Key::ed().token("k", &current_claims()))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("connection failed"), "{error}");
}
