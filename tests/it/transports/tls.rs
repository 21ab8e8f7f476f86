//! Servers over TLS, with certificates made for the test.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use manyhands_testkit::{HttpOptions, HttpServer};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use super::{relay, verdict, whoami};
use crate::servers::polite;

/// An authority of the test's own, and a folder for what it signs.
struct Authority {
    folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

/// The files of one certificate.
struct Files {
    cert: PathBuf,
    key: PathBuf,
}

impl Authority {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        let name = format!("authority {}", folder.path().display());
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let cert = params.self_signed(&key).unwrap();
        fs::write(folder.path().join("ca.pem"), cert.pem()).unwrap();
        let issuer = Issuer::new(params, key);
        Self { folder, issuer }
    }

    fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Signs a certificate for this name.
    fn sign(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Files {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        change(&mut params);
        let cert = params.signed_by(&key, &self.issuer).unwrap();
        let path = |kind: &str| self.folder.path().join(format!("{name}.{kind}.pem"));
        let files = Files {
            cert: path("cert"),
            key: path("key"),
        };
        fs::write(&files.cert, cert.pem()).unwrap();
        fs::write(&files.key, key.serialize_pem()).unwrap();
        files
    }

    /// An entry for this URL that trusts this authority.
    fn entry(&self, url: &str) -> Value {
        json!({"url": url, "manyhands": {"restart": false, "tls": {"ca": self.ca()}}})
    }
}

/// A polite server over TLS on a loopback port, for as long as the test runs; it wants a certificate of `clients`,
/// where there are any.
async fn serving(files: &Files, clients: Option<&Path>) -> (String, HttpServer) {
    let options = HttpOptions::default().with_event_streams(false);
    let http = HttpServer::start_with(&polite("it"), options)
        .await
        .unwrap();
    let inner = http.url().split('/').nth(2).unwrap().to_owned();
    let builder = match clients {
        Some(ca) => {
            let mut roots = RootCertStore::empty();
            roots
                .add(CertificateDer::from_pem_file(ca).unwrap())
                .unwrap();
            let verifier = WebPkiClientVerifier::builder(Arc::new(roots))
                .build()
                .unwrap();
            ServerConfig::builder().with_client_cert_verifier(verifier)
        }
        None => ServerConfig::builder().with_no_client_auth(),
    };
    let chain = vec![CertificateDer::from_pem_file(&files.cert).unwrap()];
    let key = PrivateKeyDer::from_pem_file(&files.key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(builder.with_single_cert(chain, key).unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, inner) = (acceptor.clone(), inner.clone());
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    relay(stream, &inner).await;
                }
            });
        }
    });
    (format!("https://localhost:{port}/mcp"), http)
}

#[tokio::test]
async fn an_authority_of_ones_own_is_trusted_once_it_is_named() {
    let own = Authority::new();
    let (url, _server) = serving(&own.sign("localhost", |_| {}), None).await;
    let unnamed = verdict(&json!({"url": url, "manyhands": {"restart": false}})).await;
    assert_eq!(
        unnamed,
        format!(
            "no TLS connection to {url} was made: its certificate comes from an authority that is not trusted here; \
             if it is your own, name that authority's certificate in `manyhands.tls.ca`"
        )
    );
    assert_eq!(whoami(&own.entry(&url)).await, "\"it\"");
    let only = json!({"url": url, "manyhands": {"tls": {"ca": [own.ca()], "onlyCa": true}}});
    assert_eq!(whoami(&only).await, "\"it\"");
    let other = verdict(&Authority::new().entry(&url)).await;
    assert_eq!(other, unnamed);
}

#[tokio::test]
async fn a_certificate_that_does_not_fit_is_told_with_what_is_wrong() {
    let own = Authority::new();
    let expired = own.sign("localhost", |params| {
        params.not_before = date_time_ymd(2019, 1, 1);
        params.not_after = date_time_ymd(2020, 1, 1);
    });
    let (url, _server) = serving(&expired, None).await;
    let found = verdict(&own.entry(&url)).await;
    assert!(
        found.contains(
            "its certificate expired on Wed, 01 Jan 2020 00:00:00 GMT; have the server's"
        ),
        "{found}"
    );
    let early = own.sign("localhost", |params| {
        params.not_before = date_time_ymd(2999, 1, 1);
    });
    let (url, _server) = serving(&early, None).await;
    let found = verdict(&own.entry(&url)).await;
    assert!(
        found.contains("valid only from Tue, 01 Jan 2999"),
        "{found}"
    );
    let (url, _server) = serving(&own.sign("a.example", |_| {}), None).await;
    let found = verdict(&own.entry(&url)).await;
    assert!(
        found.contains("is not for localhost, only for a.example; use a name"),
        "{found}"
    );
}

#[tokio::test]
async fn a_certificate_of_ours_is_shown_to_a_server_that_asks() {
    let own = Authority::new();
    let (url, _server) = serving(&own.sign("localhost", |_| {}), Some(&own.ca())).await;
    let ours = own.sign("us", |_| {});
    let with = |cert: &Path, key: &Path| json!({"url": url, "manyhands": {"restart": false, "tls": {"ca": own.ca(), "cert": cert, "key": key}}});
    assert_eq!(whoami(&with(&ours.cert, &ours.key)).await, "\"it\"");

    let both = own.folder.path().join("both.pem");
    let text = fs::read_to_string(&ours.key).unwrap() + &fs::read_to_string(&ours.cert).unwrap();
    fs::write(&both, text).unwrap();
    let one_file = json!({"url": url, "manyhands": {"tls": {"ca": own.ca(), "cert": both}}});
    assert_eq!(whoami(&one_file).await, "\"it\"");

    let found = verdict(&own.entry(&url)).await;
    assert!(
        found.contains("it wants a certificate of ours, and got none; name a certificate that it accepts in `manyhands.tls.cert`"),
        "{found}"
    );
    let strange = Authority::new();
    let theirs = strange.sign("us", |_| {});
    let found = verdict(&with(&theirs.cert, &theirs.key)).await;
    assert!(
        found.contains("it does not accept our certificate"),
        "{found}"
    );

    let other = own.sign("other", |_| {});
    let found = verdict(&with(&ours.cert, &other.key)).await;
    let (cert, key) = (&ours.cert, &other.key);
    let expected =
        format!("the key in {key:?} does not belong to the certificate in {cert:?}; use the key");
    assert!(found.starts_with(&expected), "{found}");
}

#[tokio::test]
async fn a_port_that_speaks_no_tls_is_told_as_such() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/mcp", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let found = verdict(&json!({"url": url, "manyhands": {"restart": false}})).await;
    assert_eq!(
        found,
        format!(
            "no TLS connection to {url} was made: what answers there does not speak TLS; \
             check the port, and whether the server speaks https at all"
        )
    );
}
