//! The start of an engine.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use codex_app_server::in_process;
use codex_app_server::in_process::InProcessStartArgs;
use codex_app_server_protocol::ConfigWarningNotification;
use codex_arg0::Arg0DispatchPaths;
use codex_exec_server::EnvironmentManager;
use codex_exec_server::ExecServerRuntimePaths;
use codex_login::CodexAuth;
use codex_login::ExternalAuth;
use codex_login::ExternalAuthFuture;
use codex_login::ExternalAuthRefreshContext;
use codex_model_provider_info::keys;
use codex_protocol::error::CodexErr;
use serde_json::json;
use tokio::sync::oneshot;

use crate::engine::Engine;
use crate::engine::Stop;
use crate::errors::Failure;
use crate::errors::Result;
use crate::errors::Status;
use crate::events::Sink;
use crate::events::pump;
use crate::home::Alone;
use crate::home::check_login;
use crate::home::check_room;
use crate::home::forget_outputs;
use crate::home::open_databases;
#[cfg(unix)]
use crate::home_access;
use crate::host::Host;
use crate::host_folders::HostFolders;
use crate::options::Options;
use crate::requests::Requests;
use crate::runtime::within;
use crate::secrets;
use crate::turns::Turns;

/// Room between the engine and our pump, in messages. The pump only moves them on, so this is never full in practice; if it were, the engine
/// would wait.
const CHANNEL: usize = 1 << 16;
/// The variable that a key of OpenAI's is taken from.
const OPENAI_API_KEY: &str = "OPENAI_API_KEY";
/// How long the databases may take to close.
const DATABASES: Duration = Duration::from_secs(2);

/// The host's API key, held in memory only.
struct ApiKey(String);

impl ExternalAuth for ApiKey {
    fn resolve(&self) -> ExternalAuthFuture<'_, CodexAuth> {
        Box::pin(async { Ok(CodexAuth::from_api_key(&self.0)) })
    }

    fn refresh(&self, _context: ExternalAuthRefreshContext) -> ExternalAuthFuture<'_, CodexAuth> {
        Box::pin(async { Err(std::io::Error::other("the API key was refused by the model provider")) })
    }
}

fn unsendable(error: CodexErr) -> Failure {
    Failure::new(Status::InvalidConfig, error.to_string())
}

fn config_warning((file, summary): (std::path::PathBuf, String)) -> ConfigWarningNotification {
    ConfigWarningNotification { summary, details: None, path: Some(file.display().to_string()), range: None }
}

