//! Writes the JSON schema of the app-server protocol, experimental parts included, to standard output: all methods with the types of their
//! parameters and results, and every definition that these use. `scripts/protocol.py --export` keeps it as `rust-shim/protocol-schema.json`.
//!
//! Upstream's own export leaves out methods and does not tell which response belongs to which request. Here the compiler tells: the lists
//! below only name the variants, in the order of their declaration, and do not compile if upstream has others.

use codex_app_server_protocol::{ClientNotification, ClientRequest, ClientResponse, ServerNotification, ServerRequest, ServerResponse};
use schemars::JsonSchema;
use schemars::r#gen::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};

/// A request's name in Rust, and the schemas of its parameters and of its result.
struct Exchange {
    name: &'static str,
    params: Value,
    response: Value,
}

/// The schema of what a function takes out of a message; the function itself is never called.
fn schema_of<M, T: JsonSchema>(generator: &mut SchemaGenerator, _field: fn(&M) -> Option<&T>) -> Value {
    plain(generator.subschema_for::<T>())
}

macro_rules! exchanges {
    ($generator:ident, $request:ident, $response:ident: $($variant:ident)*) => {{
        fn _complete(request: &$request) {
            match request {
                $($request::$variant { .. } => (),)*
            }
        }
        vec![$(Exchange {
            name: stringify!($variant),
            params: schema_of($generator, |message: &$request| match message {
                $request::$variant { params, .. } => Some(params),
                _ => None,
            }),
            response: schema_of($generator, |message: &$response| match message {
                $response::$variant { response, .. } => Some(response),
                _ => None,
            }),
        }),*]
    }};
}

#[rustfmt::skip]
fn client_requests(generator: &mut SchemaGenerator) -> Vec<Exchange> {
    exchanges!(generator, ClientRequest, ClientResponse:
        Initialize ThreadStart ThreadResume ThreadFork ThreadArchive ThreadDelete ThreadUnsubscribe
        ThreadIncrementElicitation ThreadDecrementElicitation ThreadSetName ThreadGoalSet ThreadGoalGet
        ThreadGoalClear ThreadMetadataUpdate ThreadSettingsUpdate ThreadMemoryModeSet MemoryReset
        ThreadUnarchive ThreadCompactStart ThreadShellCommand ThreadApproveGuardianDeniedAction
        ThreadBackgroundTerminalsClean ThreadBackgroundTerminalsList ThreadBackgroundTerminalsTerminate
        ThreadRollback ThreadList ThreadSearch ThreadSearchOccurrences ThreadLoadedList ThreadRead
        ThreadTurnsList ThreadItemsList ThreadInjectItems SkillsList SkillsExtraRootsSet HooksList
        MarketplaceAdd MarketplaceRemove MarketplaceUpgrade PluginList PluginInstalled PluginRead
        PluginSkillRead PluginShareSave PluginShareUpdateTargets PluginShareList PluginShareCheckout
        PluginShareDelete AppsRead AppsList AppsInstalled FsReadFile FsWriteFile FsCreateDirectory
        FsGetMetadata FsReadDirectory FsRemove FsCopy FsWatch FsUnwatch SkillsConfigWrite PluginInstall
        PluginUninstall TurnStart TurnSteer TurnInterrupt ThreadRealtimeStart ThreadRealtimeAppendAudio
        ThreadRealtimeAppendText ThreadRealtimeAppendSpeech ThreadRealtimeStop ThreadRealtimeListVoices
        ReviewStart ModelList ModelProviderCapabilitiesRead ExperimentalFeatureList PermissionProfileList
        ExperimentalFeatureEnablementSet RemoteControlEnable RemoteControlDisable RemoteControlStatusRead
        RemoteControlPairingStart RemoteControlPairingStatus RemoteControlClientsList
        RemoteControlClientsRevoke CollaborationModeList MockExperimentalMethod EnvironmentAdd
        EnvironmentInfo EnvironmentStatus McpServerOauthLogin McpServerRefresh McpServerStatusList
        McpResourceRead McpServerToolCall WindowsSandboxSetupStart WindowsSandboxReadiness LoginAccount
        CancelLoginAccount LogoutAccount GetAccountRateLimits ConsumeAccountRateLimitResetCredit
        GetAccountTokenUsage GetWorkspaceMessages SendAddCreditsNudgeEmail FeedbackUpload OneOffCommandExec
        CommandExecWrite CommandExecTerminate CommandExecResize ProcessSpawn ProcessWriteStdin ProcessKill
        ProcessResizePty ConfigRead ExternalAgentConfigDetect ExternalAgentConfigImport
        ExternalAgentConfigImportHistoriesRead ConfigValueWrite ConfigBatchWrite ConfigRequirementsRead
        GetAccount GetConversationSummary GitDiffToRemote GetAuthStatus FuzzyFileSearch
        FuzzyFileSearchSessionStart FuzzyFileSearchSessionUpdate FuzzyFileSearchSessionStop
    )
}

