//! A server that is a child process and speaks on its standard input and output, in messages that are not too long.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::mem;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use rmcp::ErrorData;
use rmcp::model::JsonRpcMessage;
use rmcp::model::NumberOrString;
use rmcp::service::RoleClient;
use rmcp::service::RxJsonRpcMessage;
use rmcp::service::TxJsonRpcMessage;
use rmcp::transport::Transport;
use rmcp::transport::async_rw::AsyncRwTransport;
use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::io::AsyncBufReadExt;
use tokio::io::BufReader;
use tokio::io::Empty;
use tokio::process::Child;
use tokio::process::ChildStderr;
use tokio::process::ChildStdin;
use tokio::process::ChildStdout;
use tokio::process::Command;

use crate::loose_messages;
use crate::message_limits::Lines;
use crate::message_limits::MAX_MESSAGE;

/// How long a server may take to end once nothing more is sent to it.
const GRACE: Duration = Duration::from_secs(3);
/// How long one that has closed its output may take until it is known how it ended.
const END: Duration = Duration::from_millis(300);
/// Requests without an answer whose methods are remembered.
const MAX_ASKED: usize = 1000;

/// What there is to say of a server beside its messages.
pub(crate) enum News {
    /// The beginning of what it writes that is no message.
    Noise(String),
    /// It is gone, in words.
    Ended(String),
}

/// Hears it, before anybody hears that the server is gone.
pub(crate) type Listener = Arc<dyn Fn(News) + Send + Sync>;

pub(crate) struct BoundedChild {
    child: Child,
    reader: BufReader<Lines<ChildStdout>>,
    /// What has come of a line: the wait for its rest is given up and taken up again.
    line: Vec<u8>,
    /// Messages that came with the one that was read last.
    more: VecDeque<Vec<u8>>,
    writer: AsyncRwTransport<RoleClient, Empty, ChildStdin>,
    /// The methods of the requests that wait for an answer.
    asked: BTreeMap<i64, String>,
    listener: Listener,
}

impl BoundedChild {
    /// Starts it; gives its standard error too.
    pub(crate) fn spawn(mut command: Command) -> io::Result<(Self, Option<ChildStderr>)> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("the MCP server has no standard input and output"));
        };
        let stderr = child.stderr.take();
        let started = Self {
            child,
            reader: BufReader::new(Lines::new(stdout, MAX_MESSAGE)),
            line: Vec::new(),
            more: VecDeque::new(),
            writer: AsyncRwTransport::new(tokio::io::empty(), stdin),
            asked: BTreeMap::new(),
            listener: Arc::new(|_| {}),
        };
        Ok((started, stderr))
    }

    pub(crate) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    pub(crate) fn tell(&mut self, listener: Listener) {
        self.listener = listener;
    }

    /// The next line; none after the last one.
    async fn next_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        self.reader.read_until(b'\n', &mut self.line).await?;
        let line = mem::take(&mut self.line);
        Ok(if line.is_empty() { None } else { Some(line) })
    }

    /// The message of a line. A request that cannot be read is refused, for its sender waits.
    async fn message(&mut self, line: Vec<u8>) -> Option<RxJsonRpcMessage<RoleClient>> {
        let line = loose_messages::mended(&line, |id| self.asked.get(&id).cloned()).unwrap_or(line);
        if let Ok(message) = serde_json::from_slice(&line) {
            if let JsonRpcMessage::Response(rmcp::model::JsonRpcResponse { id: NumberOrString::Number(id), .. })
            | JsonRpcMessage::Error(rmcp::model::JsonRpcError { id: Some(NumberOrString::Number(id)), .. }) = &message
            {
                self.asked.remove(id);
            }
            return Some(message);
        }
        #[derive(Deserialize)]
        struct Request {
            id: NumberOrString,
            #[serde(rename = "method")]
            _method: IgnoredAny,
        }
        match serde_json::from_slice::<Request>(&line) {
            Ok(request) => {
                let error = ErrorData::invalid_request("the request cannot be read", None);
                let _ = self.writer.send(JsonRpcMessage::error(error, Some(request.id))).await;
            }
            Err(_) => {
                (self.listener)(News::Noise(loose_messages::shown(&String::from_utf8_lossy(&line))));
            }
        }
        None
    }

    async fn ended(&mut self, error: Option<io::Error>) {
        let how = match error {
            Some(error) => error.to_string(),
            None => match tokio::time::timeout(END, self.child.wait()).await {
                Ok(Ok(status)) => status.to_string(),
                Ok(Err(_)) | Err(_) => "it has closed its standard output".to_string(),
            },
        };
        (self.listener)(News::Ended(how));
    }
}

impl Transport<RoleClient> for BoundedChild {
    type Error = io::Error;

    fn send(&mut self, item: TxJsonRpcMessage<RoleClient>) -> impl Future<Output = io::Result<()>> + Send + 'static {
        if let JsonRpcMessage::Request(request) = &item
            && let NumberOrString::Number(id) = &request.id
        {
            self.asked.insert(*id, request.request.method().to_string());
            if self.asked.len() > MAX_ASKED {
                self.asked.pop_first();
            }
        }
        let (sending, listener) = (self.writer.send(item), Arc::clone(&self.listener));
        async move {
            let sent = sending.await;
            if let Err(error) = &sent {
                listener(News::Ended(format!("nothing can be sent to it: {error}")));
            }
            sent
        }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleClient>> {
        loop {
            let line = match self.more.pop_front() {
                Some(line) => line,
                None => match self.next_line().await {
                    Ok(Some(line)) => line,
                    Ok(None) => {
                        self.ended(None).await;
                        return None;
                    }
                    Err(error) => {
                        tracing::error!("Error reading from an MCP server: {error}");
                        self.ended(Some(error)).await;
                        return None;
                    }
                },
            };
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            if let Some(lines) = loose_messages::batch(&line) {
                self.more.extend(lines);
                continue;
            }
            if let Some(message) = self.message(line).await {
                return Some(message);
            }
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        self.writer.close().await?;
        match tokio::time::timeout(GRACE, self.child.wait()).await {
            Ok(ended) => ended.map(drop),
            Err(_) => self.child.kill().await,
        }
    }
}
