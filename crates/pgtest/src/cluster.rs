//! Starting, stopping and killing a server.

use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use crate::{Database, Version};

const PATIENCE: Duration = Duration::from_secs(60);

/// Runs until its standard input ends, which it does when the test process ends in whatever way; then stops the server and removes
/// the directory. With the argument `keep`, the directory stays. Ctrl-C goes to it, too, and is not its affair.
const WATCHDOG: &str = r#"
trap '' INT
"$@" &
server=$!
read -r word
kill -INT $server 2>/dev/null
wait $server
[ "$word" = keep ] || rm -rf "$ROWGATE_PGTEST_DIRECTORY"
"#;

/// How a cluster differs from the usual.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Flushes to disk as a real server does. Off by default: most tests do not pull the plug.
    pub durable: bool,
    /// What the server proves with who it is, to those who encrypt the connection. Without, it does not encrypt.
    pub certificate: Option<Certificate>,
    /// Further settings, such as `("lock_timeout", "5s")`.
    pub settings: Vec<(&'static str, String)>,
}

/// A certificate and its key, both PEM.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The certificate, and those that lead from it to an authority.
    pub chain: String,
    /// Its private key.
    pub key: String,
}

/// A running server.
#[derive(Debug)]
pub struct Cluster {
    version: Version,
    directory: PathBuf,
    port: u16,
    options: Options,
    server: Mutex<Option<Child>>,
}

