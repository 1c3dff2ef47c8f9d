//! What hooks see of a command beside its text: where and how it runs, where the model says so; and what is typed into one that runs.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::function_tool::FunctionCallError;
use crate::tools::context::ToolInvocation;
use crate::tools::context::ToolPayload;
use crate::tools::hook_names::HookToolName;
use crate::tools::registry::PreToolUsePayload;

/// Arguments of a command that change what its text does.
const SHOWN: [&str; 6] = ["workdir", "shell", "login", "tty", "sandbox_permissions", "additional_permissions"];

/// A command's input for hooks.
pub(crate) fn of_command(command: &str, arguments: &str) -> Value {
    let arguments: Map<String, Value> = serde_json::from_str(arguments).unwrap_or_default();
    let mut input = Map::from_iter([("command".to_string(), command.into())]);
    let given = arguments.into_iter().filter(|(name, value)| SHOWN.contains(&name.as_str()) && !value.is_null());
    input.extend(given);
    Value::Object(input)
}

/// A command's arguments with what a hook put in their place. `field` has the text.
pub(crate) fn replaced(arguments: &str, field: &str, input: &Value) -> Result<String, FunctionCallError> {
    let refused = |why: &str| FunctionCallError::RespondToModel(format!("a hook's replacement of a command does not fit: {why}"));
    let mut arguments: Map<String, Value> = serde_json::from_str(arguments).map_err(|error| refused(&error.to_string()))?;
    let input = input.as_object().ok_or_else(|| refused("it is not an object"))?;
    for name in SHOWN {
        match input.get(name) {
            Some(value) => arguments.insert(name.to_string(), value.clone()),
            None => None,
        };
    }
    let text = input.get("command").and_then(Value::as_str).ok_or_else(|| refused("`command` is not a text"))?;
    arguments.insert(field.to_string(), text.into());
    serde_json::to_string(&arguments).map_err(|error| refused(&error.to_string()))
}

/// What is typed into a command, as hooks see it; nothing is typed by a look at its output.
pub(crate) fn typed(invocation: &ToolInvocation) -> Option<PreToolUsePayload> {
    let ToolPayload::Function { arguments } = &invocation.payload else {
        return None;
    };
    let arguments: Value = serde_json::from_str(arguments).ok()?;
    let text = arguments.get("chars").and_then(Value::as_str).filter(|text| !text.is_empty())?;
    Some(PreToolUsePayload {
        tool_name: HookToolName::bash(),
        tool_input: json!({ "command": text, "session_id": arguments.get("session_id") }),
    })
}
