//! What can be made to fail in the demo, each where it is at home: with the words of that system, and with
//! the task that Fivetran makes of it where it knows what is wrong.

use crate::sim::fivetran::{FivetranSim, Outcome};

/// One failure that a person can provoke.
#[derive(Clone, Copy, Debug)]
pub struct Provoked {
    /// The word for it on the wire.
    pub name: &'static str,
    /// What the button says.
    pub label: &'static str,
    /// Whose sync fails.
    pub connection: &'static str,
    /// The task that the connection then shows, if Fivetran knows the cause: its code and its heading.
    task: Option<(&'static str, &'static str)>,
    /// What it says.
    reason: &'static str,
}

/// The word for the failure of every connection of one destination.
pub const ALL_AT_ONE: &str = "fail-snowflake";
/// What each of them says.
const WAREHOUSE_AWAY: &str = "net.snowflake.client.jdbc.SnowflakeSQLException: 000606: No active warehouse: the destination \
    warehouse FIVETRAN_WH is suspended by maintenance and not available";

const RECONNECT: Option<(&str, &str)> = Some(("reconnect", "Reconnect"));
const WAREHOUSE: Option<(&str, &str)> = Some(("reconnect_warehouse", "Check the destination"));

/// Every failure, in the order of the buttons.
#[rustfmt::skip]
pub const FAILURES: [Provoked; 16] = [
    Provoked { name: "fail-credential", label: "Expired login (HubSpot)", connection: "lively_beacon", task: RECONNECT,
        reason: "HTTP 401 EXPIRED_AUTHENTICATION: The OAuth token used to make this call expired 3 days ago" },
    Provoked { name: "fail-grant", label: "Missing grant (SQL Server)", connection: "narrow_gate", task: None,
        reason: "com.microsoft.sqlserver.jdbc.SQLServerException: The SELECT permission was denied on the object \
            'vendor_invoice', database 'erp', schema 'dbo'." },
    Provoked { name: "fail-host", label: "Host unknown (MySQL)", connection: "plain_tumbler", task: None,
        reason: "java.net.UnknownHostException: webshop-db.internal.example: Name or service not known" },
    Provoked { name: "fail-host-key", label: "Host key changed (SFTP)", connection: "mossy_ferry", task: None,
        reason: "com.jcraft.jsch.JSchException: WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! The fingerprint of the \
            host key of files.bank.example is not the one that was approved" },
    Provoked { name: "fail-rate", label: "Rate limit of the source (Shopify)", connection: "brave_lantern", task: None,
        reason: "HTTP 429 Too Many Requests: Exceeded 2 calls per second for api client. Reduce request rates to resume \
            uninterrupted service." },
    Provoked { name: "fail-down", label: "Source down (Intercom)", connection: "swift_pebble", task: None,
        reason: "HTTP 503 Service Unavailable: the service is under maintenance, try again later" },
    Provoked { name: "fail-timeout", label: "Time-out (GA4)", connection: "pensive_otter", task: None,
        reason: "java.net.SocketTimeoutException: Read timed out after 300000 ms" },
    Provoked { name: "fail-column", label: "Dropped column (Oracle)", connection: "stout_barrel", task: None,
        reason: "java.sql.SQLSyntaxErrorException: ORA-00904: \"JE_LINES\".\"SEGMENT9\": invalid identifier" },
    Provoked { name: "fail-position", label: "Change log lost (MongoDB)", connection: "broad_willow", task: None,
        reason: "com.mongodb.MongoCommandException: error 286 (ChangeStreamHistoryLost): Resume of change stream was not \
            possible, as the resume point may no longer be in the oplog." },
    Provoked { name: "fail-setting", label: "Wrong bucket (S3)", connection: "silent_quarry", task: None,
        reason: "com.amazonaws.services.s3.model.AmazonS3Exception: The specified bucket does not exist \
            (Status Code: 404; Error Code: NoSuchBucket)" },
    Provoked { name: "fail-file", label: "Broken file (GCS)", connection: "airy_cobble", task: None,
        reason: "com.fasterxml.jackson.core.JsonParseException: Unexpected character ('<' (code 60)): expected a valid value \
            in nightly_export/part-0007.json at line 48211" },
    Provoked { name: "fail-full", label: "Destination full (Snowflake)", connection: "tidy_ribbon", task: WAREHOUSE,
        reason: "net.snowflake.client.jdbc.SnowflakeSQLException: Warehouse 'FIVETRAN_WH' cannot be resumed because resource \
            monitor 'MONTHLY' has exceeded its quota." },
    Provoked { name: "fail-destination-grant", label: "Destination refuses (BigQuery)", connection: "candid_oyster", task: WAREHOUSE,
        reason: "com.google.cloud.bigquery.BigQueryException: Access Denied: Dataset acme-prod:braintree: Permission \
            bigquery.tables.create denied on dataset acme-prod:braintree (or it may not exist)." },
    Provoked { name: "fail-asleep", label: "Destination asleep (Databricks)", connection: "rugged_spindle", task: None,
        reason: "com.databricks.sql.DatabricksSQLException: the destination warehouse is suspended and is starting" },
    Provoked { name: "fail-bill", label: "Bill unpaid (Facebook Ads)", connection: "mellow_kettle", task: None,
        reason: "com.facebook.ads.sdk.APIException: the ad account is suspended: PAYMENT_REQUIRED, 2 invoices are past due" },
    Provoked { name: "fail-defect", label: "Defect of the pipeline (NetSuite)", connection: "early_almanac", task: None,
        reason: "java.lang.NullPointerException: Cannot invoke \"String.length()\" because \"cursor\" is null" },
];

/// Makes the sync fail that a button names; says whether there is such a button.
pub fn provoke(sim: &FivetranSim, name: &str) -> bool {
    if name == ALL_AT_ONE {
        for line in sim.panel().connections {
            if line.group.starts_with("Analytics") {
                sim.fail_now(&line.id, Outcome::fails_unknown(0, WAREHOUSE_AWAY));
            }
        }
        return true;
    }
    let Some(failure) = FAILURES.iter().find(|failure| failure.name == name) else {
        return false;
    };
    let outcome = match failure.task {
        Some((code, heading)) => Outcome::fails(0, code, heading, failure.reason),
        None => Outcome::fails_unknown(0, failure.reason),
    };
    sim.fail_now(failure.connection, outcome)
}
