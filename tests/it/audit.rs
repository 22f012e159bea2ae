//! The audit chain: whatever an attacker with the database's own rights does, it shows (SPEC I11).

use std::process::Output;

use serde_json::json;
use syncgate::model::Actor;
use syncgate::model::audit::{Broken, Entry, Head, Record};
use syncgate::sim::slack::plain;

use crate::dice::Dice;
use crate::harness::people::{ANA, EMIL, ERIN, LEAD, VIV};
use crate::harness::{CHANNEL, Raw, World, literal, world};

/// A little of everything: a direct act, an approval, its undo, a rejection, a refusal.
pub async fn history(w: &mut World) {
    w.command(ANA, "sync orders").await;
    w.command(ANA, "pause hubspot for 2h").await;
    w.command(VIV, "approve 2").await;
    w.command(EMIL, "approve 2").await;
    w.command(EMIL, "undo 2").await;
    w.command(ANA, "sync salesforce").await;
    w.command(ERIN, "reject 3 not during the fair's \"opening\" \\ 日本")
        .await;
    w.fivetran_saw();
}

async fn records(w: &World) -> Vec<Record> {
    let mut records = Vec::new();
    let mut tx = w.app().store.snapshot().await.unwrap();
    let each = |record| {
        records.push(record);
        Ok::<(), syncgate::store::Error>(())
    };
    tx.audit_records(each).await.unwrap();
    records
}

pub async fn verify(w: &World, witnesses: &[(i64, String)]) -> Result<Head, Broken> {
    let mut tx = w.app().store.snapshot().await.unwrap();
    tx.verify_audit(witnesses.to_vec()).await.unwrap()
}

/// Every head that stands in a footer of the channel.
pub fn footers(w: &World) -> Vec<(i64, String)> {
    let heads = |text: String| -> Vec<(i64, String)> {
        let after = text.split("audit #").skip(1);
        let words = after.map(|rest| rest.split_whitespace().take(2).collect::<Vec<_>>());
        words
            .filter_map(|w| Some((w.first()?.parse().ok()?, (*w.get(1)?).to_owned())))
            .filter(|(_, hash)| hash.len() == 16)
            .collect()
    };
    let messages = w.slack.messages(CHANNEL);
    messages.iter().flat_map(|m| heads(plain(m))).collect()
}

pub fn newest(witnesses: &[(i64, String)]) -> (i64, String) {
    witnesses.iter().max().expect("a card has a footer").clone()
}

/// A chain under attack: each trial changes it, has it verified, and puts it back.
struct Attack {
    raw: Raw,
    records: Vec<Record>,
}

impl Attack {
    async fn on(w: &mut World) -> Self {
        history(w).await;
        let raw = w.raw().await;
        raw.disarm().await;
        let records = records(w).await;
        assert!(records.len() > 20, "the history is long enough to cut");
        Self { raw, records }
    }

    fn last(&self) -> i64 {
        i64::try_from(self.records.len()).unwrap()
    }

    fn hash(&self, seq: i64) -> &str {
        match usize::try_from(seq - 1) {
            Ok(at) => &self.records[at].hash,
            Err(_) => syncgate::model::audit::GENESIS,
        }
    }

    /// Bytes as an SQL literal of a text; whether they are one is not asked.
    fn bytes(&self, bytes: &[u8]) -> String {
        if self.raw.is_postgres() {
            return literal(std::str::from_utf8(bytes).unwrap());
        }
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        format!("CAST(X'{hex}' AS TEXT)")
    }

    async fn run(&self, sql: &str) {
        self.raw.run(sql).await.unwrap();
    }

    /// Replaces the chain; the head too, where one is given.
    async fn put(&self, records: &[Record], head: Option<&Head>) {
        self.run("DELETE FROM audit").await;
        for r in records {
            self.run(&format!(
                "INSERT INTO audit (seq, at, code, actor, subject, body, prev, hash) VALUES ({}, {})",
                r.seq,
                [&r.at, &r.code, &r.actor, &r.subject, &r.body, &r.prev, &r.hash]
                    .map(|text| literal(text))
                    .join(", ")
            ))
            .await;
        }
        if let Some(head) = head {
            self.run(&format!(
                "UPDATE audit_head SET seq = {}, hash = {}",
                head.seq,
                literal(&head.hash)
            ))
            .await;
        }
    }

    async fn mend(&self) {
        let last = self.records.last().unwrap();
        self.put(&self.records, Some(&last.head())).await;
    }

    /// What verification says about another chain under the untouched head.
    async fn found(&self, w: &World, records: &[Record]) -> Broken {
        self.put(records, None).await;
        let found = verify(w, &[]).await;
        self.mend().await;
        found.expect_err("the chain was changed")
    }

    /// The records with the numbers 1, 2, 3… in their order, everything else as it was.
    fn renumbered(mut records: Vec<Record>) -> Vec<Record> {
        for (seq, record) in (1..).zip(&mut records) {
            record.seq = seq;
        }
        records
    }
}

/// The text's bytes with one bit flipped.
fn flipped(text: &str, dice: &mut Dice) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    let at = dice.index(bytes.len());
    bytes[at] ^= 1 << dice.below(8);
    bytes
}

