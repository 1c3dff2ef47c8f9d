//! A provider's list of models, which may be newer than the engine: what cannot be read of an entry costs that field, or that entry, and not the list.

use codex_protocol::openai_models::ModelInfo;
use codex_protocol::openai_models::ModelsResponse;
use serde::Deserialize;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

#[derive(Deserialize)]
struct Entries {
    models: Vec<Value>,
}

/// The list as far as it can be read; what cannot be is told to the log.
pub(crate) fn read(body: &[u8]) -> serde_json::Result<ModelsResponse> {
    if let Ok(list) = serde_json::from_slice(body) {
        return Ok(list);
    }
    let entries: Entries = serde_json::from_slice(body)?;
    Ok(ModelsResponse { models: entries.models.iter().filter_map(entry).collect() })
}

fn entry(told: &Value) -> Option<ModelInfo> {
    if let Ok(model) = serde_json::from_value(told.clone()) {
        return Some(model);
    }
    let Some((told, slug)) = told.as_object().zip(told["slug"].as_str()) else {
        tracing::warn!("the provider lists a model without a name, which is left out");
        return None;
    };
    let mut fields = least(slug);
    let mut lost = Vec::new();
    for (name, value) in told {
        let before = fields.insert(name.clone(), value.clone());
        if model(&fields).is_none() {
            lost.push(name.as_str());
            match before {
                Some(before) => fields.insert(name.clone(), before),
                None => fields.remove(name),
            };
        }
    }
    let found = model(&fields);
    match found {
        Some(_) => tracing::warn!("of the model {slug}, the provider tells what this engine cannot read: {}", lost.join(", ")),
        None => tracing::warn!("the model {slug} is left out of the provider's list, because it cannot be read"),
    }
    found
}

fn model(fields: &Map<String, Value>) -> Option<ModelInfo> {
    serde_json::from_value(Value::Object(fields.clone())).ok()
}

/// What every entry has, as the engine assumes it of a model that it does not know.
fn least(slug: &str) -> Map<String, Value> {
    let entry = json!({
        "slug": slug, "display_name": slug, "supported_reasoning_levels": [], "shell_type": "default", "visibility": "list", "supported_in_api": true,
        "priority": 99, "base_instructions": "", "support_verbosity": false, "truncation_policy": { "mode": "bytes", "limit": 10_000 },
        "supports_parallel_tool_calls": false, "experimental_supported_tools": [],
    });
    match entry {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