#[rustfmt::skip]
fn server_requests(generator: &mut SchemaGenerator) -> Vec<Exchange> {
    exchanges!(generator, ServerRequest, ServerResponse:
        CommandExecutionRequestApproval FileChangeRequestApproval ToolRequestUserInput McpServerElicitationRequest
        PermissionsRequestApproval DynamicToolCall ChatgptAuthTokensRefresh AttestationGenerate CurrentTimeRead
        ApplyPatchApproval ExecCommandApproval
    )
}

/// The messages of an enum: method, schema of the parameters and description of each.
fn messages<T: JsonSchema>(generator: &mut SchemaGenerator) -> Vec<Map<String, Value>> {
    generator.subschema_for::<T>();
    let schema = plain(generator.definitions_mut().remove(&T::schema_name()));
    let variants = schema["oneOf"].as_array().expect("an enum of messages");
    variants
        .iter()
        .map(|variant| {
            let properties = &variant["properties"];
            let mut message = Map::new();
            message.insert("method".into(), properties["method"]["enum"][0].clone());
            message.insert("params".into(), properties["params"].clone());
            if let Some(text) = variant.get("description") {
                message.insert("description".into(), text.clone());
            }
            message
        })
        .collect()
}

/// The requests of an enum, each with its response.
fn requests<T: JsonSchema>(
    generator: &mut SchemaGenerator,
    exchanges: fn(&mut SchemaGenerator) -> Vec<Exchange>,
) -> Vec<Map<String, Value>> {
    let mut messages = messages::<T>(generator);
    let exchanges = exchanges(generator);
    assert_eq!(messages.len(), exchanges.len());
    for (message, exchange) in messages.iter_mut().zip(exchanges) {
        // The lists are in the enum's order, or this would not hold.
        assert_eq!(message["params"], exchange.params, "{}", exchange.name);
        message.insert("name".into(), exchange.name.into());
        message.insert("response".into(), exchange.response);
    }
    messages
}

fn plain(value: impl serde::Serialize) -> Value {
    serde_json::to_value(value).expect("a schema is JSON")
}

/// The same with sorted keys, however serde_json was built.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(entries.into_iter().collect())
        }
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        other => other,
    }
}

fn by_method(mut messages: Vec<Map<String, Value>>) -> Value {
    messages.sort_by_key(|message| message["method"].as_str().map(str::to_owned));
    plain(messages)
}

fn main() {
    let mut generator = SchemaGenerator::new(SchemaSettings::draft07());
    // Of types with the same name the first gets it, later ones a number: the old API's come last.
    let server_notifications = messages::<ServerNotification>(&mut generator);
    let client_requests = requests::<ClientRequest>(&mut generator, client_requests);
    let server_requests = requests::<ServerRequest>(&mut generator, server_requests);
    let client_notifications = messages::<ClientNotification>(&mut generator);
    let schema = json!({
        "clientNotifications": by_method(client_notifications),
        "clientRequests": by_method(client_requests),
        "definitions": plain(generator.take_definitions()),
        "serverNotifications": by_method(server_notifications),
        "serverRequests": by_method(server_requests),
    });
    let text = serde_json::to_string_pretty(&sorted(schema)).expect("a schema is JSON");
    println!("{text}");
}
