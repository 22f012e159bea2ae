//! The usual people, connections and rules.

use chrono::{DateTime, Duration, Utc};
use syncgate::sim::fivetran::{Connection, FivetranSim, Group};
use syncgate::sim::slack::{SlackSim, User};

use super::CHANNEL;

/// May do everything.
pub const LEAD: &str = "U0LEAD";
/// An approver and operator.
pub const EMIL: &str = "U0EMIL";
/// Another approver.
pub const ERIN: &str = "U0ERIN";
/// An operator, no approver.
pub const ANA: &str = "U0ANA";
/// A member without a role of her own.
pub const VIV: &str = "U0VIV";
/// A guest.
pub const GUEST: &str = "U0GUEST";

/// `salesforce` is critical and asks two approvers; `orders` is standard; nothing else is special.
pub const POLICY: &str = r#"
version: 1
timezone: Europe/Berlin
channels: {default: C0DATAOPS}
mode: copilot
roles:
  viewer: [everyone]
  operator: [S0ANALYTICS, U0LEAD]
  approver: [S0DATAENG, U0LEAD]
  admin: [U0LEAD]
approvals: {quorum: 1, by_action: {historical_resync: 2}, self_approval: false, expires_after: 4h, remind_after: 1h, escalate_after: 2h, escalate_to: [U0LEAD]}
tiers:
  critical: {approvals: {quorum: 2}, adhoc: {direct: []}}
  standard: {}
connections:
  - match: {schema: "salesforce*"}
    tier: critical
    owner: U0LEAD
    sla: {max_age: 2h}
  - match: {service: postgres}
    max_pause: 6h
"#;

/// The same, where no data is ever too old: a plan has nothing to propose.
pub fn without_age() -> String {
    POLICY.replace("    sla: {max_age: 2h}\n", "")
}

/// `orders` (postgres, standard), `salesforce` (critical), `hubspot`, `old_paused` (paused).
pub fn populate(slack: &SlackSim, fivetran: &FivetranSim, now: DateTime<Utc>) {
    for (id, name) in [
        (LEAD, "Lena Lead"),
        (EMIL, "Emil"),
        (ERIN, "Erin"),
        (ANA, "Ana"),
        (VIV, "Viv"),
    ] {
        slack.add_user(User::new(id, name));
    }
    slack.add_user(User {
        is_restricted: true,
        ..User::new(GUEST, "Gus Guest")
    });
    slack.add_group("S0DATAENG", "data-eng", &[EMIL, ERIN]);
    slack.add_group("S0ANALYTICS", "analytics", &[ANA, EMIL]);
    slack.add_channel(CHANNEL, "data-ops");
    fivetran.add_group(Group::new("g_warehouse", "Warehouse", "snowflake"));
    let ok = now - Duration::minutes(30);
    let add = |id: &str, service: &str, schema: &str| {
        Connection::new(id, service, schema, "g_warehouse")
            .every(360)
            .takes_minutes(5)
            .succeeded_at(ok)
    };
    fivetran.add_connection(
        add("orders_id", "postgres", "orders").tables("public", &["orders", "customers"]),
    );
    fivetran.add_connection(add("sales_id", "salesforce", "salesforce"));
    fivetran.add_connection(add("hub_id", "hubspot", "hubspot"));
    fivetran.add_connection(add("paused_id", "kafka", "old_paused").paused());
}
