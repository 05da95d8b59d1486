//! The flags, the same in all tools.

use std::path::PathBuf;

/// Whom to trust, and who we are.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct TlsArgs {
    /// TLS: trust the authorities in this file, and not those of this machine
    #[arg(long, env = "CE_CA_FILE", value_name = "PEM")]
    pub ca_file: Option<PathBuf>,

    /// TLS: show this certificate to a server that asks for one; its chain may follow it
    #[arg(long, env = "CE_CLIENT_CERT", value_name = "PEM", requires = "client_key")]
    pub client_cert: Option<PathBuf>,

    /// TLS: the private key of --client-cert
    #[arg(long, env = "CE_CLIENT_KEY", value_name = "PEM", requires = "client_cert")]
    pub client_key: Option<PathBuf>,

    /// TLS: the name that the server's certificate must have, where it is not that of the URL
    #[arg(long, env = "CE_TLS_SERVER_NAME", value_name = "NAME")]
    pub tls_server_name: Option<String>,
}

impl TlsArgs {
    /// A flag that was given; without TLS it would do nothing, and that must show.
    pub fn given(&self) -> Option<&'static str> {
        let flags = [
            ("--ca-file", self.ca_file.is_some()),
            ("--client-cert", self.client_cert.is_some()),
            ("--tls-server-name", self.tls_server_name.is_some()),
        ];
        flags.into_iter().find_map(|(flag, given)| given.then_some(flag))
    }
}
