//! The settings of the Fivetran account: all that a command needs which only reads it.

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{Problems, Reader, Variables, fivetran_url};

/// How the Fivetran account is reached.
#[derive(Clone)]
pub struct Account {
    /// `FIVETRAN_API_KEY`
    pub key: String,
    /// `FIVETRAN_API_SECRET`
    pub secret: SecretString,
    /// `FIVETRAN_API_URL`
    pub api: Url,
}

impl Account {
    /// Reads the settings of the account and no others.
    ///
    /// # Errors
    /// Everything that is missing or wrong.
    pub fn read(from: &Variables) -> Result<Self, Problems> {
        let mut reader = Reader {
            from,
            problems: Vec::new(),
        };
        let account = reader.account();
        match account {
            Some(account) if reader.problems.is_empty() => Ok(account),
            _ => Err(Problems(reader.problems)),
        }
    }

    /// What must never be shown.
    pub fn own_secrets(&self) -> [String; 2] {
        [self.secret.expose_secret().to_owned(), self.key.clone()]
    }
}

impl Reader<'_> {
    /// The account; none where its address is wrong. A missing key is noted as a problem.
    pub(super) fn account(&mut self) -> Option<Account> {
        let key = self.required(
            "FIVETRAN_API_KEY",
            "make a system key in Fivetran under Account Settings, API Config",
        );
        let secret = self.required("FIVETRAN_API_SECRET", "it comes with the API key");
        let api = self.parsed("FIVETRAN_API_URL", "https://api.fivetran.com", fivetran_url);
        let secret = secret.into();
        api.map(|api| Account { key, secret, api })
    }
}
