use std::path::PathBuf;

use yunhai_identity::{
    Action, AuditEvent, AuditFilter, AuditVerification, Caller, FaultKind, Outcome, Role,
    SecurityCounts, Target, TargetKind,
};
use yunhai_model::{PageRequest, Secret};
use yunhai_test_support::on_every_database;

use crate::world::{NOW_MS, World, origin, search};

/// Records `count` entries, of a rule each.
async fn record(world: &World, count: usize) {
    for at in 0..count {
        let event = AuditEvent::new(
            Action::RuleUpdated,
            Target::new(TargetKind::Rule, at, format!("rule {at}")),
        )
        .before(&serde_json::json!({"threshold": at}))
        .after(&serde_json::json!({"threshold": at + 1, "note": "云"}));
        world
            .identity
            .audit()
            .record(&Caller::local("root"), event)
            .await
            .unwrap();
    }
}

async fn verify(world: &World) -> AuditVerification {
    world.identity.audit().verify().await.unwrap()
}

fn checkpoint_file(world: &World) -> PathBuf {
    world.folder.path().join("audit-checkpoints.jsonl")
}

/// Makes a log of ten entries with a checkpoint at the fifth, tampers with it by SQL, and
/// compares what the verification says.
async fn check(url: &str, tamper: &[&str], kind: FaultKind, sequence: i64, until: Option<i64>) {
    let world = World::new(url).await;
    record(&world, 5).await;
    world.identity.audit().checkpoint().await.unwrap().unwrap();
    record(&world, 5).await;
    assert!(verify(&world).await.is_whole());
    for sql in tamper {
        world.sql(sql).await;
    }
    let verification = verify(&world).await;
    let fault = verification.fault.expect("the tampering is found");
    assert_eq!(
        (fault.kind, fault.sequence, fault.until),
        (kind, sequence, until),
        "{fault:?}"
    );
}

/// Moves the numbers of the entries from `from` on by one, in an order that keeps them unique.
fn shift(from: i64, by: i64) -> Vec<String> {
    let mut numbers: Vec<i64> = (from..=10).collect();
    if by > 0 {
        numbers.reverse();
    }
    numbers
        .into_iter()
        .map(|at| {
            format!(
                "UPDATE audit_entries SET sequence = {} WHERE sequence = {at}",
                at + by
            )
        })
        .collect()
}

