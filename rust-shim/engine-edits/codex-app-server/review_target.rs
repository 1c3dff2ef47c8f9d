//! A review of a branch or a commit that does not exist is refused before it begins; upstream leaves it to the model to find that out.

use codex_app_server_protocol::JSONRPCErrorError;
use codex_core::CodexThread;
use codex_protocol::protocol::ReviewTarget;

use crate::error_code::invalid_request;

/// An error whose data has the reason `notFound`. Where git cannot say, there is none.
pub(crate) async fn check(thread: &CodexThread, target: &ReviewTarget, codex_home: &std::path::Path) -> Result<(), JSONRPCErrorError> {
    let (what, name) = match target {
        ReviewTarget::BaseBranch { branch } => ("branch", branch),
        ReviewTarget::Commit { sha, .. } => ("commit", sha),
        ReviewTarget::UncommittedChanges | ReviewTarget::Custom { .. } => return Ok(()),
    };
    let snapshot = thread.config_snapshot().await;
    let cwd = snapshot.cwd();
    if codex_git_utils::has_commit(cwd, name, codex_home).await.unwrap_or(true) {
        return Ok(());
    }
    let mut error = invalid_request(format!("there is no {what} {name:?} in the git repository of {}", cwd.display()));
    error.data = Some(serde_json::json!({ "reason": "notFound" }));
    Err(error)
}
