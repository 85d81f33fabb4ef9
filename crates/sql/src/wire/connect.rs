//! From nothing to a session that is logged in.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use postgres_protocol::message::backend::{AuthenticationSaslBody, Message};
use postgres_protocol::message::frontend;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::connection::{Connection, WireError};
use super::stream::Stream;
use crate::config::{Host, Target, TargetError, Tls};
use crate::error::DatabaseError;

/// How long reaching the database and logging in may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Reaches the one database of the configuration. No request has a say in where.
pub(crate) struct Dialer {
    host: Host,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Dialer {
    pub(crate) fn new(target: &Target) -> Result<Self, TargetError> {
        let tls = match (&target.tls, &target.host) {
            (Tls::Verified(authorities), Host::Name(name)) => {
                let name = ServerName::try_from(name.clone()).map_err(|_| {
                    TargetError::new(format!("has the host `{name}`, which no certificate can name"))
                })?;
                Some((connector(authorities.as_deref())?, name))
            }
            _ => None,
        };
        Ok(Self {
            host: target.host.clone(),
            port: target.port,
            tls,
        })
    }

    async fn dial(&self) -> io::Result<Stream> {
        let name = match &self.host {
            Host::Socket(directory) => {
                let path = directory.join(format!(".s.PGSQL.{}", self.port));
                return Ok(Stream::Unix(UnixStream::connect(path).await?));
            }
            Host::Name(name) => name.as_str(),
        };
        let mut stream = TcpStream::connect((name, self.port)).await?;
        stream.set_nodelay(true)?;
        let Some((connector, name)) = &self.tls else {
            return Ok(Stream::Tcp(stream));
        };
        let mut ask = bytes::BytesMut::new();
        frontend::ssl_request(&mut ask);
        stream.write_all(&ask).await?;
        if stream.read_u8().await? != b'S' {
            return Err(io::Error::other("the database does not speak TLS"));
        }
        let stream = connector.connect(name.clone(), stream).await?;
        Ok(Stream::Tls(Box::new(stream)))
    }
}

fn connector(authorities: Option<&std::path::Path>) -> Result<TlsConnector, TargetError> {
    let mut roots = RootCertStore::empty();
    match authorities {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(file) => {
            let unusable = |error: String| {
                TargetError::new(format!(
                    "has the sslrootcert {}, which cannot be used: {error}",
                    file.display()
                ))
            };
            for certificate in
                CertificateDer::pem_file_iter(file).map_err(|error| unusable(error.to_string()))?
            {
                let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
                roots
                    .add(certificate)
                    .map_err(|error| unusable(error.to_string()))?;
            }
            if roots.is_empty() {
                return Err(unusable("it has no certificate".into()));
            }
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TargetError::new(format!("asks for TLS, which cannot be had: {error}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Who logs in.
pub(crate) struct Login<'a> {
    pub(crate) user: &'a str,
    pub(crate) password: Option<&'a str>,
    pub(crate) database: &'a str,
    /// Settings of the session. Resetting it comes back to these.
    pub(crate) settings: &'a [(&'a str, &'a str)],
    /// Whether Postgres has to ask for the password. Where it lets anybody in, a password proves nothing.
    pub(crate) proven: bool,
}

/// Logs in. Messages longer than `longest` are refused.
pub(crate) async fn connect(
    dialer: &Dialer,
    login: &Login<'_>,
    longest: usize,
) -> Result<Connection, WireError> {
    let connecting = async {
        let mut connection = Connection::new(dialer.dial().await?, longest);
        log_in(&mut connection, login).await?;
        Ok(connection)
    };
    timeout(PATIENCE, connecting)
        .await
        .unwrap_or(Err(WireError::Slow))
}

/// Asks Postgres to cancel what a connection runs. Postgres does not say whether it did.
pub(crate) async fn cancel(dialer: &Dialer, process: i32, secret: i32) -> Result<(), WireError> {
    let cancelling = async {
        let mut stream = dialer.dial().await?;
        let mut message = bytes::BytesMut::new();
        frontend::cancel_request(process, secret, &mut message);
        stream.write_all(&message).await?;
        stream.flush().await?;
        // Postgres closes when it has passed the request on.
        let _ = stream.read_u8().await;
        Ok(())
    };
    timeout(PATIENCE, cancelling)
        .await
        .unwrap_or(Err(WireError::Slow))
}

async fn log_in(connection: &mut Connection, login: &Login<'_>) -> Result<(), WireError> {
    let fixed = [
        ("user", login.user),
        ("database", login.database),
        ("client_encoding", "UTF8"),
        ("application_name", "rowgate"),
    ];
    frontend::startup_message(
        fixed.into_iter().chain(login.settings.iter().copied()),
        connection.output(),
    )?;
    let mut asked = false;
    loop {
        match connection.next().await? {
            Message::AuthenticationOk if asked || !login.proven => break,
            Message::AuthenticationOk => return Err(WireError::Unasked),
            Message::AuthenticationCleartextPassword => {
                frontend::password_message(password(login)?.as_bytes(), connection.output())?;
            }
            Message::AuthenticationMd5Password(body) => {
                let hash = md5_hash(login.user.as_bytes(), password(login)?.as_bytes(), body.salt());
                frontend::password_message(hash.as_bytes(), connection.output())?;
            }
            Message::AuthenticationSasl(body) => scram(connection, password(login)?, &body).await?,
            Message::ErrorResponse(body) => {
                return Err(WireError::Database(Box::new(DatabaseError::read(&body))));
            }
            _ => return Err(WireError::Unexpected),
        }
        asked = true;
    }
    loop {
        match connection.next().await? {
            Message::BackendKeyData(body) => {
                connection.process = body.process_id();
                connection.secret = body.secret_key();
            }
            Message::ReadyForQuery(_) => return Ok(()),
            Message::ErrorResponse(body) => {
                return Err(WireError::Database(Box::new(DatabaseError::read(&body))));
            }
            _ => return Err(WireError::Unexpected),
        }
    }
}

fn password<'a>(login: &Login<'a>) -> Result<&'a str, WireError> {
    let missing = || {
        WireError::Io(io::Error::other(
            "Postgres asks for a password, and there is none",
        ))
    };
    login.password.ok_or_else(missing)
}

async fn scram(
    connection: &mut Connection,
    password: &str,
    offered: &AuthenticationSaslBody,
) -> Result<(), WireError> {
    use fallible_iterator::FallibleIterator;
    if !offered
        .mechanisms()
        .any(|mechanism| Ok(mechanism == SCRAM_SHA_256))?
    {
        return Err(WireError::Unexpected);
    }
    let mut scram = ScramSha256::new(password.as_bytes(), ChannelBinding::unsupported());
    frontend::sasl_initial_response(SCRAM_SHA_256, scram.message(), connection.output())?;
    loop {
        match connection.next().await? {
            Message::AuthenticationSaslContinue(body) => {
                scram.update(body.data())?;
                frontend::sasl_response(scram.message(), connection.output())?;
            }
            // Postgres proves that it knows the password, too.
            Message::AuthenticationSaslFinal(body) => return Ok(scram.finish(body.data())?),
            Message::ErrorResponse(body) => {
                return Err(WireError::Database(Box::new(DatabaseError::read(&body))));
            }
            _ => return Err(WireError::Unexpected),
        }
    }
}
