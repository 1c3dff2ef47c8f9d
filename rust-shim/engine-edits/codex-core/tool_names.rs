//! Tools for servers that know functions only: one type and flat names on the way to the server, the engine's own types and names on the way back.
//!
//! The history keeps the engine's names, so a thread may go on with another server.

use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::LazyLock;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use codex_api::ResponsesApiRequest;
use codex_model_provider_info::ModelProviderInfo;
use codex_model_provider_info::ToolNames;
use codex_protocol::models::ContentItem;
use codex_protocol::models::FunctionCallOutputPayload;
use codex_protocol::models::ResponseItem;
use codex_protocol::models::plaintext_agent_message_content;
use codex_tools::FreeformTool;
use codex_tools::ResponsesApiNamespaceTool;
use codex_tools::TOOL_SEARCH_TOOL_NAME;
use codex_tools::ToolName;
use codex_tools::ToolSpec;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

/// Longest name that servers take.
const LONGEST: usize = 64;
/// Characters of a name that has to be told from another by its hash.
const HASHED: usize = LONGEST - 9;
/// Characters of what a namespace says of itself.
const DESCRIPTION: usize = 1000;

// ---- which servers

/// What was found out of a server that the configuration says nothing of.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Found {
    /// It has refused a type, and is told of functions alone for now.
    Tried,
    /// It takes functions alone.
    Flat,
    /// It refuses them as well.
    NoHelp,
}

static FOUND: LazyLock<Mutex<HashMap<String, Found>>> = LazyLock::new(Mutex::default);

fn found() -> MutexGuard<'static, HashMap<String, Found>> {
    FOUND.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What one server is known by in this process.
pub(crate) fn server(info: &ModelProviderInfo) -> String {
    format!("{}\n{}", info.name, info.base_url.as_deref().unwrap_or_default())
}

/// Whether a server is told of functions alone.
pub(crate) fn is_flat(info: &ModelProviderInfo) -> bool {
    match info.tool_names {
        ToolNames::Flat => true,
        ToolNames::Namespaced => false,
        ToolNames::Auto => matches!(found().get(&server(info)), Some(Found::Tried | Found::Flat)),
    }
}

/// A server has refused a request that had these tools; whether it is to be asked once more, with functions alone.
pub(crate) fn try_flat(info: &ModelProviderInfo, tools: &[ToolSpec]) -> bool {
    if info.tool_names != ToolNames::Auto || tools.iter().all(|tool| matches!(tool, ToolSpec::Function(_))) {
        return false;
    }
    let mut found = found();
    let server = server(info);
    let first = !found.contains_key(&server);
    if first {
        found.insert(server, Found::Tried);
    }
    first
}

/// A server has answered a request with functions alone, or has refused that too; whether the answer is the first.
pub(crate) fn tried(info: &ModelProviderInfo, answered: bool) -> bool {
    match found().get_mut(&server(info)) {
        Some(found @ Found::Tried) => {
            *found = if answered { Found::Flat } else { Found::NoHelp };
            answered
        }
        _ => false,
    }
}

/// Whether a refusal, in lower case, is about the type of a tool.
pub(crate) fn is_refused(said: &str) -> bool {
    let quoted = |name: &str| ["'", "\"", "`"].iter().any(|mark| said.contains(&format!("{mark}{name}{mark}")));
    let types = ["namespace", "custom", "tool_search", "web_search", "web_search_preview", "function"];
    if types.iter().any(|name| quoted(name)) {
        return true;
    }
    let said = said.replace("tool choice", "").replace("tool_choice", "");
    let words = ["type", "namespace", "custom", "freeform", "function tools", "unsupported", "not supported", "unknown", "unrecognized"];
    said.contains("tool") && words.iter().any(|word| said.contains(word))
}

// ---- names

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Function,
    /// Its input is a text.
    Freeform,
    /// The engine's search for tools.
    Search,
}

/// The flat names of a request's tools.
#[derive(Debug, Default)]
pub(crate) struct Names {
    plain: HashSet<String>,
    tools: HashMap<String, (ToolName, Kind)>,
    flat: HashMap<ToolName, String>,
}

