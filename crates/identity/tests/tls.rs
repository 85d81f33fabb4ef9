//! Keys over TLS: from whom they are taken, and from whom not.

// Helpers of tests may say what must hold by panicking.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer as Signer, KeyPair};
use rowgate_identity::jwks::{Authorities, Fetcher};
use rowgate_identity::{Audiences, Issuer, Keys, TokenError, Verifier};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use support::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A certificate authority, and a server with a certificate of it for some names.
struct Tls {
    authority: String,
    url: String,
}

impl Tls {
    async fn publishing(keys: &[Value], names: &[&str]) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority_key = KeyPair::generate().unwrap();
        let authority = params.self_signed(&authority_key).unwrap();
        let signer = Signer::from_params(&params, &authority_key);
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let certificate = CertificateParams::new(names)
            .unwrap()
            .signed_by(&key, &signer)
            .unwrap();
        let chain = vec![CertificateDer::from(certificate.der().to_vec())];
        let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, private)
            .unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}/jwks", listener.local_addr().unwrap().port());
        let body = json!({"keys": keys}).to_string();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A client that does not believe the certificate hangs up.
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    continue;
                };
                let mut head = [0; 4096];
                let _ = stream.read(&mut head).await;
                let length = body.len();
                let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}");
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        });
        Self {
            authority: authority.pem(),
            url,
        }
    }

    fn believing(&self, authorities: Authorities) -> Verifier {
        let verifier = Verifier::new(Fetcher::new(authorities).unwrap());
        let keys = Keys::Url(self.url.parse().unwrap());
        verifier
            .add(Issuer::new(
                "idp",
                ISSUER,
                keys,
                Audiences::OneOf(vec!["app".into()]),
            ))
            .unwrap();
        verifier
    }

    fn authorities(&self) -> Authorities {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &self.authority).unwrap();
        Authorities::from_pem_file(file.path()).unwrap()
    }
}

#[tokio::test]
async fn takes_keys_from_a_server_with_a_certificate_of_an_authority_that_is_believed() {
    let key = Key::ed();
    let server = Tls::publishing(&[key.jwk("k")], &["localhost"]).await;
    let verifier = server.believing(server.authorities());
    assert!(verifier.verify(&key.token("k", &current_claims())).await.is_ok());
}

#[tokio::test]
async fn takes_no_keys_from_others() {
    let key = Key::ed();
    let token = key.token("k", &current_claims());
    let server = Tls::publishing(&[key.jwk("k")], &["localhost"]).await;
    let stranger = Tls::publishing(&[key.jwk("k")], &["idp.example.com"]).await;
    for verifier in [
        // An authority that nobody knows; another one than that of the server; a certificate for another name.
        server.believing(Authorities::default()),
        server.believing(stranger.authorities()),
        stranger.believing(stranger.authorities()),
    ] {
        let error = verifier.verify(&token).await.unwrap_err();
        assert!(matches!(error, TokenError::KeysUnavailable { .. }), "{error}");
        assert!(error.to_string().contains("certificate"), "{error}");
    }
}

#[test]
fn says_what_is_wrong_with_a_file_of_authorities() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ca.pem");
    assert!(Authorities::from_pem_file(&file).is_err());
    for text in [
        "",
        "not PEM",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        std::fs::write(&file, text).unwrap();
        assert!(Authorities::from_pem_file(&file).is_err(), "{text}");
    }
}