#[test]
fn t159_one_flipped_bit_of_any_column_of_any_record_is_found_and_named() {
    world(async |w| {
        let attack = Attack::on(w).await;
        let mut dice = Dice::new(159);
        let mut trials = 0;
        while trials < 2_000 {
            let record = &attack.records[dice.index(attack.records.len())];
            let columns = [
                ("at", &record.at),
                ("code", &record.code),
                ("actor", &record.actor),
                ("subject", &record.subject),
                ("body", &record.body),
                ("prev", &record.prev),
                ("hash", &record.hash),
            ];
            let (column, text) = columns[dice.index(columns.len())];
            let seq = record.seq;
            let other = flipped(text, &mut dice);
            let told = match std::str::from_utf8(&other) {
                Ok(text) if !text.contains('\0') => Broken::Changed { seq },
                // PostgreSQL lets no such bytes into a text.
                _ if attack.raw.is_postgres() => continue,
                Ok(_) => Broken::Changed { seq },
                Err(_) => Broken::Unreadable { seq },
            };
            let set =
                |text: String| format!("UPDATE audit SET {column} = {text} WHERE seq = {seq}");
            attack.run(&set(attack.bytes(&other))).await;
            assert_eq!(
                verify(w, &[]).await,
                Err(told),
                "{column}: {text} -> {other:?}"
            );
            attack.run(&set(literal(text))).await;
            trials += 1;
        }
        for _ in 0..500 {
            let seq = 1 + i64::try_from(dice.index(attack.records.len())).unwrap();
            let other = seq ^ (1_i64 << dice.below(64));
            if (1..=attack.last()).contains(&other) {
                continue;
            }
            let set = |from, to| format!("UPDATE audit SET seq = {to} WHERE seq = {from}");
            attack.run(&set(seq, other)).await;
            let first = if other < 1 { 1 } else { seq };
            let found = verify(w, &[]).await;
            let named = matches!(found, Err(Broken::Missing { expected, .. }) if expected == first);
            assert!(
                named || other == attack.last() + 1 && seq == attack.last(),
                "{seq} -> {other}: {found:?}"
            );
            attack.run(&set(other, seq)).await;
        }
    });
}

#[test]
fn i11_a_row_that_holds_no_record_any_more_is_named_and_no_fault_of_the_database() {
    world(async |w| {
        let attack = Attack::on(w).await;
        let (last, next) = (attack.last(), attack.last() - 1);
        let mut trials = vec![("DELETE FROM audit_head".to_owned(), Broken::NoHead)];
        if !attack.raw.is_postgres() {
            trials.extend([
                (
                    format!("UPDATE audit SET seq = X'03' WHERE seq = {last}"),
                    Broken::Unreadable { seq: last },
                ),
                (
                    format!("UPDATE audit SET seq = 'three' WHERE seq = {next}"),
                    Broken::Missing {
                        expected: next,
                        found: last,
                    },
                ),
                (
                    format!("UPDATE audit SET body = CAST(body AS BLOB) WHERE seq = {last}"),
                    Broken::Unreadable { seq: last },
                ),
                (
                    "UPDATE audit_head SET hash = X'ff'".to_owned(),
                    Broken::NoHead,
                ),
                (
                    "UPDATE audit_head SET seq = 'three'".to_owned(),
                    Broken::NoHead,
                ),
            ]);
        }
        for (sql, told) in trials {
            attack.run(&sql).await;
            assert_eq!(verify(w, &[]).await, Err(told), "{sql}");
            let head = attack.records.last().unwrap().head();
            attack.run("DELETE FROM audit_head").await;
            attack
                .run(&format!(
                    "INSERT INTO audit_head (one, seq, hash) VALUES (1, {}, {})",
                    head.seq,
                    literal(&head.hash)
                ))
                .await;
            attack.mend().await;
        }
    });
}

#[test]
fn i11_t160_to_t164_what_is_deleted_moved_inserted_or_doubled_is_found_and_named() {
    world(async |w| {
        let attack = Attack::on(w).await;
        let chain = &attack.records;
        for k in 0..chain.len() - 1 {
            let seq = chain[k].seq;
            let mut cut = chain.clone();
            cut.remove(k);
            assert_eq!(
                attack.found(w, &cut).await,
                Broken::Missing {
                    expected: seq,
                    found: seq + 1
                },
                "T160: deleted"
            );
            let renumbered = Attack::renumbered(cut);
            assert_eq!(
                attack.found(w, &renumbered).await,
                Broken::Changed { seq },
                "T161: deleted, renumbered"
            );
            let mut swapped = chain.clone();
            swapped.swap(k, k + 1);
            let swapped = Attack::renumbered(swapped);
            assert_eq!(
                attack.found(w, &swapped).await,
                Broken::Changed { seq },
                "T162: swapped"
            );
            let mut doubled = chain.clone();
            doubled.insert(k, chain[k].clone());
            let doubled = Attack::renumbered(doubled);
            assert_eq!(
                attack.found(w, &doubled).await,
                Broken::Changed { seq: seq + 1 },
                "T164: doubled"
            );
            let mut inserted = chain.clone();
            let before = Head {
                seq: seq - 1,
                hash: attack.hash(seq - 1).to_owned(),
            };
            inserted.insert(k, Record::link(&forged(), &before).unwrap());
            let inserted = Attack::renumbered(inserted);
            assert_eq!(
                attack.found(w, &inserted).await,
                Broken::Changed { seq: seq + 1 },
                "T163: inserted"
            );
        }
        let mut longer = chain.clone();
        longer.push(Record::link(&forged(), &chain[chain.len() - 1].head()).unwrap());
        let last = attack.last();
        assert_eq!(
            attack.found(w, &longer).await,
            Broken::Head {
                last: last + 1,
                head: last
            },
            "appended past the head"
        );
    });
}

