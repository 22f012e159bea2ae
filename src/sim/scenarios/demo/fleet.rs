//! The connections of the demo's account: what a shop of this kind has, by destination.

use serde_json::json;

use super::{ABOUT_TO_FAIL, FORGOTTEN, HEALTHY, OLD_FAILURE, PAUSED, STALE};
use crate::sim::fivetran::{Connection, Group};

const ANALYTICS: &str = "rarer_gradient";
const FINANCE: &str = "steady_ledger";
const LAKE: &str = "deep_reservoir";

/// Id, connector type, schema name, minutes from sync to sync, minutes that one takes, source schema, its tables.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    u32,
    u32,
    &'static str,
    &'static [&'static str],
);

#[rustfmt::skip]
const FOR_ANALYTICS: &[Row] = &[
    (ABOUT_TO_FAIL, "postgres", "orders_db", 60, 11, "public", &["orders", "order_items", "customers", "payments"]),
    (HEALTHY, "salesforce", "salesforce", 15, 4, "salesforce", &["account", "contact", "opportunity", "opportunity_line_item"]),
    ("lively_beacon", "hubspot", "hubspot", 60, 14, "hubspot", &["contact", "company", "deal", "email_event"]),
    (STALE, "google_ads", "google_ads", 360, 9, "google_ads", &["campaign_stats", "ad_group_stats", "keyword_stats"]),
    ("gentle_harvest", "zendesk", "zendesk", 180, 18, "zendesk", &["ticket", "ticket_comment", "user"]),
    ("distant_fiddle", "google_sheets", "google_sheets.sales_targets", 360, 1, "google_sheets", &["sales_targets"]),
    ("humble_chronicle", "fivetran_log", "fivetran_metadata", 1440, 3, "fivetran_metadata", &["log", "connection", "incremental_mar"]),
    ("brave_lantern", "shopify", "shopify_de", 360, 22, "shopify", &["order", "order_line", "product", "refund"]),
    ("clear_whistle", "shopify", "shopify_at", 360, 9, "shopify", &["order", "order_line", "product", "refund"]),
    ("plain_tumbler", "mysql", "webshop_db", 30, 6, "webshop", &["carts", "sessions", "vouchers"]),
    ("mellow_kettle", "facebook_ads", "facebook_ads", 360, 16, "facebook_ads", &["ad_insights", "campaign", "ad_set"]),
    ("tidy_ribbon", "linkedin_ads", "linkedin_ads", 720, 7, "linkedin_ads", &["ad_analytics_by_campaign", "campaign"]),
    ("hollow_drum", "bingads", "bing_ads", 720, 6, "bingads", &["campaign_performance", "keyword_performance"]),
    ("kindly_thimble", "klaviyo", "klaviyo", 180, 24, "klaviyo", &["event", "profile", "campaign"]),
    ("swift_pebble", "intercom", "intercom", 180, 12, "intercom", &["conversation", "contact", "admin"]),
    ("loyal_bramble", "jira", "jira", 360, 8, "jira", &["issue", "issue_field_history", "sprint"]),
    ("amber_hinge", "github", "github", 360, 5, "github", &["pull_request", "commit", "release"]),
];

#[rustfmt::skip]
const FOR_FINANCE: &[Row] = &[
    (OLD_FAILURE, "stripe", "stripe", 60, 7, "stripe", &["charge", "invoice", "balance_transaction", "refund"]),
    ("early_almanac", "netsuite_suiteanalytics", "netsuite", 1440, 74, "netsuite", &["transactions", "transaction_lines", "accounts"]),
    (FORGOTTEN, "workday", "workday_hcm", 720, 26, "workday", &["worker", "position", "organization"]),
    ("narrow_gate", "sql_server", "erp_mssql", 60, 19, "dbo", &["gl_entry", "vendor_invoice", "purchase_order"]),
    ("stout_barrel", "oracle", "general_ledger", 360, 41, "gl", &["je_lines", "code_combinations", "balances"]),
    ("candid_oyster", "braintree", "braintree", 360, 10, "braintree", &["transaction", "dispute", "subscription"]),
    ("faithful_rope", "recurly", "recurly", 360, 9, "recurly", &["account", "invoice", "subscription"]),
    ("mossy_ferry", "sftp", "bank_statements", 360, 2, "bank_statements", &["camt053"]),
];

#[rustfmt::skip]
const FOR_THE_LAKE: &[Row] = &[
    ("broad_willow", "mongo", "app_events", 30, 12, "app", &["events", "sessions", "devices"]),
    ("silent_quarry", "s3", "s3_clickstream", 15, 2, "clickstream", &["clicks"]),
    (PAUSED, "kafka", "kafka_inventory", 15, 3, "inventory", &["stock_level"]),
    ("gilded_acorn", "dynamodb", "dynamo_carts", 60, 8, "carts", &["cart", "cart_item"]),
    ("pensive_otter", "google_analytics_4", "ga4_web", 360, 17, "ga4", &["sessions", "conversions", "traffic_acquisition"]),
    ("rugged_spindle", "appsflyer", "appsflyer", 180, 13, "appsflyer", &["event", "install"]),
    ("airy_cobble", "gcs", "gcs_exports", 360, 3, "exports", &["nightly_export"]),
];

pub(super) fn groups() -> [Group; 3] {
    let mut analytics = Group::new(ANALYTICS, "Analytics (Snowflake)", "snowflake");
    analytics.time_zone_offset = 1;
    analytics.start_offset_minutes = 7;
    let mut finance = Group::new(FINANCE, "Finance (BigQuery)", "big_query");
    finance.region = "GCP_EUROPE_WEST3".into();
    finance.start_offset_minutes = 23;
    let mut lake = Group::new(LAKE, "Product lake (Databricks)", "databricks");
    lake.start_offset_minutes = 41;
    [analytics, finance, lake]
}

pub(super) fn connections() -> Vec<Connection> {
    let destinations = [
        (ANALYTICS, FOR_ANALYTICS),
        (FINANCE, FOR_FINANCE),
        (LAKE, FOR_THE_LAKE),
    ];
    let rows = destinations
        .into_iter()
        .flat_map(|(group, rows)| rows.iter().map(move |row| (group, row)));
    rows.map(|(group, row)| special(connection(group, row)))
        .collect()
}

fn connection(group: &str, row: &Row) -> Connection {
    let (id, service, name, every, takes, schema, tables) = *row;
    Connection::new(id, service, name, group)
        .every(every)
        .takes_minutes(takes)
        .tables(schema, tables)
}

/// What no row tells.
fn special(mut connection: Connection) -> Connection {
    match connection.id.as_str() {
        ABOUT_TO_FAIL => {
            connection.config = json!({
                "host": "orders-db.internal.example", "port": 5432, "user": "fivetran_etl", "password": "******",
                "database": "orders",
            });
        }
        "early_almanac" => connection = connection.daily_at("03:00"),
        _ => {}
    }
    connection
}