impl Names {
    /// Of the tools of a request and those that it has found by a search.
    pub(crate) fn of(tools: &[ToolSpec], input: &[ResponseItem]) -> Self {
        let mut names = Self::default();
        for spec in tools {
            if let ToolSpec::Function(tool) = spec
                && is_taken(&tool.name)
            {
                names.plain.insert(tool.name.clone());
            }
        }
        for spec in tools {
            match spec {
                ToolSpec::Function(tool) if is_taken(&tool.name) => {}
                ToolSpec::Function(tool) => names.add(ToolName::plain(&tool.name), Kind::Function),
                ToolSpec::Namespace(namespace) => {
                    for ResponsesApiNamespaceTool::Function(tool) in &namespace.tools {
                        names.add(ToolName::namespaced(&namespace.name, &tool.name), Kind::Function);
                    }
                }
                ToolSpec::Freeform(tool) => names.add(ToolName::plain(&tool.name), Kind::Freeform),
                ToolSpec::ToolSearch { .. } => names.add(ToolName::plain(TOOL_SEARCH_TOOL_NAME), Kind::Search),
                ToolSpec::WebSearch { .. } => {}
            }
        }
        for (tool, _) in found_tools(input) {
            if tool.namespace.is_some() {
                names.add(tool, Kind::Function);
            }
        }
        names
    }

    fn add(&mut self, tool: ToolName, kind: Kind) {
        if self.flat.contains_key(&tool) {
            return;
        }
        let mut name = flat_name(&tool);
        if self.plain.contains(&name) || self.tools.contains_key(&name) {
            name = hashed(&name, &tool);
        }
        self.flat.insert(tool.clone(), name.clone());
        self.tools.insert(name, (tool, kind));
    }

    /// The flat name of a tool, which need not be there any more.
    fn flat(&self, tool: &ToolName) -> String {
        self.flat.get(tool).cloned().unwrap_or_else(|| flat_name(tool))
    }

    fn find(&self, name: &str) -> Option<&(ToolName, Kind)> {
        if self.plain.contains(name) {
            return None;
        }
        self.tools.get(name).or_else(|| {
            // Servers that write a namespace before the name in their own way.
            [".", "/", ":"].iter().find_map(|mark| {
                let (namespace, name) = name.rsplit_once(mark)?;
                self.tools.get(self.flat.get(&ToolName::namespaced(namespace, name))?)
            })
        })
    }

    /// An item as the engine has it.
    pub(crate) fn routed(&self, item: ResponseItem) -> ResponseItem {
        let ResponseItem::FunctionCall { id, name, namespace: None, arguments, call_id, internal_chat_message_metadata_passthrough } = item
        else {
            return item;
        };
        match self.find(&name) {
            Some((tool, Kind::Freeform)) => ResponseItem::CustomToolCall {
                id: None,
                status: None,
                call_id,
                name: tool.name.clone(),
                namespace: None,
                input: text_of(arguments),
                internal_chat_message_metadata_passthrough,
            },
            Some((_, Kind::Search)) => ResponseItem::ToolSearchCall {
                id: None,
                call_id: Some(call_id),
                status: None,
                execution: "client".to_string(),
                arguments: serde_json::from_str(&arguments).unwrap_or(Value::String(arguments)),
                internal_chat_message_metadata_passthrough,
            },
            Some((tool, Kind::Function)) => ResponseItem::FunctionCall {
                id,
                name: tool.name.clone(),
                namespace: tool.namespace.clone(),
                arguments,
                call_id,
                internal_chat_message_metadata_passthrough,
            },
            None => {
                ResponseItem::FunctionCall { id, name, namespace: None, arguments, call_id, internal_chat_message_metadata_passthrough }
            }
        }
    }
}

