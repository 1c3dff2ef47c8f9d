//! Models that the host program tells of, beside those of the engine's list.

use std::sync::Arc;

use codex_http_client::HttpClientFactory;
use codex_login::AuthManager;
use codex_protocol::config_types::CollaborationModeMask;
use codex_protocol::openai_models::ModelInfo;
use codex_protocol::openai_models::ModelVisibility;
use codex_protocol::openai_models::ModelsResponse;
use serde_json::Value;
use tokio::sync::TryLockError;

use crate::manager::ModelsManager;
use crate::manager::ModelsManagerFuture;
use crate::manager::RefreshStrategy;
use crate::manager::SharedModelsManager;
use crate::model_info::model_info_from_slug;

/// What the host tells of each model, over that of the known model that it names in `like`, or over what is assumed of a model that nobody knows.
pub fn resolve(given: &[Value], known: &[ModelInfo]) -> Result<Vec<ModelInfo>, String> {
    given.iter().map(|told| one(told, known)).collect()
}

fn one(told: &Value, known: &[ModelInfo]) -> Result<ModelInfo, String> {
    let Some((told, slug)) = told.as_object().zip(told["slug"].as_str().filter(|slug| !slug.is_empty())) else {
        return Err("a model is an object with a \"slug\"".to_string());
    };
    let mut base = match told.get("like").and_then(Value::as_str) {
        Some(like) => known.iter().find(|model| model.slug == like).cloned().ok_or_else(|| {
            let names: Vec<_> = known.iter().map(|model| model.slug.as_str()).collect();
            format!("{slug} is to be like {like}, which this engine does not know; it knows {}", names.join(", "))
        })?,
        None => model_info_from_slug(slug),
    };
    (base.display_name, base.description, base.visibility) = (slug.to_string(), None, ModelVisibility::List);
    // Not of this model.
    (base.upgrade, base.availability_nux) = (None, None);
    let mut fields = match serde_json::to_value(base) {
        Ok(Value::Object(fields)) => fields,
        _ => return Err(format!("{slug}: what is known of it has no form in JSON")),
    };
    let window = told.get("context_window").filter(|_| !told.contains_key("max_context_window"));
    fields.extend(window.map(|window| ("max_context_window".to_string(), window.clone())));
    fields.extend(told.iter().filter(|(name, _)| *name != "like").map(|(name, value)| (name.clone(), value.clone())));
    serde_json::from_value(Value::Object(fields)).map_err(|error| format!("{slug}: {error}"))
}

/// The same manager, which knows these models too.
pub fn with(manager: SharedModelsManager, given: Vec<ModelInfo>) -> SharedModelsManager {
    if given.is_empty() { manager } else { Arc::new(WithHostModels { manager, given }) }
}

/// Whose name a model is known by, if it is another's: a longer name is taken for the model whose name it begins with.
pub fn taken_for(manager: &dyn ModelsManager, slug: &str) -> Option<String> {
    let known = manager.try_get_remote_models().ok()?;
    let plain = slug.rsplit_once('/').map_or(slug, |(_, plain)| plain);
    let like = known.iter().filter(|model| plain.starts_with(&model.slug)).max_by_key(|model| model.slug.len())?;
    let rest = &plain[like.slug.len()..];
    // A snapshot of the model: its date.
    let dated = rest.starts_with(['-', '@']) && rest.chars().all(|next| next.is_ascii_digit() || matches!(next, '-' | '@'));
    (!rest.is_empty() && !dated).then(|| like.slug.clone())
}

#[derive(Debug)]
struct WithHostModels {
    manager: SharedModelsManager,
    given: Vec<ModelInfo>,
}

impl WithHostModels {
    fn beside(&self, mut known: Vec<ModelInfo>) -> Vec<ModelInfo> {
        known.retain(|model| self.given.iter().all(|given| given.slug != model.slug));
        known.extend(self.given.iter().cloned());
        known
    }
}

impl ModelsManager for WithHostModels {
    fn raw_model_catalog(
        &self,
        refresh_strategy: RefreshStrategy,
        http_client_factory: HttpClientFactory,
    ) -> ModelsManagerFuture<'_, ModelsResponse> {
        Box::pin(async move {
            let known = self.manager.raw_model_catalog(refresh_strategy, http_client_factory).await;
            ModelsResponse { models: self.beside(known.models) }
        })
    }

    fn get_remote_models(&self) -> ModelsManagerFuture<'_, Vec<ModelInfo>> {
        Box::pin(async { self.beside(self.manager.get_remote_models().await) })
    }

    fn try_get_remote_models(&self) -> Result<Vec<ModelInfo>, TryLockError> {
        Ok(self.beside(self.manager.try_get_remote_models()?))
    }

    fn auth_manager(&self) -> Option<&AuthManager> {
        self.manager.auth_manager()
    }

    fn list_collaboration_modes(&self) -> Vec<CollaborationModeMask> {
        self.manager.list_collaboration_modes()
    }

    fn get_default_model<'a>(
        &'a self,
        model: &'a Option<String>,
        allow_provider_model_fallback: bool,
        refresh_strategy: RefreshStrategy,
        http_client_factory: HttpClientFactory,
    ) -> ModelsManagerFuture<'a, String> {
        match model.as_ref().filter(|model| self.given.iter().any(|given| given.slug == **model)) {
            Some(model) => Box::pin(async { model.clone() }),
            None => self.manager.get_default_model(model, allow_provider_model_fallback, refresh_strategy, http_client_factory),
        }
    }

    fn refresh_if_new_etag(&self, etag: String, http_client_factory: HttpClientFactory) -> ModelsManagerFuture<'_, ()> {
        self.manager.refresh_if_new_etag(etag, http_client_factory)
    }
}
