//! Where a command runs: the folder that was shown when somebody decided about it, in the sandbox that was meant.

use codex_protocol::models::AdditionalPermissionProfile;
use codex_utils_absolute_path::AbsolutePathBuf;
use codex_utils_path_uri::PathUri;

use crate::function_tool::FunctionCallError;
use crate::tools::sandboxing::ApprovalCtx;
use crate::tools::sandboxing::ToolError;

/// Why somebody is asked about a command that failed in the sandbox.
pub(crate) const RETRY: &str = "command failed; retry without sandbox?";

/// Whether the question is about what already ran in the sandbox. A yes to something else does not answer it.
pub(crate) fn is_retry(ctx: &ApprovalCtx<'_>) -> bool {
    ctx.network_approval_context.is_some() || ctx.retry_reason.as_deref() == Some(RETRY)
}

/// A folder of this machine without links; what is none of its paths stays as it is.
pub(crate) fn resolved(cwd: PathUri) -> Result<PathUri, FunctionCallError> {
    match cwd.to_abs_path() {
        Ok(native) => Ok(PathUri::from_abs_path(&folder(native)?)),
        Err(_) => Ok(cwd),
    }
}

/// The same folder without links.
pub(crate) fn folder(cwd: AbsolutePathBuf) -> Result<AbsolutePathBuf, FunctionCallError> {
    let real = cwd.as_path().canonicalize().and_then(AbsolutePathBuf::from_absolute_path);
    real.map_err(|error| FunctionCallError::RespondToModel(format!("no command runs in {}: {error}", cwd.display())))
}

/// Checks, as a command starts, that its folder and what it was granted are what they were when it was decided about.
pub(crate) fn check(cwd: &AbsolutePathBuf, granted: Option<&AdditionalPermissionProfile>) -> Result<(), ToolError> {
    if cwd.as_path().canonicalize().ok().as_deref() != Some(cwd.as_path()) {
        return Err(ToolError::Rejected(format!("{} is no longer the folder that it was; the command did not run", cwd.display())));
    }
    codex_sandboxing::grants::check(granted).map_err(ToolError::Rejected)
}
