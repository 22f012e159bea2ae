//! The chain against its own database: what the tables refuse, and what an older copy shows (SPEC I11).

use syncgate::model::audit::Broken;

use crate::audit::{footers, history, newest, verify};
use crate::harness::people::{ANA, ERIN};
use crate::harness::{World, world};

#[test]
fn t168_a_database_restored_from_an_older_copy_is_found_by_a_cards_footer() {
    world(async |w| {
        w.command(ANA, "pause orders for 2h").await;
        let copy = Copy::of(w).await;
        w.command(ERIN, "reject 1 not today").await;
        w.command(ANA, "pause hubspot for 2h").await;
        let witness = newest(&footers(w));
        assert!(verify(w, std::slice::from_ref(&witness)).await.is_ok());
        copy.restore(w).await;
        let head = verify(w, &[]).await.expect("an older chain is a whole one");
        let found = verify(w, std::slice::from_ref(&witness)).await;
        assert_eq!(
            found,
            Err(Broken::Head {
                last: head.seq,
                head: witness.0
            })
        );
    });
}

/// Yesterday's backup: the file of SQLite, the chain's tables of PostgreSQL.
struct Copy(Option<Vec<u8>>);

impl Copy {
    async fn of(w: &mut World) -> Self {
        let raw = w.raw().await;
        if raw.is_postgres() {
            raw.run("CREATE TABLE old_audit AS TABLE audit")
                .await
                .unwrap();
            raw.run("CREATE TABLE old_head AS TABLE audit_head")
                .await
                .unwrap();
            return Self(None);
        }
        w.crash().await;
        let copy = std::fs::read(Self::file(w)).unwrap();
        w.start().await;
        Self(Some(copy))
    }

    fn file(w: &World) -> std::path::PathBuf {
        w.settings.database.trim_start_matches("sqlite://").into()
    }

    async fn restore(self, w: &mut World) {
        w.crash().await;
        match self.0 {
            Some(copy) => std::fs::write(Self::file(w), copy).unwrap(),
            None => {
                let raw = w.raw().await;
                raw.disarm().await;
                for sql in [
                    "DELETE FROM audit",
                    "INSERT INTO audit TABLE old_audit",
                    "DELETE FROM audit_head",
                    "INSERT INTO audit_head TABLE old_head",
                    "DROP TABLE old_audit",
                    "DROP TABLE old_head",
                ] {
                    raw.run(sql).await.unwrap();
                }
            }
        }
        w.start().await;
    }
}

#[test]
fn i11_the_database_itself_refuses_to_change_the_chain() {
    world(async |w| {
        history(w).await;
        let raw = w.raw().await;
        let mut attempts = vec![
            "UPDATE audit SET body = '{}' WHERE seq = 3",
            "DELETE FROM audit WHERE seq = 3",
            "DELETE FROM audit",
            "DELETE FROM audit_head",
            "UPDATE audit_head SET seq = seq - 1",
            "INSERT INTO audit SELECT * FROM audit WHERE seq = 3 ON CONFLICT (seq) DO UPDATE SET body = '{}'",
            "INSERT INTO audit_head VALUES (1, 0, '') ON CONFLICT (one) DO UPDATE SET seq = 0",
        ];
        if raw.is_postgres() {
            attempts.extend([
                "TRUNCATE audit",
                "TRUNCATE audit_head",
                "TRUNCATE audit CASCADE",
            ]);
        } else {
            attempts.extend([
                "INSERT OR REPLACE INTO audit SELECT seq, at, code, actor, subject, '{}', prev, hash FROM audit WHERE seq = 3",
                "REPLACE INTO audit_head VALUES (1, 0, '')",
                "UPDATE OR REPLACE audit SET seq = 4 WHERE seq = 3",
                "INSERT OR REPLACE INTO audit SELECT 0, at, code, actor, subject, body, prev, hash FROM audit WHERE seq = 3",
                "INSERT OR REPLACE INTO audit SELECT 99, at, code, actor, subject, body, prev, hash FROM audit WHERE seq = 3",
                "INSERT INTO audit SELECT NULL, at, code, actor, subject, body, prev, hash FROM audit WHERE seq = 3",
                "INSERT OR REPLACE INTO audit_head VALUES (NULL, 0, 'x')",
                "INSERT OR REPLACE INTO audit_head VALUES (2, 0, 'x')",
            ]);
        }
        for sql in attempts {
            let refused = raw.run(sql).await.expect_err(sql);
            assert!(
                refused.contains("append-only") || refused.contains("never"),
                "{sql}: {refused}"
            );
        }
        if !raw.is_postgres() {
            // A hidden second key would let REPLACE hit a row whose number it does not name.
            for sql in [
                "INSERT OR REPLACE INTO audit (rowid, seq, at, code, actor, subject, body, prev, hash) VALUES (3, 99, '', '', '', '', '', '', '')",
                "INSERT OR REPLACE INTO audit_head (rowid, one, seq, hash) VALUES (1, NULL, 0, 'x')",
            ] {
                let refused = raw.run(sql).await.expect_err(sql);
                assert!(refused.contains("no column named rowid"), "{refused}");
            }
        }
    });
}

#[test]
fn i11_audit_verify_reports_a_guard_that_is_gone() {
    world(async |w| {
        history(w).await;
        assert_eq!(w.cli(&["audit", "verify"]).status.code(), Some(0));
        let raw = w.raw().await;
        raw.run(if raw.is_postgres() {
            "ALTER TABLE audit DISABLE TRIGGER audit_no_change"
        } else {
            "DROP TRIGGER audit_no_delete"
        })
        .await
        .unwrap();
        let told = w.cli(&["audit", "verify"]);
        assert_eq!(told.status.code(), Some(1));
        let said = String::from_utf8_lossy(&told.stdout);
        assert!(said.contains("Missing triggers: audit_no_"), "{said}");
    });
}