on_every_database! {
    async fn a_verification_is_recorded_with_what_it_found(url: &str) {
        let world = World::new(url).await;
        record(&world, 5).await;
        let newest = async || {
            let page = world.identity.audit().list(&PageRequest::default(), &AuditFilter::default()).await;
            page.unwrap().items.remove(0)
        };
        world.identity.audit().verify_for(&Caller::local("root")).await.unwrap();
        let entry = newest().await;
        assert_eq!((&*entry.action, &*entry.outcome), ("audit.verified", "success"));
        world.sql("UPDATE audit_entries SET actor_name = 'eve' WHERE sequence = 3").await;
        let found = world.identity.audit().verify_for(&Caller::local("root")).await.unwrap();
        assert_eq!(found.fault.unwrap().sequence, 3);
        let entry = newest().await;
        assert_eq!((&*entry.action, &*entry.outcome), ("audit.verified", "failure"));
        assert_eq!(entry.after.unwrap()["sequence"], 3);
        assert_eq!(entry.reason.unwrap(), "entry 3 does not fit its hash");
        // Where nothing can be recorded any more, what was found is told all the same.
        world.sql("DELETE FROM audit_head").await;
        assert!(!world.identity.audit().verify_for(&Caller::local("root")).await.unwrap().is_whole());
    }

    async fn what_may_be_an_attack_is_counted_once(url: &str) {
        let world = World::with(url, |config| config.lockout_failures = 2).await;
        world.user("ann", Role::Viewer).await;
        let audit = world.identity.audit();
        let counts = audit.count_security_events(SecurityCounts::default()).await.unwrap();
        assert_eq!(counts, audit.count_security_events(counts).await.unwrap());
        assert_eq!((counts.sign_in_failures, counts.lockouts, counts.permission_denials), (0, 0, 0));

        let session = world.login("ann").await;
        world.try_login("ann", "wrong").await.unwrap_err();
        let caller = Caller::of(&session.principal, &origin());
        let wrong = Secret::new("wrong");
        let again = world.identity.reauthenticate(&session.principal, &wrong, None, &origin()).await;
        assert!(again.is_err());
        world.clock.advance_ms(3_600_000);
        world.login("ann").await;
        let denied = AuditEvent::new(Action::AccessDenied, Target::only(TargetKind::Request));
        audit.record(&caller, denied.outcome(Outcome::Denied)).await.unwrap();
        let later = audit.count_security_events(counts).await.unwrap();
        assert_eq!((later.sign_in_failures, later.lockouts, later.permission_denials), (2, 1, 1));
        assert_eq!(later, audit.count_security_events(SecurityCounts::default()).await.unwrap());

        // The copy of a state that was put back has less.
        world.sql("DELETE FROM audit_entries WHERE action = 'login.failed'").await;
        world.sql("UPDATE audit_head SET sequence = sequence - 1").await;
        let restored = audit.count_security_events(later).await.unwrap();
        assert_eq!((restored.sign_in_failures, restored.lockouts), (1, 1));
    }

    async fn an_untouched_log_is_whole(url: &str) {
        let world = World::new(url).await;
        assert_eq!(verify(&world).await.entries, 0);
        record(&world, 7).await;
        world.identity.audit().checkpoint().await.unwrap().unwrap();
        assert!(world.identity.audit().checkpoint().await.unwrap().is_none());
        record(&world, 2).await;
        let world = world.restart(|_| {}).await;
        let found = verify(&world).await;
        assert!(found.is_whole(), "{found:?}");
        // One checkpoint, in the database and in the file.
        assert_eq!((found.entries, found.checkpoints, found.signed_until), (9, 2, 7));
    }

    async fn checkpoints_come_by_themselves(url: &str) {
        let world = World::with(url, |config| config.audit_checkpoint_entries = 4).await;
        record(&world, 9).await;
        let found = verify(&world).await;
        assert_eq!((found.entries, found.checkpoints, found.signed_until), (9, 4, 8));
    }

    async fn writers_at_once_make_one_chain(url: &str) {
        let world = World::with(url, |config| config.audit_checkpoint_entries = 10).await;
        let writers: Vec<_> = (0..8)
            .map(|writer| {
                let audit = world.identity.audit().clone();
                tokio::spawn(async move {
                    for at in 0..5 {
                        let event = AuditEvent::new(Action::RuleCreated, Target::new(TargetKind::Rule, at, "r"));
                        audit.record(&Caller::local(&format!("w{writer}")), event).await.unwrap();
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }
        let found = verify(&world).await;
        assert!(found.is_whole(), "{found:?}");
        assert_eq!(found.entries, 40);
    }

    async fn every_changed_field_is_found(url: &str) {
        let world = World::new(url).await;
        record(&world, 5).await;
        for (field, value) in [
            ("at_ms", "1"),
            ("actor_kind", "'user'"),
            ("actor_id", "'1'"),
            ("actor_name", "'eve'"),
            ("via", "'token:1'"),
            ("action", "'rule.deleted'"),
            ("target_kind", "'user'"),
            ("target_id", "NULL"),
            ("target_name", "'Rule 2'"),
            ("address", "'192.0.2.1'"),
            ("outcome", "'failure'"),
            ("reason", "'because'"),
            ("before_state", "'{}'"),
            ("after_state", "NULL"),
            ("hash", "'00'"),
        ] {
            world.sql("CREATE TABLE kept AS SELECT * FROM audit_entries").await;
            world.sql(&format!("UPDATE audit_entries SET {field} = {value} WHERE sequence = 3")).await;
            let fault = verify(&world).await.fault.unwrap_or_else(|| panic!("{field}"));
            assert_eq!((fault.kind, fault.sequence), (FaultKind::Changed, 3), "{field}: {fault:?}");
            world.sql("DELETE FROM audit_entries").await;
            world.sql("INSERT INTO audit_entries SELECT * FROM kept").await;
            world.sql("DROP TABLE kept").await;
        }
        assert!(verify(&world).await.is_whole());
    }

    async fn a_deleted_entry_is_found(url: &str) {
        check(url, &["DELETE FROM audit_entries WHERE sequence = 4"], FaultKind::Deleted, 4, None).await;
    }

    async fn the_first_entries_deleted_are_found(url: &str) {
        check(url, &["DELETE FROM audit_entries WHERE sequence <= 3"], FaultKind::Deleted, 1, Some(3)).await;
    }

    async fn a_deletion_hidden_by_new_numbers_is_found(url: &str) {
        let mut tamper = vec!["DELETE FROM audit_entries WHERE sequence = 7".to_owned()];
        tamper.extend(shift(8, -1));
        tamper.push("UPDATE audit_head SET sequence = 9".to_owned());
        let tamper: Vec<&str> = tamper.iter().map(String::as_str).collect();
        check(url, &tamper, FaultKind::Deleted, 7, None).await;
    }

    async fn an_inserted_entry_is_found(url: &str) {
        // The attacker has an entry that was whole at its place, and makes room for it.
        let world = World::new(url).await;
        record(&world, 3).await;
        let hash = world.text("SELECT hash AS t FROM audit_entries WHERE sequence = 3").await;
        record(&world, 1).await;
        world.sql("CREATE TABLE kept AS SELECT * FROM audit_entries WHERE sequence = 4").await;
        world.sql("DELETE FROM audit_entries WHERE sequence = 4").await;
        world.sql(&format!("UPDATE audit_head SET sequence = 3, hash = '{hash}'")).await;
        world.clock.advance_ms(1);
        record(&world, 7).await;
        assert!(verify(&world).await.is_whole());
        for sql in shift(4, 1) {
            world.sql(&sql).await;
        }
        world.sql("INSERT INTO audit_entries SELECT * FROM kept").await;
        world.sql("UPDATE audit_head SET sequence = 11").await;
        let fault = verify(&world).await.fault.unwrap();
        assert_eq!((fault.kind, fault.sequence), (FaultKind::Inserted, 4), "{fault:?}");
    }

    async fn an_entry_after_the_end_is_found(url: &str) {
        let world = World::new(url).await;
        record(&world, 3).await;
        world.sql("CREATE TABLE kept AS SELECT * FROM audit_entries WHERE sequence = 3").await;
        world.sql("UPDATE kept SET sequence = 4").await;
        world.sql("INSERT INTO audit_entries SELECT * FROM kept").await;
        let fault = verify(&world).await.fault.unwrap();
        assert_eq!((fault.kind, fault.sequence), (FaultKind::Inserted, 4));
    }

    async fn an_entry_before_the_beginning_is_found(url: &str) {
        let world = World::new(url).await;
        record(&world, 3).await;
        world.sql("CREATE TABLE kept AS SELECT * FROM audit_entries WHERE sequence = 3").await;
        world.sql("UPDATE kept SET sequence = 0").await;
        world.sql("INSERT INTO audit_entries SELECT * FROM kept").await;
        let fault = verify(&world).await.fault.unwrap();
        assert_eq!((fault.kind, fault.sequence), (FaultKind::Inserted, 0));
    }

    async fn a_cut_end_is_found(url: &str) {
        check(url, &["DELETE FROM audit_entries WHERE sequence > 8"], FaultKind::Truncated, 9, Some(10)).await;
    }

    async fn a_cut_end_with_checkpoints_removed_is_found_by_the_file(url: &str) {
        let world = World::new(url).await;
        record(&world, 5).await;
        world.identity.audit().checkpoint().await.unwrap().unwrap();
        let hash = world.text("SELECT hash AS t FROM audit_entries WHERE sequence = 3").await;
        for sql in [
            "DELETE FROM audit_entries WHERE sequence > 3",
            "DELETE FROM audit_checkpoints",
            &format!("UPDATE audit_head SET sequence = 3, hash = '{hash}'"),
        ] {
            world.sql(sql).await;
        }
        let fault = verify(&world).await.fault.unwrap();
        assert_eq!((fault.kind, fault.sequence, fault.until), (FaultKind::Truncated, 4, Some(5)));
        std::fs::remove_file(checkpoint_file(&world)).unwrap();
        assert!(verify(&world).await.is_whole(), "nothing is left that could tell");
    }

    async fn an_emptied_log_is_found(url: &str) {
        let tamper = ["DELETE FROM audit_entries", "DELETE FROM audit_head"];
        check(url, &tamper, FaultKind::Truncated, 1, Some(5)).await;
    }

    async fn a_chain_written_anew_differs_from_what_was_signed(url: &str) {
        let world = World::new(url).await;
        record(&world, 3).await;
        world.identity.audit().checkpoint().await.unwrap().unwrap();
        record(&world, 3).await;
        world.identity.audit().checkpoint().await.unwrap().unwrap();
        // The attacker uses the service itself to write another history after entry 4.
        let hash = world.text("SELECT hash AS t FROM audit_entries WHERE sequence = 4").await;
        world.sql("DELETE FROM audit_entries WHERE sequence > 4").await;
        world.sql(&format!("UPDATE audit_head SET sequence = 4, hash = '{hash}'")).await;
        world.clock.advance_ms(1);
        record(&world, 2).await;
        let fault = verify(&world).await.fault.unwrap();
        assert_eq!((fault.kind, fault.sequence, fault.until), (FaultKind::Changed, 4, Some(6)));
    }

    async fn a_forged_checkpoint_is_found(url: &str) {
        let tamper = ["UPDATE audit_checkpoints SET at_ms = at_ms + 1"];
        check(url, &tamper, FaultKind::CheckpointForged, 5, None).await;
    }

    async fn a_damaged_checkpoint_file_is_found_but_a_torn_line_is_none(url: &str) {
        use std::io::Write;
        let world = World::new(url).await;
        record(&world, 2).await;
        world.identity.audit().checkpoint().await.unwrap().unwrap();
        let path = checkpoint_file(&world);
        let mut file = std::fs::File::options().append(true).open(&path).unwrap();
        file.write_all(b"{\"sequence\":3,\"ha").unwrap();
        assert!(verify(&world).await.is_whole());
        // The next one begins on a line of its own.
        record(&world, 1).await;
        world.identity.audit().checkpoint().await.unwrap().unwrap();
        let found = verify(&world).await;
        assert!(found.is_whole() && found.signed_until == 3, "{found:?}");
        file.write_all(b"not a checkpoint\n").unwrap();
        let fault = verify(&world).await.fault.unwrap();
        assert_eq!(fault.kind, FaultKind::CheckpointForged);
        assert!(fault.explanation.starts_with("line 4 of"), "{fault:?}");
    }

    async fn lists_are_filtered_sorted_and_searched(url: &str) {
        let world = World::new(url).await;
        record(&world, 3).await;
        world.clock.advance_ms(1000);
        let event = AuditEvent::new(Action::ChannelTested, Target::new(TargetKind::Channel, "c1", "DingTalk 运维"))
            .outcome(Outcome::Failure)
            .because("the robot answered 310000");
        let sequence = world.identity.audit().record(&Caller::system(), event).await.unwrap();
        let audit = world.identity.audit();
        let sequences = async |request: &PageRequest, filter: &AuditFilter| {
            let page = audit.list(request, filter).await.unwrap();
            page.items.iter().map(|entry| entry.sequence).collect::<Vec<_>>()
        };
        let all = AuditFilter::default();
        assert_eq!(sequences(&PageRequest::default(), &all).await, [4, 3, 2, 1]);
        let request = PageRequest::parse(Some(2), Some(3), Some("time"), None).unwrap();
        assert_eq!(sequences(&request, &all).await, [sequence]);
        for text in ["ROBOT", "dingtalk", "channel.t", "运维"] {
            assert_eq!(sequences(&search(text), &all).await, [4], "{text}");
        }
        for filter in [
            AuditFilter { actor: Some("yunhai".to_owned()), ..all.clone() },
            AuditFilter { action: Some(Action::ChannelTested), ..all.clone() },
            AuditFilter { target_kind: Some(TargetKind::Channel), ..all.clone() },
            AuditFilter { target_id: Some("c1".to_owned()), ..all.clone() },
            AuditFilter { outcome: Some(Outcome::Failure), ..all.clone() },
            AuditFilter { from_ms: Some(NOW_MS + 1), ..all.clone() },
        ] {
            assert_eq!(sequences(&PageRequest::default(), &filter).await, [4], "{filter:?}");
        }
        let before = AuditFilter { until_ms: Some(NOW_MS + 1), ..all };
        assert_eq!(sequences(&PageRequest::default(), &before).await, [3, 2, 1]);
    }
}
