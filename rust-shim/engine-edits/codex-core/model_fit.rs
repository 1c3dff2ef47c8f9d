//! Requests as their server takes them: what it refuses is left out or sent otherwise, once, and a person is told.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use codex_api::ResponsesApiRequest;
use codex_model_provider_info::ModelProviderInfo;
use codex_protocol::error::CodexErr;
use codex_protocol::error::Result;
use codex_protocol::models::ResponseItem;
use codex_protocol::protocol::CodexErrorInfo;
use codex_tools::ToolSpec;

use crate::client_common::Prompt;
use crate::client_common::ResponseEvent;
use crate::client_common::ResponseStream;
use crate::encrypted_items;
use crate::encrypted_items::Lost;
use crate::tool_names;
use crate::tool_names::Names;

/// What a thread's client has to tell a person with the next answer.
#[derive(Debug, Default)]
pub(crate) struct Fit {
    told: Mutex<Vec<String>>,
}

/// What is done about an answer.
pub(crate) enum Next {
    /// It is the one.
    Take(Result<ResponseStream>),
    /// The request is made once more, as the server takes it.
    Again,
}

/// The beginning of an answer that was looked at already, and how its calls are named.
#[derive(Default)]
pub(crate) struct Tap {
    front: VecDeque<Result<ResponseEvent>>,
    names: Option<Arc<Names>>,
}

impl Tap {
    pub(crate) fn next(&mut self) -> Option<Result<ResponseEvent>> {
        self.front.pop_front().map(|event| self.routed(event))
    }

    pub(crate) fn routed(&self, event: Result<ResponseEvent>) -> Result<ResponseEvent> {
        match (event, &self.names) {
            (Ok(ResponseEvent::OutputItemDone(item)), Some(names)) => Ok(ResponseEvent::OutputItemDone(names.routed(item))),
            (event, _) => event,
        }
    }
}

impl Fit {
    fn told(&self) -> MutexGuard<'_, Vec<String>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a request one that the server takes, as far as that is known.
    pub(crate) fn shape(&self, info: &ModelProviderInfo, prompt: &Prompt, request: &mut ResponsesApiRequest) {
        encrypted_items::take_out(&tool_names::server(info), &mut request.input);
        if tool_names::is_flat(info) {
            let names = Names::of(&prompt.tools, &prompt.input);
            tool_names::flatten(request, &prompt.tools, &names);
        }
    }

    /// What is to be done about an answer; it is looked at up to where the model begins to say something.
    pub(crate) async fn judge(&self, info: &ModelProviderInfo, prompt: &Prompt, answer: Result<ResponseStream>) -> Next {
        let mut stream = match answer {
            Ok(stream) => stream,
            Err(error) if self.helps(info, prompt, &error) => return Next::Again,
            Err(error) => return Next::Take(Err(error)),
        };
        let mut front = VecDeque::new();
        while let Some(event) = stream.rx_event.recv().await {
            let is_first = !event.as_ref().is_ok_and(comes_before);
            front.push_back(event);
            if is_first {
                break;
            }
        }
        match front.back() {
            Some(Err(error)) if self.helps(info, prompt, error) => return Next::Again,
            Some(Ok(event)) if !comes_before(event) && tool_names::tried(info, true) => {
                self.told().push(format!(
                    "the model provider {} takes tools of type \"function\" only: namespaces and custom tools are sent with flat names, and \
                     its own tools are left out, from now on; tool_names = \"flat\" in its configuration says so from the beginning",
                    info.name
                ));
            }
            _ => {}
        }
        // A compaction has nobody to tell.
        if !matches!(prompt.input.last(), Some(ResponseItem::CompactionTrigger {})) {
            for message in self.told().drain(..).rev() {
                front.push_front(Ok(ResponseEvent::Mended(message)));
            }
        }
        let names = prompt.tools.iter().any(|tool| !matches!(tool, ToolSpec::Function(_))) || tool_names::is_flat(info);
        stream.tap = Tap { front, names: names.then(|| Arc::new(Names::of(&prompt.tools, &prompt.input))) };
        Next::Take(Ok(stream))
    }

    /// Whether there is something that the server may take instead of what it has refused.
    pub(crate) fn helps(&self, info: &ModelProviderInfo, prompt: &Prompt, error: &CodexErr) -> bool {
        let Some(said) = refusal(error) else {
            return false;
        };
        if encrypted_items::is_refused(&said)
            && let Some(lost) = encrypted_items::leave_out(&tool_names::server(info), &prompt.input)
        {
            self.told().push(told(info, lost));
            return true;
        }
        if tool_names::is_flat(info) {
            tool_names::tried(info, false);
            return false;
        }
        // What was to be found by a search is told of as it is, where the request is made anew (`session/turn.rs`).
        tool_names::is_refused(&said)
            && tool_names::try_flat(info, &prompt.tools)
            && !prompt.tools.iter().any(|tool| matches!(tool, ToolSpec::ToolSearch { .. }))
    }
}

fn told(info: &ModelProviderInfo, lost: Lost) -> String {
    let provider = &info.name;
    match lost {
        Lost::Reasoning => format!(
            "the model provider {provider} refused encrypted reasoning, which is of another account or provider: it is left out from now on, the rest of the \
             conversation stays"
        ),
        Lost::Summary => format!(
            "the model provider {provider} refused the encrypted summary of the earlier conversation, which is of another account or provider: the model no \
             longer knows what was summed up, apart from the user's messages; the session file has it all"
        ),
    }
}

/// What comes before the model says anything.
fn comes_before(event: &ResponseEvent) -> bool {
    matches!(
        event,
        ResponseEvent::Created
            | ResponseEvent::SafetyBuffering(_)
            | ResponseEvent::ServerModel(_)
            | ResponseEvent::ModelVerifications(_)
            | ResponseEvent::TurnModerationMetadata(_)
            | ResponseEvent::ServerReasoningIncluded(_)
            | ResponseEvent::RateLimits(_)
            | ResponseEvent::ModelsEtag(_)
            | ResponseEvent::Mended(_)
    )
}

/// Why a server refuses a request, in lower case; None where it is for another reason than what the request has in it.
fn refusal(error: &CodexErr) -> Option<String> {
    let said = match error {
        CodexErr::Provider(error) => {
            if error.http_status_code.is_some_and(|status| matches!(status, 401 | 402 | 403 | 408 | 429)) {
                return None;
            }
            match &error.info {
                CodexErrorInfo::Provider { class, .. } => format!("{class} {}", error.message),
                CodexErrorInfo::BadRequest | CodexErrorInfo::InternalServerError | CodexErrorInfo::Other => error.message.clone(),
                _ => return None,
            }
        }
        CodexErr::InvalidRequest(message) => message.clone(),
        CodexErr::UnexpectedStatus(error) => error.to_string(),
        _ => return None,
    };
    Some(said.to_lowercase())
}
