//! `syncgate policy explain`: what the policy says about one action on one connection for one person.
//! It reads only, and goes as far as it can without a database and without Slack; what it does not
//! know it says.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::{Failure, Outcome, assemble};
use crate::app::PolicyFile;
use crate::config::{Settings, Variables};
use crate::model::{ActionKind, ConnectionId, GroupId, Place, UserId};
use crate::policy::{Explanation, Member, Policy, Role, Standing, Subject};
use crate::store::{Access, Store};

/// How long Slack may take to say who somebody is.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// What is to be done: sync_now, pause, …; a wrong name lists them all
    action: String,
    /// To which connection: its id or its schema
    connection: String,
    /// By whom: a Slack user id (U…)
    user: String,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(variables: &Variables, arguments: Arguments) -> Outcome {
    let kind = kind_of(&arguments.action)?;
    let user = user_of(&arguments.user)?;
    let loaded = PolicyFile::new(variables.policy(), Vec::new())
        .load()
        .map_err(Failure::User)?;
    let (policy, redactor) = (loaded.policy, loaded.redactor);
    let mut notes = Vec::new();
    let subject = subject_of(variables, &arguments.connection, &mut notes).await?;
    let member = match read_member(variables, &user).await {
        Ok(member) => member,
        Err(why) => {
            notes.push(without_slack(&policy, &redactor.text(&why)));
            Member {
                user,
                standing: Standing::Full,
                groups: BTreeSet::new(),
            }
        }
    };
    let explanation = policy.explain(kind, &subject, &member);
    if arguments.json {
        println!("{:#}", as_json(&explanation, &subject, &notes));
    } else {
        println!("{explanation}");
        for note in notes {
            println!("Note: {note}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn kind_of(name: &str) -> Result<ActionKind, Failure> {
    let mut all = ActionKind::ALL.into_iter();
    all.find(|kind| kind.as_str() == name).ok_or_else(|| {
        let names = ActionKind::ALL.map(ActionKind::as_str).join(", ");
        Failure::User(format!("`{name}` is no action; the actions are: {names}"))
    })
}

fn user_of(id: &str) -> Result<UserId, Failure> {
    let plain = id
        .bytes()
        .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    if plain && (id.starts_with('U') || id.starts_with('W')) {
        return Ok(UserId::new(id));
    }
    Err(Failure::User(format!(
        "`{id}` is no Slack user id; it begins with U and is on the person's profile under Copy member ID"
    )))
}

/// The connection as Fivetran was last read; by the given words alone where that does not know it.
async fn subject_of(
    variables: &Variables,
    name: &str,
    notes: &mut Vec<String>,
) -> Result<Subject, Failure> {
    let words = |why: &str| {
        format!(
            "{why}, so `{name}` is taken for both the id and the schema; its service and its group are \
             not known, and rules that match by them do not match here."
        )
    };
    let unknown = Subject {
        id: ConnectionId::new(name),
        schema: name.to_owned(),
        service: String::new(),
        group_id: GroupId::new(""),
        group_name: String::new(),
    };
    let store = match Store::open(variables.database(), Access::ReadOnly).await {
        Ok((store, _lock)) => store,
        Err(error) => {
            tracing::debug!(%error, "the database does not open");
            notes.push(words("The database cannot be read"));
            return Ok(unknown);
        }
    };
    let reading = async {
        let mut tx = store.snapshot().await?;
        let found = tx.connections().await?;
        Ok::<_, crate::store::Error>((tx, found))
    };
    let Ok((mut tx, mut found)) = reading.await else {
        notes.push(words("The database holds no tables of ours"));
        return Ok(unknown);
    };
    found.retain(|c| c.id.as_str() == name || Place::of(c, String::new()).schema == name);
    match found.as_slice() {
        [] => {
            notes.push(words("The last reading of Fivetran has no such connection"));
            Ok(unknown)
        }
        [one] => {
            let place = Place::of(one, tx.group_name(&one.group_id).await?);
            Ok(Subject {
                id: one.id.clone(),
                schema: place.schema,
                service: place.service,
                group_id: place.group_id,
                group_name: place.group_name,
            })
        }
        many => {
            let ids: Vec<&str> = many.iter().map(|c| c.id.as_str()).collect();
            let ids = ids.join(", ");
            Err(Failure::User(format!(
                "Several connections have the schema {name}; name one by its id: {ids}"
            )))
        }
    }
}

/// Who that is, from Slack; or why nobody knows.
async fn read_member(variables: &Variables, user: &UserId) -> Result<Member, String> {
    let settings = Settings::read(variables).map_err(|_| "the settings are not complete")?;
    let file = PolicyFile::new(settings.policy.clone(), settings.own_secrets());
    let assembled = assemble::app(&settings, file, Access::ReadOnly).await;
    let assembled = assembled.map_err(|failure| match failure {
        Failure::User(why) => why,
        Failure::Ours(error) => format!("{error:#}"),
    })?;
    match tokio::time::timeout(PATIENCE, assembled.app.read_member(user)).await {
        Ok(Ok(member)) => Ok(member),
        Ok(Err(error)) => Err(assembled.app.clean(format!("{error:#}"))),
        Err(_) => Err("Slack does not answer".to_owned()),
    }
}

/// What it means that Slack did not say who somebody is.
fn without_slack(policy: &Policy, why: &str) -> String {
    let named = policy.members_named();
    let groups = if named.is_empty() {
        "the policy names none".to_owned()
    } else {
        let named: Vec<&str> = named.iter().map(String::as_str).collect();
        format!("a member of {} may have more rights", named.join(", "))
    };
    format!(
        "Who this is could not be read ({why}). The person is taken for a full member of the workspace \
         who is in no user group: a guest has no rights, and {groups}."
    )
}

fn as_json(explanation: &Explanation, subject: &Subject, notes: &[String]) -> Value {
    let verdict = match &explanation.ask {
        Err(_) => "denied",
        Ok(()) if explanation.direct => "direct",
        Ok(()) => "asks",
    };
    let why = |answer: &Result<(), crate::policy::verdict::Denied>| match answer {
        Ok(()) => Value::Null,
        Err(denied) => denied.to_string().into(),
    };
    let roles: Vec<&str> = explanation
        .roles
        .iter()
        .map(|role: &Role| role.as_str())
        .collect();
    json!({
        "action": explanation.kind.as_str(),
        "connection": { "id": subject.id, "schema": subject.schema },
        "user": explanation.user,
        "verdict": verdict,
        "why": why(&explanation.ask),
        "rule_line": explanation.line,
        "tier": explanation.tier,
        "mode": explanation.mode.to_string(),
        "roles": roles,
        "quorum": explanation.quorum,
        "may_approve": explanation.approve.is_ok(),
        "may_approve_own": explanation.approve_own.is_ok(),
        "notes": notes,
    })
}
