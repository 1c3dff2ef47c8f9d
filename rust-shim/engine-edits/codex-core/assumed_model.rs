//! What a turn's model is taken for, where the engine does not know it.

use std::fmt::Write;

use codex_models_manager::host_models::taken_for;
use codex_models_manager::manager::ModelsManager;
use codex_protocol::openai_models::InputModality;
use codex_protocol::openai_models::ModelInfo;
use codex_protocol::openai_models::ToolMode;

/// The warning, for a person; None if the model is known.
pub(super) fn warning(model: &ModelInfo, manager: &dyn ModelsManager) -> Option<String> {
    let slug = &model.slug;
    if !model.used_fallback_model_metadata {
        let like = taken_for(manager, slug)?;
        return Some(format!(
            "The model {slug} is not known to this engine; it is taken as {like}, which its name begins with. Give a ModelInfo."
        ));
    }
    let mut text = format!("The model {slug} is not known to this engine; it is taken as one ");
    let _ = match model.resolved_context_window() {
        Some(window) => write!(text, "with a context window of {} tokens", thousands(window)),
        None => write!(text, "without a limit to its context"),
    };
    text.push_str(if model.input_modalities.contains(&InputModality::Image) { ", that sees images" } else { ", that sees no images" });
    text.push_str(if model.apply_patch_tool_type.is_some() { ", has apply_patch as a tool" } else { ", patches by commands" });
    text.push_str(if model.supports_parallel_tool_calls { ", calls tools at the same time" } else { ", calls one tool at a time" });
    text.push_str(match model.tool_mode {
        Some(ToolMode::CodeMode | ToolMode::CodeModeOnly) => " in code mode",
        _ => " without code mode",
    });
    text.push_str(". Give a ModelInfo.");
    Some(text)
}

fn thousands(number: i64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
