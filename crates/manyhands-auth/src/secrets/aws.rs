//! `aws:SECRET-ID#FIELD`: AWS Secrets Manager.

use std::sync::Arc;
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use manyhands_core::{Printable, Secret, clip};
use serde_json::Value;
use tokio::sync::OnceCell;

use super::error::{SecretError, SecretErrorKind};
use super::fields::pick;
use super::source::SecretSource;

/// How long one read may take, with the search for credentials and the SDK's own attempts: 10 s.
const LIMIT: Duration = Duration::from_secs(10);

/// How much of the service's words is shown, in bytes.
const MAX_SHOWN: usize = 200;

/// Reads the current version of secrets in AWS Secrets Manager.
///
/// A key is the name or the ARN of a secret, and `#FIELD` where the secret is a JSON object of which one field is meant.
/// Region and credentials are found as the SDK finds them: variables, profiles, a role of the machine, container or pod;
/// all but SSO.
#[derive(Debug, Clone, Default)]
pub struct AwsSource {
    client: Arc<OnceCell<Client>>,
}

impl AwsSource {
    async fn client(&self) -> &Client {
        let make = async || {
            let config = aws_config::load_defaults(BehaviorVersion::v2026_01_12()).await;
            Client::new(&config)
        };
        self.client.get_or_init(make).await
    }

    async fn ask(&self, id: &str, field: Option<&str>) -> Result<Secret, SecretError> {
        let client = self.client().await;
        let answer = client.get_secret_value().secret_id(id).send().await;
        let answer = answer.map_err(|error| explained(&error))?;
        let Some(text) = answer.secret_string() else {
            let cause = "it is kept as bytes, and not as text";
            return Err(SecretError::new(SecretErrorKind::NotText, cause));
        };
        if field.is_none() {
            return Ok(Secret::new(text));
        }
        match serde_json::from_str(text) {
            Ok(Value::Object(fields)) => pick(&fields, field),
            _ => {
                let cause = "the key names a field, and the secret is no JSON object";
                Err(SecretError::new(SecretErrorKind::Misconfigured, cause)
                    .with_mend("leave out the `#` and what follows it"))
            }
        }
    }
}

impl SecretSource for AwsSource {
    async fn read(&self, key: &str) -> Result<Secret, SecretError> {
        let (id, field) = match key.rsplit_once('#') {
            Some((id, field)) => (id, Some(field)),
            None => (key, None),
        };
        if id.is_empty() || field == Some("") {
            let cause = "the key does not name a secret, or has a `#` and no field after it";
            return Err(SecretError::new(SecretErrorKind::Misconfigured, cause)
                .with_mend("write it as SECRET-ID#FIELD, as in aws:prod/github#token"));
        }
        let answer = tokio::time::timeout(LIMIT, self.ask(id, field)).await;
        answer.unwrap_or_else(|_| {
            let cause = "AWS did not answer within 10 s";
            Err(SecretError::new(SecretErrorKind::Unavailable, cause))
        })
    }
}

fn explained(error: &SdkError<GetSecretValueError>) -> SecretError {
    match error {
        SdkError::ServiceError(refusal) => refused(refusal.err()),
        SdkError::TimeoutError(_) => {
            SecretError::new(SecretErrorKind::Unavailable, "AWS did not answer in time")
        }
        SdkError::DispatchFailure(failure) if failure.is_io() || failure.is_timeout() => {
            let cause = format!("AWS cannot be reached: {}", deepest(error));
            SecretError::new(SecretErrorKind::Unavailable, cause)
        }
        SdkError::ResponseError(_) => SecretError::new(
            SecretErrorKind::Unavailable,
            "AWS's answer cannot be understood",
        ),
        _ => {
            let cause = format!("AWS cannot be asked: {}", deepest(error));
            SecretError::new(SecretErrorKind::Misconfigured, cause)
                .with_mend("set AWS_REGION and credentials, as for the `aws` command")
        }
    }
}

/// Says what the service's refusal means.
fn refused(error: &GetSecretValueError) -> SecretError {
    use SecretErrorKind as Kind;
    let code = error.code().unwrap_or("unknown");
    let said = error.message().map(|said| format!(": {}", shown(said)));
    let said = said.unwrap_or_default();
    let (kind, cause, mend) = match code {
        "ResourceNotFoundException" => (
            Kind::NotFound,
            "AWS has no secret of this name in this region".to_owned(),
            "check the name and AWS_REGION",
        ),
        "InvalidRequestException" => (
            Kind::NotFound,
            format!("AWS does not give it{said}"),
            "restore it, if it was scheduled for deletion",
        ),
        "AccessDeniedException" | "DecryptionFailure" => (
            Kind::Denied,
            format!("AWS does not let us read it{said}"),
            "allow secretsmanager:GetSecretValue, and the use of its key",
        ),
        "UnrecognizedClientException" | "InvalidSignatureException" | "ExpiredTokenException" => (
            Kind::Denied,
            format!("AWS does not take our credentials{said}"),
            "renew them",
        ),
        "InvalidParameterException" | "ValidationException" => (
            Kind::Misconfigured,
            format!("AWS does not understand the key{said}"),
            "write it as SECRET-ID#FIELD",
        ),
        _ => {
            let cause = format!("AWS answers with {}{said}", shown(code));
            return SecretError::new(Kind::Unavailable, cause);
        }
    };
    SecretError::new(kind, cause).with_mend(mend)
}

/// The text of the innermost error, which says most.
fn deepest(error: &SdkError<GetSecretValueError>) -> String {
    let mut deepest: &dyn std::error::Error = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    shown(&deepest.to_string())
}

fn shown(text: &str) -> String {
    Printable(&clip(text, MAX_SHOWN)).to_string()
}

#[cfg(test)]
mod tests;
