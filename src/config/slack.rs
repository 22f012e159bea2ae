//! Slack's tokens, and the two ways in which its requests come.

use secrecy::SecretString;

use super::Reader;

impl Reader<'_> {
    /// `SLACK_BOT_TOKEN`
    pub(super) fn slack_token(&mut self) -> String {
        const NAME: &str = "SLACK_BOT_TOKEN";
        let token = self.required(
            NAME,
            "it is the xoxb- token on your Slack app's page under OAuth & Permissions",
        );
        if !token.is_empty() && !token.starts_with("xoxb-") {
            self.problem(NAME, "is no bot token; a bot token begins with xoxb-");
        } else {
            self.expect_plain(NAME, &token);
        }
        token
    }

    /// `SLACK_SIGNING_SECRET` for HTTP and `SLACK_APP_TOKEN` for Socket Mode: one of them, or both.
    pub(super) fn slack_ways_in(&mut self) -> (Vec<SecretString>, Option<SecretString>) {
        let known = self.problems.len();
        let secrets = self.secrets("SLACK_SIGNING_SECRET");
        let token = self.app_token();
        if secrets.is_empty() && token.is_none() && self.problems.len() == known {
            self.problem(
                "SLACK_SIGNING_SECRET",
                "is not set; it is on your Slack app's page under Basic Information. Without a \
                 public address set SLACK_APP_TOKEN instead",
            );
        }
        (secrets, token)
    }

    fn app_token(&mut self) -> Option<SecretString> {
        const NAME: &str = "SLACK_APP_TOKEN";
        let token = self.from.get(NAME)?.to_owned();
        if !token.starts_with("xapp-") {
            self.problem(
                NAME,
                "is no app-level token; it begins with xapp-, and is made on your Slack app's page \
                 under Basic Information with the scope connections:write",
            );
            return None;
        }
        self.expect_plain(NAME, &token).then(|| token.into())
    }

    /// Whether a token can be sent in a header.
    fn expect_plain(&mut self, name: &'static str, token: &str) -> bool {
        let plain = token.bytes().all(|b| b.is_ascii_graphic());
        if !plain {
            self.problem(
                name,
                "holds a space or a character that no token has; copy it again",
            );
        }
        plain
    }
}
