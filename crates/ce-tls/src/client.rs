//! What a connection needs, made of the files that the flags name.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, Error, RootCertStore};

use crate::TlsArgs;

/// The certificates of all public authorities together are smaller.
const FILE_LIMIT_BYTES: u64 = 4 << 20;

/// How to open connections with TLS. A clone is cheap.
#[derive(Clone)]
pub struct TlsClient {
    config: Arc<ClientConfig>,
    server_name: Option<Box<str>>,
    has_certificate: bool,
}

impl fmt::Debug for TlsClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither certificates by the hundred, nor anything of a key.
        f.debug_struct("TlsClient").field("server_name", &self.server_name).finish_non_exhaustive()
    }
}

impl TlsArgs {
    /// Reads the files.
    pub fn client(&self) -> anyhow::Result<TlsClient> {
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .context("cannot set up TLS")?
            .with_root_certificates(self.roots()?);
        let config = match (&self.client_cert, &self.client_key) {
            (Some(cert), Some(key)) => {
                let chain = certificates("--client-cert", cert)?;
                let private = private_key(key)?;
                builder.with_client_auth_cert(chain, private).map_err(|err| match err {
                    Error::InconsistentKeys(_) => anyhow!(
                        "--client-key {}: it is not the key of the certificate in {}; name the two \
                         that belong together",
                        key.display(),
                        cert.display()
                    ),
                    err => anyhow!("--client-cert {}: {err}", cert.display()),
                })?
            }
            _ => builder.with_no_client_auth(),
        };
        let server_name = self.tls_server_name.as_deref();
        if let Some(name) = server_name {
            parse_name(name).context("--tls-server-name")?;
        }
        Ok(TlsClient {
            config: Arc::new(config),
            server_name: server_name.map(Into::into),
            has_certificate: self.client_cert.is_some(),
        })
    }

    fn roots(&self) -> anyhow::Result<RootCertStore> {
        let mut roots = RootCertStore::empty();
        let Some(path) = &self.ca_file else {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                bail!(
                    "no TLS root certificates on this machine: install the package \
                     ca-certificates, or name the authority's certificate with --ca-file"
                );
            }
            return Ok(roots);
        };
        for certificate in certificates("--ca-file", path)? {
            roots.add(certificate).with_context(|| {
                format!("--ca-file {}: a certificate in it cannot be used", path.display())
            })?;
        }
        Ok(roots)
    }
}

impl TlsClient {
    /// The configuration, with the certificates and the one crypto provider.
    pub fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.config)
    }

    /// Whether we have a certificate to show.
    pub fn has_certificate(&self) -> bool {
        self.has_certificate
    }

    /// The name that the certificate of `host` must have.
    pub fn name<'a>(&'a self, host: &'a str) -> &'a str {
        self.server_name.as_deref().unwrap_or(host)
    }

    /// The same, as rustls takes it.
    pub fn server_name(&self, host: &str) -> anyhow::Result<ServerName<'static>> {
        parse_name(self.name(host))
    }
}

fn parse_name(name: &str) -> anyhow::Result<ServerName<'static>> {
    let parsed = ServerName::try_from(name.to_owned());
    parsed.map_err(|_| anyhow!("`{name}` is neither a host name nor an IP address"))
}

fn certificates(flag: &str, path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let pem = read(flag, path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let found = found.with_context(|| format!("{flag} {}: broken PEM", path.display()))?;
    if found.is_empty() {
        bail!(
            "{flag} {}: no certificate in it; it must be PEM, with a line -----BEGIN \
             CERTIFICATE-----",
            path.display()
        );
    }
    Ok(found)
}

fn private_key(path: &Path) -> anyhow::Result<PrivateKeyDer<'static>> {
    let pem = read("--client-key", path)?;
    PrivateKeyDer::from_pem_slice(&pem).map_err(|_| {
        let encrypted = String::from_utf8_lossy(&pem).contains("ENCRYPTED");
        let why = if encrypted {
            "it is encrypted; decrypt it with `openssl pkey -in FILE -out PLAIN`"
        } else {
            "no private key in it; it must be PEM, with a line -----BEGIN PRIVATE KEY-----"
        };
        anyhow!("--client-key {}: {why}", path.display())
    })
}

fn read(flag: &str, path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = File::open(path)
        .and_then(|file| file.take(FILE_LIMIT_BYTES + 1).read_to_end(&mut bytes))
        .with_context(|| format!("{flag} {}: cannot read", path.display()))?;
    if read as u64 > FILE_LIMIT_BYTES {
        bail!("{flag} {}: larger than 4 MiB; is it the right file?", path.display());
    }
    Ok(bytes)
}
