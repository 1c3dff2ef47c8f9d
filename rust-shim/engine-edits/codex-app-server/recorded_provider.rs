//! Sessions whose model provider has another id by now, or is gone: they go on with the one that the configuration has, and a person is told.

use super::*;

/// Whether a session's provider is one of the configuration's; a request may bring its own.
pub(super) fn is_known(config: &Config, overrides: Option<&HashMap<String, serde_json::Value>>, recorded: &str) -> bool {
    let brought = |name: &str| {
        name.strip_prefix("model_providers.").is_some_and(|name| name.split('.').next() == Some(recorded)) || name == "model_providers"
    };
    config.model_providers.contains_key(recorded) || overrides.is_some_and(|overrides| overrides.keys().any(|name| brought(name)))
}

/// Has a thread say that it goes on with another provider than `recorded`, where there is none of that name any more; whether it is so.
pub(super) fn tell(config: &mut Config, recorded: Option<&str>) -> bool {
    let Some(recorded) = recorded.filter(|recorded| !recorded.is_empty() && !config.model_providers.contains_key(*recorded)) else {
        return false;
    };
    let model = config.model.as_deref().map(|model| format!(" and the model {model}")).unwrap_or_default();
    config.startup_warnings.push(format!(
        "the session is of the model provider {recorded}, which the configuration does not have any more; it goes on with {}{model}. \
         model_provider= takes another one",
        config.model_provider_id
    ));
    true
}
