//! A server that is a child process and speaks on its standard input and output, in messages that are not too long.

use std::future::Future;
use std::io;
use std::process::Stdio;
use std::time::Duration;

use rmcp::service::RoleClient;
use rmcp::service::RxJsonRpcMessage;
use rmcp::service::TxJsonRpcMessage;
use rmcp::transport::Transport;
use rmcp::transport::async_rw::AsyncRwTransport;
use tokio::process::Child;
use tokio::process::ChildStderr;
use tokio::process::ChildStdin;
use tokio::process::ChildStdout;
use tokio::process::Command;

use crate::message_limits::Lines;
use crate::message_limits::MAX_MESSAGE;

/// How long a server may take to end once nothing more is sent to it.
const GRACE: Duration = Duration::from_secs(3);

pub(crate) struct BoundedChild {
    child: Child,
    transport: AsyncRwTransport<RoleClient, Lines<ChildStdout>, ChildStdin>,
}

impl BoundedChild {
    /// Starts it; gives its standard error too.
    pub(crate) fn spawn(mut command: Command) -> io::Result<(Self, Option<ChildStderr>)> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("the MCP server has no standard input and output"));
        };
        let stderr = child.stderr.take();
        let transport = AsyncRwTransport::new(Lines::new(stdout, MAX_MESSAGE), stdin);
        Ok((Self { child, transport }, stderr))
    }

    pub(crate) fn id(&self) -> Option<u32> {
        self.child.id()
    }
}

impl Transport<RoleClient> for BoundedChild {
    type Error = io::Error;

    fn send(&mut self, item: TxJsonRpcMessage<RoleClient>) -> impl Future<Output = io::Result<()>> + Send + 'static {
        self.transport.send(item)
    }

    fn receive(&mut self) -> impl Future<Output = Option<RxJsonRpcMessage<RoleClient>>> + Send {
        self.transport.receive()
    }

    async fn close(&mut self) -> io::Result<()> {
        self.transport.close().await?;
        match tokio::time::timeout(GRACE, self.child.wait()).await {
            Ok(ended) => ended.map(drop),
            Err(_) => self.child.kill().await,
        }
    }
}
