//! Fivetran's log in a PostgreSQL destination (`SYNCGATE_LOG_SOURCE=postgres://…?schema=…`): read in
//! whatever age the table is, and told about where it cannot be.

use sqlx::{AssertSqlSafe, PgPool};
use syncgate::fivetran::{LogSource, PostgresLog};
use syncgate::model::{Clock, Ctx};

use crate::harness::people::POLICY;
use crate::harness::{Database, World, server, world};
use crate::process::{Stage, runtime};

const HOST: &str = "UnknownHostException: db.internal.example";
const PASSWORD: &str = "pg-secret-0815";

/// A schema of a destination, while the test runs.
struct Destination {
    server: String,
    schema: String,
    pool: PgPool,
}

impl Destination {
    async fn new() -> Option<Self> {
        let server = server()?;
        let schema = format!("log_{}", Ctx::new(Clock::machine()).new_id()).replace('-', "_");
        let pool = PgPool::connect(&server).await.unwrap();
        let made = Self {
            server,
            schema,
            pool,
        };
        made.run("CREATE SCHEMA {schema}").await;
        Some(made)
    }

    /// Runs statements, with the schema's name in them.
    async fn run(&self, sql: &str) {
        let sql = sql.replace("{schema}", &self.schema);
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&self.pool)
            .await
            .unwrap();
    }

    fn table(&self) -> PostgresLog {
        PostgresLog::new(&self.server, &self.schema).unwrap()
    }

    async fn drop(self) {
        self.run("DROP SCHEMA {schema} CASCADE").await;
        self.pool.close().await;
    }
}

impl World {
    /// The service with its log in this table, from now on.
    async fn with_table(&mut self, table: PostgresLog) {
        self.log = Some(LogSource::Postgres(Box::new(table)));
        self.restart().await;
        self.webhooks();
    }
}

const OLD: &str = "CREATE TABLE {schema}.log (id text, time_stamp timestamp, connector_id text, event text, \
    message_event text, message_data text, sync_id text);";
const NEW: &str = "CREATE TABLE {schema}.log (id text, time_stamp timestamptz, connection_id text, event text, \
    message_event text, message_data jsonb, sync_id text, transformation_id text);";

#[test]
fn a_table_of_today_tells_the_cause_and_what_was_changed() {
    world(async |w| tells(w, NEW).await);
}

#[test]
fn a_table_of_the_age_of_connectors_does_too() {
    world(async |w| tells(w, OLD).await);
}

async fn tells(w: &mut World, create: &str) {
    let Some(destination) = Destination::new().await else {
        return;
    };
    destination.run(create).await;
    let rows = format!(
        "INSERT INTO {{schema}}.log SELECT 'n', '2026-11-23 07:00:30+00', 'orders_id', 'INFO', 'api_call', '{{}}', 's' FROM generate_series(1, 30000);
         INSERT INTO {{schema}}.log VALUES
         ('a', '2026-11-22 20:00:00+00', 'orders_id', 'INFO', 'alter_table', '{{\"table\":\"lead\"}}', 'r'),
         ('b', '2026-11-23 07:00:10+00', 'orders_id', 'SEVERE', 'error', '{{\"message\":\"{HOST}\"}}', 's'),
         ('c', '2026-11-23 07:00:20+00', 'hub_id', 'SEVERE', 'error', '{{\"message\":\"ORA-01017 of another\"}}', 's'),
         ('d', '2026-11-23 07:00:40+00', 'orders_id', NULL, NULL, NULL, NULL)"
    );
    destination.run(&rows).await;
    w.with_table(destination.table()).await;
    w.fails("it failed").await;
    let card = w.incident();
    destination.drop().await;
    assert!(card.contains("confirmed: network_unreachable"), "{card}");
    assert!(card.contains(HOST) && !card.contains("ORA-01017"), "{card}");
    assert!(
        card.contains("log row of 2026-11-23 07:00:10.000000, SEVERE error:"),
        "{card}"
    );
    assert!(card.contains("Read from the log: 52 rows."), "{card}");
    let changed = "What changed before:\n1. log row of 2026-11-22 20:00:00.000000, INFO alter_table: table lead";
    assert!(card.contains(changed), "{card}");
}

