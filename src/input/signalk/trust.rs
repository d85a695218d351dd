//! Whose word is taken for who a `wss` server is: a public authority's, or that of the one certificate that the
//! configuration names.
//!
//! A server aboard has no certificate from an authority, so its own has to do. Taking any certificate would protect from
//! nobody; taking exactly the one that the user has put beside the configuration protects from everybody else, whatever
//! name, dates and issuer it carries (boats have clocks that are wrong and addresses that change).

use std::path::Path;
use std::sync::Arc;

use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error as TlsError, RootCertStore, SignatureScheme,
};

use crate::input::ended::{Ended, Why, with_advice};

/// A file with a certificate is not longer than this, in bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// What to do about a certificate that nobody vouches for.
const ADVICE: &str = "if it is a server of your own, save its certificate in a file and set certificate = \"FILE\"";

/// The rules for a connection.
pub(super) fn rules(certificate: Option<&Path>) -> Result<ClientConfig, Ended> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| Ended::new(Why::Failed, format!("set up TLS: {error}")))?;
    let Some(path) = certificate else {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|error| Ended::new(Why::Failed, format!("set up TLS: {error}")))?;
        return Ok(builder.with_webpki_verifier(verifier).with_no_client_auth());
    };
    let pinned = Pinned { certificates: read(path)?, algorithms: algorithms(&provider) };
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(pinned)).with_no_client_auth())
}

fn algorithms(provider: &CryptoProvider) -> WebPkiSupportedAlgorithms {
    provider.signature_verification_algorithms
}

fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, Ended> {
    let operation = format!("read certificate {}", path.display());
    let length = std::fs::metadata(path).map_err(|error| Ended::io(&operation, &error, |_| ""))?.len();
    if length > FILE_BYTES_MAX {
        return Err(Ended::new(Why::Malformed, format!("{operation}: {length} bytes are too many for a certificate")));
    }
    let text = std::fs::read(path).map_err(|error| Ended::io(&operation, &error, |_| ""))?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(Ended::new(
            Why::Malformed,
            with_advice(format!("{operation}: no certificate in PEM"), "it begins with -----BEGIN CERTIFICATE-----"),
        )),
    }
}

/// Takes one of these certificates and nothing else. The server still has to prove that it has the key.
#[derive(Debug)]
struct Pinned {
    certificates: Vec<CertificateDer<'static>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        if self.certificates.iter().any(|pinned| **pinned == **end_entity) {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(TlsError::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        tokio_rustls::rustls::crypto::verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        tokio_rustls::rustls::crypto::verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Why a TLS handshake failed, in words that say what to do.
pub(super) fn handshake_failed(shown: &str, error: &std::io::Error) -> Ended {
    let operation = format!("connect to {shown}");
    let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>()) else {
        return Ended::io(operation, error, |_| "does it speak TLS on that port?");
    };
    let (reason, advice) = match tls {
        TlsError::InvalidCertificate(why) => match why {
            CertificateError::ApplicationVerificationFailure => {
                ("its certificate is not the one in the configuration", "has it got a new one? is it another server?")
            }
            CertificateError::UnknownIssuer => ("no public authority vouches for its certificate", ADVICE),
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                ("its certificate has expired", "is the clock of this computer right?")
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                ("its certificate is not valid yet", "is the clock of this computer right?")
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                ("its certificate is for another name", "use the name that is in it")
            }
            _ => ("its certificate is not to be trusted", ADVICE),
        },
        TlsError::InvalidMessage(_) => ("what answers does not speak TLS", "is ws:// meant?"),
        _ => return Ended::new(Why::Failed, format!("{operation}: TLS: {tls}")),
    };
    Ended::new(Why::Failed, with_advice(format!("{operation}: {reason}"), advice))
}
