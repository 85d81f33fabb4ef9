//! The harness against both versions: what it promises to the tests that build on it.

use rowgate_pgtest::{Cluster, Options, versions};

#[test]
fn databases_are_apart() {
    for version in versions() {
        let cluster = Cluster::shared(version);
        let (one, two) = (cluster.database("same"), cluster.database("same"));
        one.client().batch_execute("create table t ()").unwrap();
        two.client().batch_execute("create table t ()").unwrap();
        let found: i32 = one
            .client()
            .query_one("select current_setting('server_version_num')::int / 10000", &[])
            .unwrap()
            .get(0);
        assert_eq!(found as u32, version.major());
    }
}

#[test]
fn a_killed_server_comes_back_with_what_was_committed() {
    for version in versions() {
        let options = Options {
            durable: true,
            ..Options::default()
        };
        let cluster = Cluster::start(version, options);
        let database = cluster.database("kept");
        let mut client = database.client();
        client
            .batch_execute("create table t (n int); insert into t values (1)")
            .unwrap();
        cluster.kill();
        assert!(
            client.query_one("select 1", &[]).is_err(),
            "the connection went with the server"
        );
        cluster.run();
        let n: i32 = database
            .client()
            .query_one("select n from t", &[])
            .unwrap()
            .get(0);
        assert_eq!(n, 1);
        cluster.stop();
        cluster.run();
        let directory = cluster.socket().to_owned();
        drop(cluster);
        assert!(!directory.exists(), "{} is still there", directory.display());
    }
}
