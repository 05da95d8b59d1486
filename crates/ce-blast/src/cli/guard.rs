//! The flags that guard against loading the wrong system and against showing a secret.

use std::path::PathBuf;

use ce_cli::{AMQP_LOGIN, Credentials};

/// What to do instead of writing a password on the command line.
pub(crate) fn password_remedy() -> String {
    format!("{}; for HTTP, --header @FILE", AMQP_LOGIN.remedy())
}

/// What may be loaded, and as whom.
#[derive(Debug, Clone, clap::Args)]
pub struct GuardArgs {
    /// A host that may be loaded although it is not this machine, by its exact name; repeatable
    #[arg(long, env = "CE_ALLOW_TARGET", value_name = "HOST", value_delimiter = ',')]
    pub allow_target: Vec<String>,

    // Has no variable: what stays set in a shell is no decision about this run.
    /// A host that may be loaded although its name looks like production, besides --allow-target;
    /// repeatable
    #[arg(long, value_name = "HOST", value_delimiter = ',')]
    pub allow_production: Vec<String>,

    /// AMQP: log in with the `user:password` in this file; the environment variables `CE_AMQP_USER`
    /// and `CE_AMQP_PASSWORD` may hold them instead
    #[arg(long, env = "CE_CREDENTIALS_FILE", value_name = "FILE")]
    pub credentials_file: Option<PathBuf>,
}

impl GuardArgs {
    /// Who logs in to brokers.
    pub(crate) fn credentials(&self) -> anyhow::Result<Option<Credentials>> {
        AMQP_LOGIN.credentials(self.credentials_file.as_deref())
    }
}
