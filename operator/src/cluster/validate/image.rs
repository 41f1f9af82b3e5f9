//! Which image nodes run.

use taffrail_crds::KafkaClusterSpec;
use taffrail_crds::cluster::Image;

use super::{BrokerImage, Findings};
use crate::settings::Settings;

const TAG_LENGTH_MAX: usize = 128;

pub(super) fn validate(
    findings: &mut Findings,
    spec: &KafkaClusterSpec,
    settings: &Settings,
) -> BrokerImage {
    let default = Image::default();
    let image = spec.image.as_ref().unwrap_or(&default);
    let version = spec.version.as_deref().unwrap_or(&settings.version);
    check_tag(findings, "spec.version", version);
    let tag = image.tag.as_deref().unwrap_or(version);
    check_tag(findings, "spec.image.tag", tag);
    let repository = image.repository.as_deref().unwrap_or(&settings.broker_image);
    check_repository(findings, repository);
    let reference = match image.digest.as_deref() {
        Some(digest) => {
            check_digest(findings, digest);
            format!("{repository}@{digest}")
        }
        None => format!("{repository}:{tag}"),
    };
    BrokerImage {
        reference,
        pull_policy: image.pull_policy.unwrap_or(settings.pull_policy),
        pull_secrets: image.pull_secrets.clone(),
    }
}

fn check_tag(findings: &mut Findings, field: &str, tag: &str) {
    let is_tag = tag.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && tag.len() <= TAG_LENGTH_MAX
        && tag.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'));
    if !is_tag {
        let message = format!(
            "'{tag}' can't be the tag of an image: write letters, digits, '.', '_' and '-', such as 0.1.0"
        );
        findings.invalid(field, message);
    }
}

fn check_repository(findings: &mut Findings, repository: &str) {
    let last = repository.rsplit('/').next().unwrap_or_default();
    let is_sound = !last.is_empty()
        && repository
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | ':'));
    if !is_sound {
        findings.invalid(
            "spec.image.repository",
            format!("'{repository}' isn't the name of an image's repository"),
        );
    } else if last.contains(':') {
        let message = format!("'{repository}' has a tag: write it into spec.image.tag instead");
        findings.invalid("spec.image.repository", message);
    }
}

fn check_digest(findings: &mut Findings, digest: &str) {
    let is_hex = |length: usize, text: &str| {
        text.len() == length && text.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
    };
    let is_sound = digest.strip_prefix("sha256:").is_some_and(|hash| is_hex(64, hash))
        || digest.strip_prefix("sha512:").is_some_and(|hash| is_hex(128, hash));
    if !is_sound {
        let message = format!("'{digest}' isn't a digest: write sha256: and 64 hexadecimal digits");
        findings.invalid("spec.image.digest", message);
    }
}