/// A record that never happened.
fn forged() -> Entry {
    Entry {
        at: "2026-11-23T07:00:00Z".parse().unwrap(),
        code: "proposal.approved",
        actor: Actor::user(&LEAD.into()),
        subject: "proposal:3".to_owned(),
        body: json!({ "approvals": 2 }),
    }
}

#[test]
fn t165_a_tail_that_was_cut_off_is_found_by_the_head_or_by_a_cards_footer() {
    world(async |w| {
        let attack = Attack::on(w).await;
        let witness = newest(&footers(w));
        for kept in 0..attack.records.len() {
            let last = i64::try_from(kept).unwrap();
            let cut = &attack.records[..kept];
            assert_eq!(
                attack.found(w, cut).await,
                Broken::Head {
                    last,
                    head: attack.last()
                }
            );

            let head = Head {
                seq: last,
                hash: attack.hash(last).to_owned(),
            };
            attack.put(cut, Some(&head)).await;
            assert_eq!(
                verify(w, &[]).await,
                Ok(head),
                "nobody can tell without a witness"
            );
            let told = verify(w, std::slice::from_ref(&witness)).await;
            if last < witness.0 {
                assert_eq!(
                    told,
                    Err(Broken::Head {
                        last,
                        head: witness.0
                    })
                );
            }
            attack.mend().await;
        }
    });
}

#[test]
fn t165_audit_verify_says_plainly_what_it_cannot_tell_without_a_witness() {
    world(async |w| {
        let attack = Attack::on(w).await;
        let (seq, hash) = newest(&footers(w));
        let kept = usize::try_from(seq - 1).unwrap();
        let cut = &attack.records[..kept];
        attack.put(cut, Some(&cut[kept - 1].head())).await;
        let told = [
            steady(&w.cli(&["audit", "verify"])),
            steady(&w.cli(&["audit", "verify", "--witness", &format!("#{seq} {hash}")])),
            steady(&w.cli(&["audit", "verify", "--witness", "the newest"])),
        ];
        attack.mend().await;
        insta::assert_snapshot!(told.join("\n"), @r"
        exit Some(1): The chain holds: 20 records, head #20 <hash>.
        Whether its newest records were cut off, or all of it was rewritten, only a head seen elsewhere can tell: compare with the footer of a card, or pass --witness.
        But the database no longer refuses to change it. Missing triggers: <triggers>. Find out who dropped them, and compare the chain with a head seen elsewhere.

        exit Some(1): The chain is broken: the chain ends at record 20, but its head is at 21: records were cut off or added.

        exit Some(1): --witness: `the newest` is no head; copy it from a card's footer: 12:<hash>
        ");
    });
}

#[test]
fn t166_a_rewritten_history_is_found_by_a_cards_footer() {
    world(async |w| {
        let attack = Attack::on(w).await;
        let witness = newest(&footers(w));
        for from in 0..attack.records.len() {
            let mut chain = attack.records.clone();
            chain[from].body = r#"{"rewritten":true}"#.to_owned();
            for k in from..chain.len() {
                if k > 0 {
                    chain[k].prev = chain[k - 1].hash.clone();
                }
                chain[k].hash = chain[k].expected_hash().unwrap();
            }
            let head = chain[chain.len() - 1].head();
            attack.put(&chain, Some(&head)).await;
            assert_eq!(verify(w, &[]).await, Ok(head), "it hangs together");
            if chain[from].seq <= witness.0 {
                let found = verify(w, std::slice::from_ref(&witness)).await;
                assert_eq!(found, Err(Broken::Witness { seq: witness.0 }));
            }
        }
        attack.mend().await;
    });
}

/// What it said and how it ended, without the hashes and the triggers' names, which differ between
/// engines.
fn steady(out: &Output) -> String {
    let said = [&out.stdout[..], &out.stderr[..]].concat();
    let hex = regex::Regex::new("[0-9a-f]{16}").unwrap();
    let said = hex
        .replace_all(&String::from_utf8_lossy(&said), "<hash>")
        .into_owned();
    let triggers = regex::Regex::new("Missing triggers: [a-z_, ]+").unwrap();
    let said = triggers
        .replace_all(&said, "Missing triggers: <triggers>")
        .into_owned();
    format!("exit {:?}: {said}", out.status.code())
}