/// Starts an engine; `sink` gets its notifications.
pub(crate) async fn start(options: Options, mut sink: Box<dyn Sink>, requests: Arc<Requests>) -> Result<Engine> {
    let home = options.home()?;
    #[cfg(unix)]
    home_access::secure(&home)?;
    let mut held = vec![secrets::of_options(&options, &home)];
    let overrides = options.overrides(&home)?;
    let mut config = options.build_config(home.clone(), overrides.clone()).await?;
    if !options.models.is_empty() {
        config.host_models = options.models(&config)?;
    }
    let unsandboxed = config
        .config_layer_stack
        .effective_config()
        .get("sandbox_mode")
        .and_then(toml::Value::as_str)
        .is_some_and(|mode| mode == "danger-full-access");
    #[cfg(unix)]
    if !config.sqlite_home.starts_with(&home) && config.sqlite_home.is_dir() {
        home_access::secure(&config.sqlite_home)?;
    }
    let folders = HostFolders::protect(&options, &home, &config.sqlite_home, &config.config_layer_stack.effective_config());
    forget_outputs(&home);
    let alone = Alone::on([&home, &config.sqlite_home]).await;
    let databases = open_databases(&config).await;
    if databases.is_none() {
        check_room(&home)?;
    }
    codex_core::processes::set_helper(options.helper.clone());
    let helper = Some(options.helper.clone());
    let unusable = |error: String| Failure::new(Status::SandboxUnavailable, format!("the execution environment cannot be set up: {error}"));
    let paths = ExecServerRuntimePaths::new(options.helper.clone(), helper.clone()).map_err(|error| unusable(error.to_string()))?;
    let environment_manager = EnvironmentManager::from_codex_home(&home, Some(paths)).await.map_err(|error| unusable(error.to_string()))?;
    let initialize = json!({
        "clientInfo": { "name": options.client_name, "title": null, "version": options.client_version },
        "capabilities": { "experimentalApi": true },
    });
    config.model_provider.check_keys().map_err(unsendable)?;
    let wanted = config.model_provider.requires_openai_auth;
    let api_key = match &options.api_key {
        Some(key) => Some(keys::key("api_key", key).map_err(unsendable)?),
        // Only where the key belongs: never to a provider of another name that happens to be configured.
        None => match keys::of_environment(OPENAI_API_KEY).filter(|_| options.openai_api_key_env && wanted) {
            Some(Ok(key)) => Some(key),
            // Set to nothing: not set, where there is a login.
            Some(Err(_)) if keys::is_blank(OPENAI_API_KEY) && check_login(&home, &config)? => None,
            Some(Err(error)) => return Err(unsendable(error)),
            None if wanted => check_login(&home, &config).map(|_| None)?,
            None => None,
        },
    };
    if let Some(key) = &api_key {
        held.push(codex_http_client::secrets::hold_credential(key));
    }
    let host = Host::new(Arc::clone(&requests));
    let handle = in_process::start(InProcessStartArgs {
        arg0_paths: Arg0DispatchPaths { codex_self_exe: helper.clone(), codex_linux_sandbox_exe: helper, main_execve_wrapper_exe: None },
        config: Arc::new(config),
        cli_overrides: overrides,
        loader_overrides: options.loader_overrides(&home),
        strict_config: false,
        cloud_config_bundle: Default::default(),
        thread_config_loader: Arc::new(codex_config::NoopThreadConfigLoader),
        feedback: codex_feedback::CodexFeedback::new(),
        log_db: None,
        state_db: databases.clone(),
        environment_manager: Arc::new(environment_manager),
        config_warnings: options.warnings(&home).into_iter().map(config_warning).collect(),
        session_source: options.source(),
        enable_codex_api_key_env: false,
        initialize: serde_json::from_value(initialize)
            .map_err(|error| Failure::new(Status::InvalidArgument, format!("client_name or client_version: {error}")))?,
        channel_capacity: CHANNEL,
        host_tools: Some(Arc::clone(&host) as _),
        external_auth: api_key.map(|key| Arc::new(ApiKey(key)) as Arc<dyn ExternalAuth>),
    })
    .await
    .map_err(|error| Failure::new(Status::Io, format!("the engine did not start in the codex home {}: {error}", home.display())))?;
    drop(alone);

    let sender = handle.sender();
    requests.connect(sender.clone());
    let turns = Arc::new(Turns::default());
    let (stop, stop_received) = oneshot::channel();
    let (ended, stopped) = oneshot::channel();
    let (pump_turns, pump_requests) = (Arc::clone(&turns), Arc::clone(&requests));
    tokio::spawn(async move {
        pump(handle, sink.as_mut(), &pump_turns, &pump_requests, stop_received).await;
        pump_requests.end();
        sink.ended();
        if let Some(databases) = databases {
            // Else files still come and go in the codex home when the client is closed.
            let _ = within(Some(DATABASES), databases.close()).await;
        }
        let _ = ended.send(());
    });
    Ok(Engine {
        sender,
        next_id: AtomicI64::new(1),
        turns,
        requests,
        host,
        stop: Mutex::new(Some(Stop { stop, stopped })),
        closed: AtomicBool::new(false),
        unsandboxed,
        folders,
        _secrets: held,
        test_hooks: options.test_hooks,
    })
}
