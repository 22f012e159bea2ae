//! The simulated Slack, Fivetran and language model, and what the service needs to speak with them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;

use super::switches::FAST;
use crate::app::PolicyFile;
use crate::cli::{Failure, serve};
use crate::config::{ModelAccount, Settings, Variables};
use crate::model::{Clock, Ctx};
use crate::sim::SimClock;
use crate::sim::fault::Faults;
use crate::sim::fivetran::{FivetranSim, Outcome};
use crate::sim::ledger::{Ledger, Service};
use crate::sim::llm::{self, LlmSim};
use crate::sim::scenarios::demo as scenario;
use crate::sim::serve::{self as serve_sim, Server};
use crate::sim::slack::{SlackSim, User};

/// The demo's policy.
pub(super) const POLICY: &str = include_str!("../demo_policy.yml");

/// Who is there: id, name, and what the policy lets him do.
pub(super) const PEOPLE: [(&str, &str, &str); 4] = [
    (LEAD, "Lena Lead", "approves, operates, administers"),
    ("U0ENGINEER", "Emil Engineer", "approves and operates"),
    ("U0ANALYST", "Ana Analyst", "asks for changes"),
    (GUEST, "Gus Guest", "a guest: may do nothing"),
];
const LEAD: &str = "U0LEAD";
const GUEST: &str = "U0GUEST";
const CHANNEL: &str = "C0DATAOPS";
/// Where the policy's people are.
const ZONE: &str = "Europe/Berlin";
/// The connection whose failure the demo opens with: it can simply be tried again.
const FAILED: &str = "gentle_harvest";

/// All that is not the service.
pub(super) struct Outside {
    /// One for the service and for everybody outside it.
    pub clock: Clock,
    pub slack: SlackSim,
    pub fivetran: FivetranSim,
    /// Each request that arrived.
    pub ledger: Ledger,
    pub faults: Faults,
    /// The simulated model; `None` where the service is given one of the user's.
    pub llm: Option<LlmSim>,
    pub model: ModelAccount,
    servers: Vec<Server>,
    /// The bot's.
    pub token: String,
    signing: String,
    webhook: String,
    key: String,
    secret: String,
}

impl Outside {
    /// `own` is the model of whoever runs the demo, if he has set one.
    pub async fn start(own: Option<ModelAccount>) -> Result<Self, Failure> {
        let ctx = Ctx::new(Clock::paced(FAST));
        let clock: SimClock = {
            let ctx = ctx.clone();
            Arc::new(move || ctx.now())
        };
        let [signing, webhook, key, secret] = std::array::from_fn(|_| ctx.new_id());
        let token = format!("xoxb-{}", ctx.new_id());
        let fivetran = scenario::account(clock.clone(), &key, &secret);
        let slack = SlackSim::new(clock.clone(), &signing, &token);
        people(&slack);
        let (ledger, faults) = (Ledger::new(), Faults::new());
        let any: SocketAddr = ([127, 0, 0, 1], 0).into();
        let up = async |service, router| {
            let (ledger, faults) = (ledger.clone(), faults.clone());
            serve_sim::serve(service, router, ledger, faults, clock.clone(), any).await
        };
        let mut servers = vec![
            up(Service::Slack, slack.router()).await?,
            up(Service::Fivetran, fivetran.router()).await?,
        ];
        slack.set_public_url(servers[0].url());
        let (model, llm) = match own {
            Some(own) => (own, None),
            None => {
                let key = ctx.new_id();
                let llm = LlmSim::new(&key);
                let server = up(Service::Llm, llm.router()).await?;
                let base = format!("{}/v1", server.url());
                let model = ModelAccount {
                    base: base.parse().context("the simulated model's address")?,
                    key: key.into(),
                    model: llm::NAME.to_owned(),
                    azure_version: None,
                };
                servers.push(server);
                (model, Some(llm))
            }
        };
        Ok(Self {
            clock: ctx.clock().clone(),
            slack,
            fivetran,
            ledger,
            faults,
            llm,
            model,
            servers,
            token,
            signing,
            webhook,
            key,
            secret,
        })
    }

    /// Starts the service with its files in this folder, and tells the simulators where it is.
    pub async fn serve(&self, folder: &Path) -> Result<serve::Service, Failure> {
        let policy = folder.join("policy.yml");
        std::fs::write(&policy, POLICY)?;
        std::fs::create_dir(log_folder(folder))?;
        let (slack, fivetran) = (&self.servers[0], &self.servers[1]);
        let mut settings = Settings::read(&Variables::of([
            ("SLACK_BOT_TOKEN", self.token.as_str()),
            ("SLACK_SIGNING_SECRET", &self.signing),
            ("SLACK_API_URL", &format!("{}/api", slack.url())),
            ("FIVETRAN_API_KEY", &self.key),
            ("FIVETRAN_API_SECRET", &self.secret),
            ("FIVETRAN_API_URL", &fivetran.url()),
            ("FIVETRAN_WEBHOOK_SECRET", &self.webhook),
            (
                "DATABASE_URL",
                &format!("sqlite://{}", folder.join("demo.db").display()),
            ),
            (
                "SYNCGATE_LOG_SOURCE",
                &format!("file:{}", log_folder(folder).display()),
            ),
            ("SYNCGATE_BIND", "127.0.0.1:0"),
        ]))?;
        settings.model = Some(self.model.clone());
        let file = PolicyFile::new(policy, settings.own_secrets());
        let service = serve::start(self.clock.clone(), &settings, file).await?;
        self.slack.set_target(&service.url);
        let webhooks = format!("{}/fivetran/webhooks", service.url);
        self.fivetran.set_webhook(&webhooks, &self.webhook);
        Ok(service)
    }

    /// The demo opens with an incident; the policy's timetable brings the plan.
    pub fn open(&self) {
        let reason = "com.zendesk.client.ZendeskResponseException: HTTP 503 Service Unavailable: \
                      the server is temporarily unable to handle the request";
        let fivetran = &self.fivetran;
        // What fails here is over when somebody tries again, within a minute.
        fivetran.repair(FAILED, 1);
        let failure = Outcome::fails(0, "unknown_sync_failure", "Sync failed", reason);
        fivetran.next_sync(FAILED, failure);
        fivetran.start_sync(FAILED);
    }
}

fn people(slack: &SlackSim) {
    for (id, name, _) in PEOPLE {
        slack.add_user(User {
            tz: ZONE.into(),
            is_restricted: id == GUEST,
            ..User::new(id, name)
        });
    }
    slack.add_group("S0DATAENG", "data-eng", &[LEAD, "U0ENGINEER"]);
    slack.add_group("S0ANALYTICS", "analytics", &["U0ANALYST", "U0ENGINEER"]);
    slack.add_channel(CHANNEL, "data-ops");
}

/// Where the simulated Platform Connector leaves its rows.
pub(super) fn log_folder(folder: &Path) -> PathBuf {
    folder.join("log")
}
