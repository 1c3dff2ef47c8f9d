//! A patch in a command is a call of `apply_patch`: hooks, interceptors and approvals see it under that name, and what comes of it is the command's result.

use std::sync::Arc;

use codex_apply_patch::ApplyPatchArgs;
use codex_apply_patch::Hunk;
use codex_apply_patch::MaybeApplyPatch;
use codex_extension_api::host_tools::HostRoute;
use codex_protocol::models::FunctionCallOutputBody;
use codex_protocol::models::ResponseInputItem;
use codex_tools::ToolName;
use codex_utils_path_uri::PathUri;
use serde_json::Value;
use serde_json::json;

use crate::function_tool::FunctionCallError;
use crate::tools::context::ToolInvocation;
use crate::tools::context::ToolOutput;
use crate::tools::context::ToolPayload;
use crate::tools::handlers::ApplyPatchHandler;
use crate::tools::registry::AnyToolResult;
use crate::tools::registry::CoreToolRuntime;

/// The tools that run commands, each with the name of its command line.
const TOOLS: [(&str, &str); 2] = [("exec_command", "cmd"), ("shell_command", "command")];

/// The call that a patch was found in.
pub(crate) struct Found(ToolPayload);

/// Makes a call of `apply_patch` of a call that runs a command which is only that.
pub(crate) fn take(invocation: &mut ToolInvocation) -> Result<Option<Found>, FunctionCallError> {
    let ToolPayload::Function { arguments } = &invocation.payload else {
        return Ok(None);
    };
    let Some((_, field)) = TOOLS.into_iter().find(|(tool, _)| invocation.tool_name == ToolName::plain(*tool)) else {
        return Ok(None);
    };
    let arguments: Value = serde_json::from_str(arguments).unwrap_or_default();
    let text = |name| arguments.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let Some(script) = text(field).filter(|script| script.contains("apply")) else {
        return Ok(None);
    };
    if is_hosts(invocation) {
        return Ok(None);
    }
    let Some(environment) = invocation.step_context.environments.primary() else {
        return Ok(None);
    };
    let cwd = environment.cwd();
    let argv = ["bash", "-c", script].map(str::to_string);
    let MaybeApplyPatch::Body(patch) = codex_apply_patch::maybe_parse_apply_patch(&argv, cwd) else {
        return Ok(None);
    };
    if text("environment_id").is_some_and(|id| id != environment.environment_id) {
        return Err(refused("it names another environment"));
    }
    let folder = [text("workdir"), patch.workdir.as_deref()]
        .into_iter()
        .flatten()
        .try_fold(cwd.clone(), |at, folder| at.join(folder))
        .map_err(|error| refused(&error.to_string()))?;
    let input = if folder == *cwd { patch.patch } else { moved(patch, &folder)? };
    let found = std::mem::replace(&mut invocation.payload, ToolPayload::Custom { input });
    invocation.tool_name = ToolName::plain("apply_patch");
    Ok(Some(Found(found)))
}

/// The handler of a patch in a command, where the model has no such tool.
pub(crate) fn handler(found: &Option<Found>) -> Option<Arc<dyn CoreToolRuntime>> {
    found.as_ref().map(|_| Arc::new(ApplyPatchHandler::default()) as Arc<dyn CoreToolRuntime>)
}

/// Makes the patch's result the command's.
pub(crate) fn give_back(found: Option<Found>, result: AnyToolResult) -> AnyToolResult {
    match found {
        Some(Found(payload)) => AnyToolResult { payload, result: Box::new(Answer(result.result)), ..result },
        None => result,
    }
}

/// Whether the host has a tool of its own in the place of this one: the command is for that.
fn is_hosts(invocation: &ToolInvocation) -> bool {
    let session = &invocation.session;
    let contributors = session.services.extensions.tool_contributors();
    contributors
        .iter()
        .find_map(|contributor| contributor.host_tools())
        .is_some_and(|host| host.route(session.thread_id, session.session_id().into(), &invocation.tool_name) == HostRoute::Host)
}

fn refused(why: &str) -> FunctionCallError {
    FunctionCallError::RespondToModel(format!("the patch in this command was not applied: {why}; call apply_patch itself"))
}

/// How the lines of a patch begin that name a file.
const HEADERS: [&str; 4] = ["*** Add File: ", "*** Delete File: ", "*** Update File: ", "*** Move to: "];

/// The same patch with names that do not depend on the folder that the command runs in.
fn moved(patch: ApplyPatchArgs, folder: &PathUri) -> Result<String, FunctionCallError> {
    let folder = folder.to_path_buf();
    let text: String = patch
        .patch
        .split_inclusive('\n')
        .map(|line| {
            let header = HEADERS.into_iter().find_map(|header| Some((header, line.strip_prefix(header)?)));
            header.map_or_else(|| line.to_string(), |(header, name)| format!("{header}{}\n", folder.join(name.trim()).display()))
        })
        .collect();
    let hunks: Vec<Hunk> = patch.hunks.into_iter().map(|hunk| in_folder(hunk, &folder)).collect();
    match codex_apply_patch::parse_patch(&text) {
        Ok(same) if same.hunks == hunks => Ok(same.patch),
        _ => Err(refused("its names cannot be told from its text")),
    }
}

fn in_folder(hunk: Hunk, folder: &std::path::Path) -> Hunk {
    match hunk {
        Hunk::AddFile { path, contents } => Hunk::AddFile { path: folder.join(path), contents },
        Hunk::DeleteFile { path } => Hunk::DeleteFile { path: folder.join(path) },
        Hunk::UpdateFile { path, move_path, chunks } => {
            Hunk::UpdateFile { path: folder.join(path), move_path: move_path.map(|path| folder.join(path)), chunks }
        }
    }
}

/// A patch's output, which code sees as that of a command.
struct Answer(Box<dyn ToolOutput>);

impl ToolOutput for Answer {
    fn log_preview(&self) -> String {
        self.0.log_preview()
    }

    fn success_for_logging(&self) -> bool {
        self.0.success_for_logging()
    }

    fn to_response_item(&self, call_id: &str, payload: &ToolPayload) -> ResponseInputItem {
        self.0.to_response_item(call_id, payload)
    }

    fn code_mode_result(&self, payload: &ToolPayload) -> Value {
        let body = match self.to_response_item("", payload) {
            ResponseInputItem::FunctionCallOutput { output, .. } | ResponseInputItem::CustomToolCallOutput { output, .. } => output.body,
            _ => FunctionCallOutputBody::default(),
        };
        json!({ "wall_time_seconds": 0.0, "output": body.to_text().unwrap_or_default() })
    }
}