/// Whether servers take a name as it is.
fn is_taken(name: &str) -> bool {
    !name.is_empty() && name.len() <= LONGEST && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

fn flat_name(tool: &ToolName) -> String {
    let name = codex_tools::code_mode_name_for_tool_name(tool);
    if is_taken(&name) { name } else { hashed(&name, tool) }
}

/// A name with a hash of the tool, the same in every process.
fn hashed(name: &str, tool: &ToolName) -> String {
    let whole = format!("{}\n{}", tool.namespace.as_deref().unwrap_or_default(), tool.name);
    let hash = whole.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let clean = name.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '_' });
    format!("{}_{hash:08x}", clean.take(HASHED).collect::<String>())
}

/// The text of a call's arguments, which are JSON.
fn text_of(arguments: String) -> String {
    let text = match serde_json::from_str(&arguments) {
        Ok(Value::String(text)) => Some(text),
        Ok(Value::Object(mut given)) => {
            let only = if given.len() == 1 { given.keys().next().cloned() } else { None };
            let name = ["input", "patch"].into_iter().find(|name| given.contains_key(*name)).map(str::to_string).or(only);
            match name.and_then(|name| given.remove(&name)) {
                Some(Value::String(text)) => Some(text),
                _ => None,
            }
        }
        _ => None,
    };
    text.unwrap_or(arguments)
}

// ---- requests

/// Makes a request one of functions alone.
pub(crate) fn flatten(request: &mut ResponsesApiRequest, tools: &[ToolSpec], names: &Names) {
    let mut shown = Shown::default();
    for spec in tools {
        match spec {
            ToolSpec::Function(tool) => shown.add(names.flat(&ToolName::plain(&tool.name)), json!(tool), ""),
            ToolSpec::Namespace(namespace) => {
                let about = about(&namespace.name, &namespace.description);
                for (index, ResponsesApiNamespaceTool::Function(tool)) in namespace.tools.iter().enumerate() {
                    let name = names.flat(&ToolName::namespaced(&namespace.name, &tool.name));
                    shown.add(name, json!(tool), if index == 0 { &about } else { "" });
                }
            }
            ToolSpec::Freeform(tool) => shown.add(names.flat(&ToolName::plain(&tool.name)), freeform(tool), ""),
            ToolSpec::ToolSearch { description, parameters, .. } => {
                let search = json!({ "description": description, "strict": false, "parameters": parameters });
                shown.add(names.flat(&ToolName::plain(TOOL_SEARCH_TOOL_NAME)), search, "");
            }
            ToolSpec::WebSearch { .. } => {}
        }
    }
    for (tool, value) in found_tools(&request.input) {
        shown.add(names.flat(&tool), value.clone(), "");
    }
    request.tools = Some(shown.tools);
    request.input = std::mem::take(&mut request.input).into_iter().filter_map(|item| flat_item(item, names)).collect();
}

#[derive(Default)]
struct Shown {
    names: HashSet<String>,
    tools: Vec<Value>,
}

impl Shown {
    fn add(&mut self, name: String, tool: Value, about: &str) {
        let Value::Object(mut given) = tool else {
            return;
        };
        if !self.names.insert(name.clone()) {
            return;
        }
        let mut function = Map::new();
        function.insert("type".to_string(), json!("function"));
        function.insert("name".to_string(), json!(name));
        let description = given.get("description").and_then(Value::as_str).unwrap_or_default();
        function.insert("description".to_string(), json!(format!("{description}{about}")));
        for key in ["strict", "parameters"] {
            if let Some(value) = given.remove(key) {
                function.insert(key.to_string(), value);
            }
        }
        self.tools.push(Value::Object(function));
    }
}

/// What a namespace says of itself, for the first of its tools.
fn about(namespace: &str, description: &str) -> String {
    let description = description.trim();
    if description.is_empty() || description == codex_tools::default_namespace_description(namespace) {
        return String::new();
    }
    let description: String = description.chars().take(DESCRIPTION).collect();
    format!("\n\nOf all tools whose names begin with {namespace}: {description}")
}

