//! A private key that says who a client is, in place of a secret (RFC 7523). The key itself is never sent.

use manyhands_core::Secret;
use rmcp::transport::auth::JwtSigningAlgorithm;

/// A private key, and how it signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKey {
    pem: Secret,
    algorithm: SigningAlgorithm,
}

impl SigningKey {
    /// A key in the PEM form of PKCS #8, as it was registered at the authorization server.
    pub fn new(pem: impl Into<Secret>, algorithm: SigningAlgorithm) -> Self {
        Self {
            pem: pem.into(),
            algorithm,
        }
    }

    pub(super) fn pem(&self) -> &Secret {
        &self.pem
    }

    pub(super) fn algorithm(&self) -> JwtSigningAlgorithm {
        match self.algorithm {
            SigningAlgorithm::Es256 => JwtSigningAlgorithm::ES256,
            SigningAlgorithm::Es384 => JwtSigningAlgorithm::ES384,
            SigningAlgorithm::Rs256 => JwtSigningAlgorithm::RS256,
            SigningAlgorithm::Rs384 => JwtSigningAlgorithm::RS384,
            SigningAlgorithm::Rs512 => JwtSigningAlgorithm::RS512,
        }
    }
}

/// How a [`SigningKey`] signs, by its name in RFC 7518.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SigningAlgorithm {
    /// ECDSA with the curve P-256.
    Es256,
    /// ECDSA with the curve P-384.
    Es384,
    /// RSA with SHA-256.
    Rs256,
    /// RSA with SHA-384.
    Rs384,
    /// RSA with SHA-512.
    Rs512,
}

impl SigningAlgorithm {
    /// The algorithm of this name, such as `ES256`; none where it is not known here.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            "RS256" => Self::Rs256,
            "RS384" => Self::Rs384,
            "RS512" => Self::Rs512,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn algorithms_go_by_their_names_and_none_is_no_algorithm() {
        for name in ["ES256", "ES384", "RS256", "RS384", "RS512"] {
            let key = SigningKey::new("pem", SigningAlgorithm::named(name).unwrap());
            assert_eq!(format!("{:?}", key.algorithm()), name);
        }
        for name in ["none", "HS256", "es256", ""] {
            assert_eq!(SigningAlgorithm::named(name), None, "{name}");
        }
    }
}