#[test]
fn a_table_that_cannot_be_read_keeps_no_card_from_coming() {
    world(async |w| {
        let Some(destination) = Destination::new().await else {
            return;
        };
        w.with_table(destination.table()).await;
        w.fails("ORA-01017: invalid username/password").await;
        let card = w.incident();
        assert!(card.contains("The log could not be read."), "{card}");
        assert!(card.contains("confirmed: credential_expired"), "{card}");
        destination.drop().await;
    });
}

/// The table as somebody without rights reaches it, and somebody else's port.
fn with(server: &str, user: &str, port: Option<u16>) -> String {
    let mut url = url::Url::parse(server).unwrap();
    url.set_username(user).unwrap();
    url.set_password(Some(PASSWORD)).unwrap();
    if port.is_some() {
        url.set_port(port).unwrap();
    }
    url.to_string()
}

#[test]
fn why_it_cannot_be_read_is_said_without_the_password() {
    runtime().block_on(async {
        let Some(destination) = Destination::new().await else {
            return;
        };
        let told = async |table: PostgresLog| format!("{:#}", table.check().await.unwrap_err());
        let missing = told(destination.table()).await;
        assert_eq!(
            missing,
            format!("there is no table \"{}\".log", destination.schema)
        );
        destination.run("CREATE TABLE {schema}.log (id text)").await;
        let strange = told(destination.table()).await;
        assert!(strange.contains("has no column time_stamp"), "{strange}");
        destination
            .run(&format!("DROP TABLE {{schema}}.log; {NEW}"))
            .await;
        destination.table().check().await.unwrap();
        let role = format!("role_{}", destination.schema);
        destination
            .run(&format!("CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'"))
            .await;
        let url = with(&destination.server, &role, None);
        let denied = told(PostgresLog::new(&url, &destination.schema).unwrap()).await;
        destination.run(&format!("DROP ROLE {role}")).await;
        assert!(denied.contains("permission denied"), "{denied}");
        let url = with(&destination.server, "nobody", Some(1));
        let table = PostgresLog::new(&url, &destination.schema).unwrap();
        assert!(!format!("{table:?}").contains(PASSWORD));
        let down = told(table).await;
        assert!(down.contains("cannot connect"), "{down}");
        for text in [missing, strange, denied, down] {
            assert!(!text.contains(PASSWORD), "{text}");
        }
        destination.drop().await;
    });
}

#[test]
fn doctor_says_whether_the_table_can_be_read() {
    runtime().block_on(async {
        let Some(destination) = Destination::new().await else {
            return;
        };
        let mut s = Stage::new(Database::Sqlite(tempfile::tempdir().unwrap()), POLICY).await;
        let line = async |s: &Stage| {
            let out = s.run(&["doctor"]).await;
            let said = String::from_utf8([out.stdout, out.stderr].concat()).unwrap();
            assert!(!said.contains(PASSWORD), "{said}");
            said.lines()
                .find(|line| line.contains("log source"))
                .unwrap_or(&said)
                .to_owned()
        };
        let server = &destination.server;
        s.set(
            "SYNCGATE_LOG_SOURCE",
            &format!("{server}?schema={}", destination.schema),
        );
        let missing = line(&s).await;
        assert!(
            missing.contains("fail") && missing.contains("there is no table"),
            "{missing}"
        );
        destination.run(OLD).await;
        let fine = line(&s).await;
        assert!(
            fine.contains("ok") && fine.contains("log source: PostgreSQL, schema"),
            "{fine}"
        );
        let down = with(server, "nobody", Some(1));
        s.set(
            "SYNCGATE_LOG_SOURCE",
            &format!("{down}?schema=fivetran_log"),
        );
        let down = line(&s).await;
        assert!(
            down.contains("cannot connect") && down.contains("SYNCGATE_LOG_SOURCE"),
            "{down}"
        );
        destination.drop().await;
    });
}