fn freeform(tool: &FreeformTool) -> Value {
    let description = tool.description.replace(" This is a FREEFORM tool, so do not wrap the patch in JSON.", "");
    let grammar = format!("a text of this grammar ({}):\n{}", tool.format.syntax, tool.format.definition);
    json!({
        "description": format!("{description} `input` is {grammar}"),
        "strict": false,
        "parameters": {
            "type": "object",
            "properties": { "input": { "type": "string", "description": "The whole text, as it is." } },
            "required": ["input"],
            "additionalProperties": false,
        },
    })
}

/// The tools that searches have found.
fn found_tools(input: &[ResponseItem]) -> impl Iterator<Item = (ToolName, &Value)> {
    let found = input.iter().filter_map(|item| match item {
        ResponseItem::ToolSearchOutput { tools, .. } => Some(tools),
        _ => None,
    });
    found.flatten().flat_map(|tool| {
        let name = |tool: &Value| tool["name"].as_str().unwrap_or_default().to_string();
        match tool["tools"].as_array() {
            Some(tools) => {
                let namespace = name(tool);
                tools.iter().map(|tool| (ToolName::namespaced(&namespace, name(tool)), tool)).collect::<Vec<_>>()
            }
            None => vec![(ToolName::plain(name(tool)), tool)],
        }
    })
}

/// An item of the history as a server that knows functions only takes it; None where there is no such form.
fn flat_item(item: ResponseItem, names: &Names) -> Option<ResponseItem> {
    let call = |name: String, arguments: String, call_id: String| ResponseItem::FunctionCall {
        id: None,
        name,
        namespace: None,
        arguments,
        call_id,
        internal_chat_message_metadata_passthrough: None,
    };
    let output = |call_id: String, output: FunctionCallOutputPayload| ResponseItem::FunctionCallOutput {
        id: None,
        call_id,
        output,
        internal_chat_message_metadata_passthrough: None,
    };
    Some(match item {
        ResponseItem::FunctionCall { id, name, namespace, arguments, call_id, internal_chat_message_metadata_passthrough } => {
            ResponseItem::FunctionCall {
                id,
                name: names.flat(&ToolName::new(namespace, name)),
                namespace: None,
                arguments,
                call_id,
                internal_chat_message_metadata_passthrough,
            }
        }
        ResponseItem::CustomToolCall { name, namespace, input, call_id, .. } => {
            call(names.flat(&ToolName::new(namespace, name)), json!({ "input": input }).to_string(), call_id)
        }
        ResponseItem::CustomToolCallOutput { call_id, output: said, .. } => output(call_id, said),
        ResponseItem::ToolSearchCall { call_id: Some(call_id), arguments, .. } => {
            call(names.flat(&ToolName::plain(TOOL_SEARCH_TOOL_NAME)), arguments.to_string(), call_id)
        }
        ResponseItem::ToolSearchOutput { call_id: Some(call_id), tools, status, .. } => {
            let found = [ResponseItem::ToolSearchOutput {
                id: None,
                call_id: None,
                status,
                execution: String::new(),
                tools,
                internal_chat_message_metadata_passthrough: None,
            }];
            let names: Vec<String> = found_tools(&found).map(|(tool, _)| names.flat(&tool)).collect();
            let said = if names.is_empty() { "No tool was found.".to_string() } else { format!("Found: {}", names.join(", ")) };
            output(call_id, FunctionCallOutputPayload::from_text(said))
        }
        ResponseItem::LocalShellCall { call_id: Some(call_id), action, .. } => {
            call("local_shell".to_string(), serde_json::to_string(&action).unwrap_or_default(), call_id)
        }
        ResponseItem::AgentMessage { content, .. } => ResponseItem::Message {
            id: None,
            role: "user".to_string(),
            content: vec![ContentItem::InputText { text: plaintext_agent_message_content(&content)? }],
            phase: None,
            internal_chat_message_metadata_passthrough: None,
        },
        ResponseItem::AdditionalTools { .. }
        | ResponseItem::ToolSearchCall { .. }
        | ResponseItem::ToolSearchOutput { .. }
        | ResponseItem::LocalShellCall { .. }
        | ResponseItem::WebSearchCall { .. }
        | ResponseItem::ImageGenerationCall { .. } => return None,
        other => other,
    })
}
