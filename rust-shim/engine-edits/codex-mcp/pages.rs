//! All pages of what a server lists, within limits: what it lists goes into every request to the model, or is held for the host, and a list may have pages
//! without end. What has come is used; what is missing is told.

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use anyhow::Result;
use codex_rmcp_client::ListToolsWithConnectorIdResult;
use codex_rmcp_client::RmcpClient;
use codex_rmcp_client::ToolWithConnectorId;
use codex_rmcp_client::left_out;
use rmcp::model::ListResourceTemplatesResult;
use rmcp::model::ListResourcesResult;
use rmcp::model::PaginatedRequestParams;
use rmcp::model::Resource;
use rmcp::model::ResourceTemplate;
use serde::Serialize;

/// Tools, resources and resource templates of one server.
const MAX_ENTRIES: usize = 2_000;
const MAX_PAGES: usize = 1_000;
/// Bytes of the definition of one of them, as JSON.
const MAX_ENTRY: usize = 128 << 10;
/// Bytes of all of a list.
const MAX_LIST: usize = 4 << 20;
/// Names that are told of those that are left out.
const MAX_NAMES: usize = 20;
/// Bytes of a server's instructions.
const MAX_INSTRUCTIONS: usize = 16 << 10;

/// The beginning of what a server says about itself.
pub(crate) fn instructions(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MAX_INSTRUCTIONS));
    text
}

/// What is left of a time limit that began then.
pub(crate) fn rest(limit: Option<Duration>, begun: Instant) -> Option<Duration> {
    limit.map(|limit| limit.saturating_sub(begun.elapsed()))
}

struct Page<T> {
    entries: Vec<T>,
    next: Option<String>,
    left_out: Vec<String>,
}

/// A list so far.
struct List<T> {
    entries: Vec<T>,
    room: usize,
    too_large: Vec<String>,
    too_many: usize,
    missing: Vec<String>,
}

impl<T> List<T> {
    /// Adds what fits.
    fn add(&mut self, page: Vec<T>, weight: impl Fn(&T) -> usize, name: impl Fn(&T) -> String) {
        for entry in page {
            let size = weight(&entry);
            if size > MAX_ENTRY {
                self.too_large.push(format!("{} ({size} bytes)", name(&entry)));
            } else if self.entries.len() == MAX_ENTRIES || size > self.room {
                self.too_many += 1;
            } else {
                self.room -= size;
                self.entries.push(entry);
            }
        }
    }

    /// What is missing, in words.
    fn told(mut self, what: &str) -> (Vec<T>, Option<String>) {
        if !self.too_large.is_empty() {
            let all = self.too_large.len();
            self.too_large.truncate(MAX_NAMES);
            let more = if all > MAX_NAMES { format!(" and {} more", all - MAX_NAMES) } else { String::new() };
            self.missing.push(format!("larger than {MAX_ENTRY} bytes: {}{more}", self.too_large.join(", ")));
        }
        if self.too_many > 0 {
            self.missing.push(format!("{} that are more than {MAX_ENTRIES}, or than {MAX_LIST} bytes together", self.too_many));
        }
        let told = (!self.missing.is_empty()).then(|| format!("{what} are left out: {}", self.missing.join("; ")));
        (self.entries, told)
    }
}

fn size(entry: &impl Serialize) -> usize {
    serde_json::to_vec(entry).map_or(usize::MAX, |json| json.len())
}

/// The list from this page on. Fails if there is no first page.
async fn all<T, F, Fut>(
    first: Option<PaginatedRequestParams>,
    timeout: Option<Duration>,
    weight: impl Fn(&T) -> usize,
    name: impl Fn(&T) -> String,
    fetch: F,
) -> Result<List<T>>
where
    F: Fn(Option<PaginatedRequestParams>, Option<Duration>) -> Fut,
    Fut: Future<Output = Result<Page<T>>>,
{
    let begun = Instant::now();
    let mut list = List { entries: Vec::new(), room: MAX_LIST, too_large: Vec::new(), too_many: 0, missing: Vec::new() };
    let mut cursors = HashSet::new();
    let mut params = first;
    for number in 1.. {
        let page = match fetch(params, rest(timeout, begun)).await {
            Ok(page) => page,
            Err(error) if number == 1 => return Err(error),
            Err(error) => {
                list.missing.push(format!("all from page {number} on, which could not be had ({error:#})"));
                break;
            }
        };
        list.add(page.entries, &weight, &name);
        list.missing.extend(page.left_out);
        let Some(cursor) = page.next else {
            break;
        };
        if cursors.contains(&cursor) {
            list.missing.push(format!("perhaps more: page {number} leads back to an earlier one"));
            break;
        }
        if number == MAX_PAGES || list.too_many > 0 || list.entries.len() == MAX_ENTRIES {
            list.missing.push(format!("all after page {number}"));
            break;
        }
        cursors.insert(cursor.clone());
        params = Some(PaginatedRequestParams::default().with_cursor(Some(cursor)));
    }
    Ok(list)
}

/// All tools, with schemas that the model can be told.
pub(crate) async fn tools(client: &RmcpClient, timeout: Option<Duration>) -> Result<ListToolsWithConnectorIdResult> {
    let fetch = move |params, timeout| async move {
        let page = client.list_tools_with_connector_ids(params, timeout).await?;
        anyhow::Ok(Page { entries: page.tools, next: page.next_cursor, left_out: page.left_out })
    };
    let weight = |entry: &ToolWithConnectorId| size(&entry.tool);
    let list = all(None, timeout, weight, |entry: &ToolWithConnectorId| entry.tool.name.to_string(), fetch);
    let (mut tools, told) = list.await?.told("tools");
    if let Some(told) = told {
        client.warn(told);
    }
    for entry in &mut tools {
        entry.tool.input_schema = Arc::new(crate::schemas::for_model(&entry.tool.input_schema));
    }
    Ok(ListToolsWithConnectorIdResult { next_cursor: None, tools, left_out: Vec::new() })
}

/// All resources from this page on.
pub(crate) async fn resources(
    client: &RmcpClient,
    params: Option<PaginatedRequestParams>,
    timeout: Option<Duration>,
) -> Result<ListResourcesResult> {
    let fetch = move |params, timeout| async move {
        let page = client.list_resources(params, timeout).await?;
        anyhow::Ok(Page { entries: page.resources, next: page.next_cursor, left_out: left_out(page.meta.as_ref()) })
    };
    let list = all(params, timeout, |entry: &Resource| size(entry), |entry: &Resource| entry.uri.clone(), fetch);
    let (resources, told) = list.await?.told("resources");
    if let Some(told) = told {
        client.warn(told);
    }
    Ok(ListResourcesResult::with_all_items(resources))
}

/// All resource templates from this page on.
pub(crate) async fn resource_templates(
    client: &RmcpClient,
    params: Option<PaginatedRequestParams>,
    timeout: Option<Duration>,
) -> Result<ListResourceTemplatesResult> {
    let fetch = move |params, timeout| async move {
        let page = client.list_resource_templates(params, timeout).await?;
        anyhow::Ok(Page { entries: page.resource_templates, next: page.next_cursor, left_out: left_out(page.meta.as_ref()) })
    };
    let name = |entry: &ResourceTemplate| entry.uri_template.clone();
    let list = all(params, timeout, |entry: &ResourceTemplate| size(entry), name, fetch);
    let (templates, told) = list.await?.told("resource templates");
    if let Some(told) = told {
        client.warn(told);
    }
    Ok(ListResourceTemplatesResult::with_all_items(templates))
}
