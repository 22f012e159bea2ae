//! A language model beside the world, for the tests that want one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use syncgate::config::ModelAccount;
use syncgate::llm::{self, Llm};
use syncgate::model::{Clock, Ctx};
use syncgate::sim::ledger::{Entry, Service};
use syncgate::sim::llm::{LlmSim, NAME};
use syncgate::sim::serve;
use syncgate::sim::serve::Server;

use super::{MODEL_KEY, World};

/// The simulated model and how it is asked.
pub struct Model {
    pub sim: LlmSim,
    /// Which model of the server's is asked.
    pub name: String,
    pub patience: Duration,
    pub daily: (i64, i64),
    server: Server,
    clock: Clock,
}

impl Model {
    /// What the service is told of it.
    pub fn account(&self) -> ModelAccount {
        ModelAccount {
            base: format!("{}/v1", self.server.url()).parse().unwrap(),
            key: SecretString::from(MODEL_KEY),
            model: self.name.clone(),
            azure_version: None,
        }
    }

    /// A client of it.
    pub fn client(&self) -> Llm {
        let account = self.account();
        let settings = llm::Settings {
            base: account.base,
            key: account.key,
            model: account.model,
            azure_version: None,
            timeout: self.patience,
            daily: self.daily,
        };
        Llm::new(settings, Ctx::new(self.clock.clone())).unwrap()
    }
}

impl World {
    /// The service with an honest model, from now on.
    pub async fn with_model(&mut self) {
        let sim = LlmSim::new(MODEL_KEY);
        let any: SocketAddr = ([127, 0, 0, 1], 0).into();
        let (ledger, faults) = (self.ledger.clone(), self.faults.clone());
        let clock = self.clock.clone();
        let its_clock = Arc::new({
            let clock = clock.clone();
            move || clock.now()
        });
        let up = serve::serve(Service::Llm, sim.router(), ledger, faults, its_clock, any);
        let model = Model {
            sim,
            name: NAME.to_owned(),
            clock,
            patience: Duration::from_secs(20),
            daily: llm::Settings::DAILY,
            server: up.await.unwrap(),
        };
        self.settings.model = Some(model.account());
        self.model = Some(model);
        self.restart().await;
    }

    pub fn model(&self) -> &Model {
        self.model.as_ref().expect("the world has a model")
    }

    /// What arrived at the model.
    pub fn prompts(&self) -> Vec<Entry> {
        self.ledger.matching(Service::Llm, "POST", "/v1/chat")
    }
}
