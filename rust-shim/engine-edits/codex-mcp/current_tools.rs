//! The tools of a running server: they are listed anew once it says that they have changed, or after it has been started again.

use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use codex_rmcp_client::RmcpClient;
use tokio::sync::Mutex;

use crate::rmcp_client::list_tools_for_client_uncached;
use crate::tools::ToolInfo;

pub(crate) struct CurrentTools {
    server: String,
    is_codex_apps: bool,
    instructions: Option<String>,
    timeout: Option<Duration>,
    tools: RwLock<Vec<ToolInfo>>,
    /// The changes that are in them.
    seen: AtomicU64,
    listing: Mutex<()>,
}

impl CurrentTools {
    pub(crate) fn new(
        server: &str,
        is_codex_apps: bool,
        instructions: Option<&str>,
        timeout: Option<Duration>,
        tools: Vec<ToolInfo>,
        seen: u64,
    ) -> Arc<Self> {
        Arc::new(Self {
            server: server.to_string(),
            is_codex_apps,
            instructions: instructions.map(str::to_string),
            timeout,
            tools: RwLock::new(tools),
            seen: AtomicU64::new(seen),
            listing: Mutex::new(()),
        })
    }

    pub(crate) fn now(&self) -> Vec<ToolInfo> {
        self.tools.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Lists them anew if they have changed. The new ones, if so.
    pub(crate) async fn refreshed(&self, client: &Arc<RmcpClient>) -> Option<Vec<ToolInfo>> {
        if client.tool_changes() == self.seen.load(Ordering::Acquire) {
            return None;
        }
        let _one = self.listing.lock().await;
        let changes = client.tool_changes();
        if changes == self.seen.load(Ordering::Acquire) {
            return None;
        }
        let instructions = self.instructions.as_deref();
        let listed = list_tools_for_client_uncached(&self.server, self.is_codex_apps, "changed", client, self.timeout, instructions).await;
        self.seen.store(changes, Ordering::Release);
        match listed {
            Ok(tools) => {
                *self.tools.write().unwrap_or_else(PoisonError::into_inner) = tools.clone();
                Some(tools)
            }
            Err(error) => {
                client.warn(format!("its tools have changed, and the new ones could not be had: {error:#}"));
                None
            }
        }
    }
}
