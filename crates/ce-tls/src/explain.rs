//! What to do about a handshake that has failed.

use std::error::Error;
use std::io;

use tokio_rustls::rustls::{AlertDescription, CertificateError, Error as TlsError};

/// What the user can do, if it was TLS that failed.
pub fn remedy(err: &(dyn Error + 'static)) -> Option<String> {
    let said = match tls_error(err)? {
        TlsError::InvalidCertificate(why) => return about_certificate(why),
        TlsError::AlertReceived(alert) => return about_alert(*alert).map(ToOwned::to_owned),
        TlsError::InvalidMessage(_) => "what answers is not TLS; is it the right port?",
        TlsError::NoCertificatesPresented => "the server has no certificate",
        TlsError::PeerIncompatible(_) => "the server is too old for TLS 1.2",
        _ => return None,
    };
    Some(said.to_owned())
}

/// An error with its causes in one line, and what to do about it.
pub fn explain(err: &(dyn Error + 'static)) -> String {
    let mut text = err.to_string();
    let mut cause = err.source();
    while let Some(next) = cause {
        let said = next.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = next.source();
    }
    match remedy(err) {
        Some(remedy) => format!("{text}; {remedy}"),
        None => text,
    }
}

fn about_certificate(why: &CertificateError) -> Option<String> {
    let said = match why {
        // The second is an authority that has the same name, and another key.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "no authority that we trust has signed the certificate; name the authority's own with \
             --ca-file"
        }
        CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => {
            "the server needs a certificate with a subject alternative name; a common name is not \
             enough"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "if it is the right server, give a name of its certificate with --tls-server-name"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the server needs a new certificate"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "is the clock of this machine right?"
        }
        _ => return None,
    };
    Some(said.to_owned())
}

fn about_alert(alert: AlertDescription) -> Option<&'static str> {
    match alert {
        // TLS 1.3 has a word for it; TLS 1.2 says that the handshake failed.
        AlertDescription::CertificateRequired | AlertDescription::HandshakeFailure => Some(
            "the server wants a client certificate; give one with --client-cert and --client-key",
        ),
        AlertDescription::ProtocolVersion => {
            Some("the server does not speak TLS 1.2 or 1.3, and nothing older is spoken here")
        }
        AlertDescription::UnknownCA
        | AlertDescription::BadCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::CertificateExpired => Some(
            "the server refuses the client certificate; is it signed by an authority that the \
             server trusts?",
        ),
        AlertDescription::UnrecognisedName => {
            Some("the server does not know the name; give another with --tls-server-name")
        }
        _ => None,
    }
}

/// The error of rustls among the causes. `io::Error` does not show what it holds as its source.
fn tls_error<'a>(err: &'a (dyn Error + 'static)) -> Option<&'a TlsError> {
    if let Some(found) = err.downcast_ref::<TlsError>() {
        return Some(found);
    }
    let held = err.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    let held: Option<&'a (dyn Error + 'static)> = held.map(|held| held as _);
    held.and_then(tls_error).or_else(|| err.source().and_then(tls_error))
}

#[cfg(test)]
mod tests {
    use tokio_rustls::rustls::pki_types::ServerName;

    use super::*;

    #[derive(Debug)]
    struct Outer(io::Error);

    impl std::fmt::Display for Outer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("cannot connect")
        }
    }

    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    fn wrapped(err: TlsError) -> Outer {
        Outer(io::Error::new(io::ErrorKind::InvalidData, err))
    }

    #[test]
    fn the_remedy_is_found_below_other_errors() {
        for (err, remedy) in [
            (TlsError::InvalidCertificate(CertificateError::UnknownIssuer), "--ca-file"),
            (TlsError::InvalidCertificate(CertificateError::BadSignature), "--ca-file"),
            (TlsError::InvalidCertificate(CertificateError::NotValidForName), "--tls-server-name"),
            (TlsError::AlertReceived(AlertDescription::CertificateRequired), "--client-cert"),
            (TlsError::AlertReceived(AlertDescription::UnknownCA), "refuses the client"),
            (TlsError::AlertReceived(AlertDescription::ProtocolVersion), "TLS 1.2 or 1.3"),
        ] {
            let text = explain(&wrapped(err));
            assert!(text.starts_with("cannot connect: ") && text.contains(remedy), "{text}");
        }
    }

    #[test]
    fn a_certificate_without_names_needs_some_and_no_other_name_of_ours() {
        let text = |presented: &[&str]| {
            let expected = ServerName::try_from("mq.test").unwrap();
            let presented = presented.iter().map(|&name| name.into()).collect();
            let why = CertificateError::NotValidForNameContext { expected, presented };
            explain(&wrapped(TlsError::InvalidCertificate(why)))
        };
        assert!(text(&[]).contains("subject alternative name; a common name is not enough"));
        assert!(text(&["DnsName(\"a.test\")"]).contains("--tls-server-name"));
    }

    #[test]
    fn other_errors_are_only_told() {
        let refused = Outer(io::ErrorKind::ConnectionRefused.into());
        assert_eq!(explain(&refused), "cannot connect: connection refused");
        assert_eq!(remedy(&refused), None);
    }
}