impl Cluster {
    /// The server that all tests of this process share. Each test takes a database of its own.
    pub fn shared(version: Version) -> &'static Cluster {
        static SHARED: [OnceLock<Cluster>; 2] = [OnceLock::new(), OnceLock::new()];
        let [oldest, newest] = &SHARED;
        let cell = match version {
            Version::V15 => oldest,
            Version::V18 => newest,
        };
        cell.get_or_init(|| Cluster::start(version, Options::default()))
    }

    /// Starts a server of its own, for a test that stops it, kills it or needs other settings.
    pub fn start(version: Version, options: Options) -> Cluster {
        let directory = tempfile::Builder::new()
            .prefix("rowgate-pg-")
            .tempdir()
            .expect("a temporary directory")
            .keep();
        // Unix sockets have short names; the directory is one level under /tmp.
        std::fs::set_permissions(&directory, PermissionsExt::from_mode(0o755)).unwrap();
        let data = directory.join("data");
        std::fs::create_dir(&data).unwrap();
        give_away(&[&directory, &data]);
        let mut initdb = as_postgres(&version.bin().join("initdb"));
        initdb.arg("--pgdata").arg(&data);
        initdb.args([
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        ]);
        let made = initdb.output().expect("initdb starts");
        assert!(
            made.status.success(),
            "initdb: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        if let Some(certificate) = &options.certificate {
            show(certificate, &data);
        }
        let cluster = Cluster {
            version,
            directory,
            port: free_port(),
            options,
            server: Mutex::default(),
        };
        cluster.run();
        cluster
    }

    /// The version.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The TCP port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The directory of the Unix socket.
    pub fn socket(&self) -> &Path {
        &self.directory
    }

    /// A new, empty database. Its name begins with `hint`.
    pub fn database(&self, hint: &str) -> Database {
        Database::create(self, hint)
    }

    /// The connection string of a database over TCP, as a role. Any password is accepted.
    pub fn url(&self, database: &str, role: &str) -> String {
        format!("postgres://{role}@127.0.0.1:{}/{database}", self.port)
    }

    /// Stops the server in an orderly way: connections are ended, nothing is lost.
    pub fn stop(&self) {
        let Some(mut server) = self.server.lock().unwrap().take() else {
            return;
        };
        let mut input = server.stdin.take().unwrap();
        let _ = input.write_all(b"keep\n");
        drop(input);
        server.wait().expect("the server stops");
    }

    /// Kills the server as a power cut would, in the middle of whatever it does.
    pub fn kill(&self) {
        let pid_file = std::fs::read_to_string(self.directory.join("data/postmaster.pid")).unwrap();
        let pid = pid_file.lines().next().unwrap().to_owned();
        // Its children first: an orphan that still holds the shared memory would keep the next start waiting.
        let _ = Command::new("pkill").args(["-KILL", "-P", &pid]).status();
        Command::new("kill")
            .args(["-KILL", &pid])
            .status()
            .expect("kill runs");
        self.stop();
    }

    /// Starts the server again after [`Cluster::stop`] or [`Cluster::kill`], on the same port.
    pub fn run(&self) {
        let mut slot = self.server.lock().unwrap();
        assert!(slot.is_none(), "the server runs already");
        let data = self.directory.join("data");
        let mut server = Command::new("sh");
        server.arg("-c").arg(WATCHDOG).arg("watchdog");
        server.args(words(&as_postgres(&self.version.bin().join("postgres"))));
        server.arg("-D").arg(&data);
        let durable = if self.options.durable { "on" } else { "off" };
        let settings = [
            ("listen_addresses", "127.0.0.1".to_owned()),
            ("port", self.port.to_string()),
            ("unix_socket_directories", self.directory.display().to_string()),
            ("fsync", durable.to_owned()),
            ("full_page_writes", durable.to_owned()),
            ("max_connections", "200".to_owned()),
            ("shared_buffers", "64MB".to_owned()),
        ];
        let encrypts = [("ssl", "on".to_owned())];
        let encrypts = encrypts.iter().filter(|_| self.options.certificate.is_some());
        for (name, value) in settings.iter().chain(encrypts).chain(&self.options.settings) {
            server.arg("-c").arg(format!("{name}={value}"));
        }
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.log())
            .unwrap();
        server.env("ROWGATE_PGTEST_DIRECTORY", &self.directory);
        server
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        *slot = Some(server.spawn().expect("the server starts"));
        drop(slot);
        self.wait_until_ready();
    }

    /// Where the server's messages are.
    pub fn log(&self) -> PathBuf {
        self.directory.join("log")
    }

    fn wait_until_ready(&self) {
        let url = self.url("postgres", "postgres");
        let since = Instant::now();
        loop {
            match postgres::Client::connect(&url, postgres::NoTls) {
                Ok(_) => return,
                Err(error) if since.elapsed() > PATIENCE => {
                    let log = std::fs::read_to_string(self.log()).unwrap_or_default();
                    panic!("PostgreSQL {} does not start: {error}\n{log}", self.version);
                }
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.lock().unwrap().take() {
            drop(server.stdin.take());
            let _ = server.wait();
        } else {
            let _ = std::fs::remove_dir_all(&self.directory);
        }
    }
}

/// Postgres refuses to run as root; then it runs as `postgres`, or as `nobody` where there is no such user. It may still read where
/// only root may, because the checkout can lie in root's home.
fn as_postgres(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let user = unprivileged();
    let mut command = Command::new("setpriv");
    command.args(["--reuid", user, "--regid", group(user), "--clear-groups"]);
    command.args(["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]);
    command.arg(program);
    command
}

/// Puts a certificate where a server looks for it. The key must be readable for the server alone.
fn show(certificate: &Certificate, data: &Path) {
    let files = [
        ("server.crt", &certificate.chain),
        ("server.key", &certificate.key),
    ];
    for (name, pem) in files {
        let path = data.join(name);
        std::fs::write(&path, pem).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        give_away(&[&path]);
    }
}

fn words(command: &Command) -> Vec<std::ffi::OsString> {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(ToOwned::to_owned)
        .collect()
}

/// Gives a file or a directory to the user that servers run as, who alone may read the file then: what Postgres asks of a private key.
pub fn give_to_postgres(path: &Path) {
    let mode = if path.is_dir() { 0o755 } else { 0o600 };
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    give_away(&[path]);
}

fn give_away(paths: &[&Path]) {
    if is_root() {
        let done = Command::new("chown").arg(unprivileged()).args(paths).status();
        assert!(done.expect("chown runs").success());
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id runs");
    id.stdout.trim_ascii() == b"0"
}

fn unprivileged() -> &'static str {
    static USER: OnceLock<&str> = OnceLock::new();
    USER.get_or_init(|| {
        let there = Command::new("id").arg("postgres").output().expect("id runs");
        if there.status.success() {
            "postgres"
        } else {
            "nobody"
        }
    })
}

fn group(user: &str) -> &'static str {
    if user == "postgres" { "postgres" } else { "nogroup" }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().unwrap().port()
}
