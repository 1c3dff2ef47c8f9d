//! The registry of secrets and its scrubber, which engine-edits puts into codex-http-client, which has no tests of its own here.
#![cfg(not(loom))]
#![allow(dead_code, reason = "other crates use the rest")]

#[path = "../../engine-edits/codex-http-client/credentials.rs"]
mod credentials;
#[path = "../../engine-edits/codex-http-client/private_file.rs"]
mod private_file;
#[path = "../../engine-edits/codex-http-client/secrets.rs"]
mod secrets;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::URL_SAFE;
use secrets::Held;
use secrets::REDACTED;
use secrets::Reach;
use secrets::clean;
use secrets::clean_json_text;
use secrets::hold;
use secrets::of_config;
use serde_json::Value;
use serde_json::json;

fn held(config: Value) -> Held {
    hold(of_config(&config))
}

fn everywhere(text: &str) -> String {
    clean(text, Reach::Everywhere).into_owned()
}

#[test]
fn every_place_of_a_configuration_is_known() {
    let secret = |index: usize| format!("s3cret-{index}-of-the-places");
    let config = json!({
        "model_providers": { "g": {
            "http_headers": { "x-a": secret(0), "authorization": format!("Basic {}", STANDARD.encode(format!("user:{}", secret(1)))) },
            "query_params": { "k": secret(2) },
            "experimental_bearer_token": secret(3),
            "base_url": format!("https://u:{}@gateway.example/{}/v1?sig={}", secret(4), "a1b2c3d4e5f6a7b8c9d0e1f2a3b4", secret(5)),
        } },
        "mcp_servers.x.env.TOKEN": secret(6),
        "mcp_servers": { "y": {
            "command": "npx",
            "args": ["--header", format!("Authorization: Bearer {}", secret(7)), "--api-key", secret(8), format!("--token={}", secret(9))],
        } },
        "shell_environment_policy": { "set": { "API_KEY": secret(10) } },
        "otel": { "exporter": { "otlp-http": { "headers": { "x-otlp-api-key": secret(11) } } } },
        "edits": [{ "keyPath": "model_providers.h.http_headers.x", "value": secret(12) }],
        "apiKey": secret(13),
    });
    let before = (0..14).filter(|index| everywhere(&secret(*index)) == secret(*index)).count();
    assert_eq!(before, 14, "not known yet");
    let _held = held(config);
    for index in 0..14 {
        assert_eq!(everywhere(&format!("<{}>", secret(index))), format!("<{REDACTED}>"), "{index}");
    }
    assert_eq!(everywhere("/a1b2c3d4e5f6a7b8c9d0e1f2a3b4/"), format!("/{REDACTED}/"));
}

#[test]
fn a_value_is_found_in_each_form() {
    let secret = "pä\"ss/w+rd 12\\34?";
    let _held = secrets::hold_credential(secret);
    let quoted = |text: &str| Value::String(text.to_string()).to_string();
    let url = |text: &str| {
        text.bytes()
            .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
            .collect::<String>()
    };
    let forms = [
        secret.to_string(),
        quoted(secret).trim_matches('"').to_string(),
        url(secret),
        url(secret).to_lowercase(),
        url(secret).replace("%20", "+"),
        format!("{secret:?}").trim_matches('"').to_string(),
        STANDARD.encode(secret).trim_end_matches('=').to_string(),
        URL_SAFE.encode(secret).trim_end_matches('=').to_string(),
    ];
    for form in forms {
        let cleaned = everywhere(&format!("a {form} b"));
        assert!(cleaned.contains(REDACTED) && cleaned.len() <= REDACTED.len() + 8, "{form}: {cleaned}");
    }
    for user in ["u", "us", "use", "user"] {
        let encoded = STANDARD.encode(format!("{user}:{secret}"));
        let cleaned = everywhere(&encoded);
        assert!(cleaned.contains(REDACTED) && cleaned.len() < REDACTED.len() + 12, "{user}: {encoded} {cleaned}");
    }
}

#[test]
fn json_stays_json() {
    let _held = secrets::hold_credential("nimbus-12345-\"quoted\"");
    let nested = json!({ "arguments": json!({ "cmd": "echo nimbus-12345-\"quoted\"" }).to_string(), "text": "x\nimbus-12345-" });
    let cleaned: Value = serde_json::from_str(&clean_json_text(nested.to_string(), Reach::Everywhere)).unwrap();
    assert_eq!(cleaned["arguments"], json!({ "cmd": format!("echo {REDACTED}") }).to_string());
    assert_eq!(cleaned["text"], "x\nimbus-12345-", "what follows a newline is no part of a value that begins with n");
    let _plain = secrets::hold_credential("nearby-98765");
    let text = json!("line\nearby-98765").to_string();
    assert_eq!(clean_json_text(text.clone(), Reach::Everywhere), text);
}

#[test]
fn words_stay_in_conversations() {
    let _held = held(
        json!({ "http_headers": { "x-team": "payments", "user-agent": "my-program/1.0.0-beta" }, "query_params": { "api-version": "2024-05-01-preview" } }),
    );
    assert_eq!(everywhere("the payments team"), "the payments team");
    assert_eq!(clean("the payments team", Reach::Diagnostics), format!("the {REDACTED} team"));
    assert_eq!(clean("my-program/1.0.0-beta 2024-05-01-preview", Reach::Diagnostics), "my-program/1.0.0-beta 2024-05-01-preview");
    let _env = held(json!({ "env": { "LOG_LEVEL": "verbose", "KEY_FILE": "/run/secrets/key-0123456789", "REGION": "eu-central-1" } }));
    assert_eq!(
        clean("verbose /run/secrets/key-0123456789 eu-central-1", Reach::Diagnostics),
        "verbose /run/secrets/key-0123456789 eu-central-1"
    );
}

#[test]
fn variables_are_read_and_kept_from_commands() {
    // SAFETY: no other test of this program reads or writes the environment at the same time as its own variable.
    unsafe { std::env::set_var("CODEX_TEST_GATEWAY_KEY", "gateway-0123456789") };
    let held = held(json!({ "env_key": "CODEX_TEST_GATEWAY_KEY", "env_http_headers": { "x-user": "USER" } }));
    assert_eq!(everywhere("gateway-0123456789"), REDACTED);
    assert!(secrets::kept_variables().contains("CODEX_TEST_GATEWAY_KEY"));
    assert!(!secrets::kept_variables().contains("USER"));
    // SAFETY: see above.
    unsafe { std::env::set_var("CODEX_TEST_GATEWAY_KEY", "gateway-9876543210") };
    secrets::refresh();
    assert_eq!(everywhere("gateway-9876543210 gateway-0123456789"), format!("{REDACTED} {REDACTED}"));
    drop(held);
    assert!(!secrets::kept_variables().contains("CODEX_TEST_GATEWAY_KEY"));
}

#[test]
fn what_nobody_holds_is_forgotten_some_day() {
    let first = secrets::hold_credential("first-of-many-0123456789");
    let copy = first.clone();
    drop(first);
    assert_eq!(everywhere("first-of-many-0123456789"), REDACTED);
    drop(copy);
    assert_eq!(everywhere("first-of-many-0123456789"), REDACTED, "messages may come late");
    for index in 0..100 {
        drop(secrets::hold_credential(&format!("another-of-many-{index:08}")));
    }
    assert_eq!(everywhere("first-of-many-0123456789"), "first-of-many-0123456789");
}

#[test]
fn tokens_of_a_file_are_known() {
    secrets::remember_all(&json!({ "tokens": { "access_token": "acc-0123456789abcdef", "account_id": "account-0123456789abcdef" } }));
    assert_eq!(everywhere("acc-0123456789abcdef account-0123456789abcdef"), format!("{REDACTED} account-0123456789abcdef"));
}

#[cfg(unix)]
#[test]
fn a_file_of_tokens_is_private_and_whole() {
    use std::os::unix::fs::PermissionsExt;
    let folder = std::env::temp_dir().join(format!("codex-capi-secrets-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (file, link) = (folder.join("tokens"), folder.join("link"));
    std::fs::write(&file, "old").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    std::os::unix::fs::symlink("tokens", &link).unwrap();
    private_file::write(&link, b"new").unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), b"new");
    assert!(link.is_symlink());
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 2, "nothing is left beside it");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_form_is_found_whatever_else_has_its_text() {
    for secret in ["quoted-\"0123456789", "back\\slash-0123456789"] {
        for _ in 0..20 {
            let held = secrets::hold_credential(secret);
            let body = json!({ "output": secret, "nested": json!({ "output": secret }).to_string() }).to_string();
            let cleaned: Value = serde_json::from_str(&clean_json_text(body, Reach::Everywhere)).unwrap();
            assert_eq!(cleaned, json!({ "output": REDACTED, "nested": json!({ "output": REDACTED }).to_string() }), "{secret}");
            drop(held);
            // Makes the forms anew, in another order.
            drop(secrets::hold_credential("another-value-0123456789"));
        }
    }
}

#[test]
fn a_value_is_found_as_other_languages_write_it() {
    let secret = "zz-Key&a<b>c'd\"e+f/0123456789=";
    let _held = secrets::hold_credential(secret);
    let quoted = secret.replace('"', "\\\"");
    let html = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let escapes = |text: &str, upper: bool, chars: &str| -> String {
        let escape = |c: char| if upper { format!("\\u{:04X}", u32::from(c)) } else { format!("\\u{:04x}", u32::from(c)) };
        text.chars().map(|c| if chars.contains(c) { escape(c) } else { c.to_string() }).collect()
    };
    let percent: String = secret
        .bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() || byte == b'-' { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect();
    let forms = [
        quoted.replace('/', "\\/"),
        escapes(&quoted, false, "&<>"),
        escapes(&quoted, false, "&<>+"),
        escapes(&quoted, false, "&<>'="),
        escapes(&quoted, true, "&<>"),
        escapes(secret, true, "&<>'\"+"),
        escapes(secret, true, "&<>'\"").replace('/', "\\/"),
        escapes(secret, false, "&<>'\"+/"),
        html.clone(),
        html.replace('"', "&quot;").replace('\'', "&#x27;"),
        html.replace('"', "&#34;").replace('\'', "&#39;").replace('+', "&#43;"),
        percent.replace('%', "%25"),
        secret.replace('\'', "'\\''"),
        secret.bytes().map(|byte| format!("{byte:02x}")).collect(),
        secret.bytes().map(|byte| format!("{byte:02X}")).collect(),
    ];
    for form in forms {
        assert_eq!(everywhere(&format!("<{form}>")), format!("<{REDACTED}>"), "{form}");
        let body = json!({ "output": json!({ "text": form }).to_string() }).to_string();
        let expected = json!({ "output": json!({ "text": REDACTED }).to_string() }).to_string();
        assert_eq!(clean_json_text(body, Reach::Everywhere), expected, "{form}");
    }
}

#[test]
fn names_are_secret_by_their_words() {
    let ordinary = json!({
        "TOKENIZER_MODEL": "bert-base-uncased",
        "AUTH_METHOD": "client_credentials",
        "KEYCLOAK_REALM": "production-europe",
        "SESSION_BACKEND": "postgresql-main",
        "MONKEY_PATCH": "gevent-everything",
        "apiKeyName": "authorization",
        "PRIMARY_KEY_COLUMN": "customer_identifier",
        "KEY_VAULT_NAME": "payments-vault",
        "AUTH_URL": "https://login.example.com/realms/main",
        "DATABASE_NAME": "db-production-2024x",
        "MODEL": "claude-sonnet-4-20250514",
        "SSH_AUTH_SOCK": "/run/user/0/agent",
    });
    let headers: serde_json::Map<String, Value> = ordinary
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (format!("x-{}", name.to_lowercase().replace('_', "-")), value.clone()))
        .collect();
    let _ordinary = [
        held(json!({ "mcp_servers": { "x": { "env": ordinary } } })),
        held(json!({ "shell_environment_policy": { "set": ordinary } })),
        held(json!({ "http_headers": headers })),
    ];
    for value in ordinary.as_object().unwrap().values().filter_map(Value::as_str) {
        assert_eq!(everywhere(value), value);
    }
    let file = "/home/someone/keys/service-account-01.json";
    let _file = held(json!({ "env": { "GOOGLE_APPLICATION_CREDENTIALS": file, "PWD": file } }));
    assert_eq!(clean(file, Reach::Diagnostics), file);
    let secret = json!({
        "DB_PASS": "hunter2secret-of-names",
        "API_TOKEN": "/Zx8sd7f6A9s8d7f+Qq1",
        "GH_PAT": "github-pat-abcdef",
        "apiKey": "wordsonlyapikey",
        "SIGNING_KEY_FILE": "inline-k3y-0123456789abcdef",
        "CONNECTION": "Server=h;User Id=sa;Password=Sq1Passw0rdOfNames;",
        "HOOK_URL": "https://hooks.example/T0/B0/XXyyZZ11aa22bb33cc44dd",
    });
    let _secret =
        held(json!({ "env": secret, "http_headers": { "user-agent": "agent/uasecret0123456789abcd", "x-mine": "Token abcdefghijkl" } }));
    for value in ["hunter2secret-of-names", "/Zx8sd7f6A9s8d7f+Qq1", "github-pat-abcdef", "wordsonlyapikey", "inline-k3y-0123456789abcdef"] {
        assert_eq!(everywhere(value), REDACTED);
    }
    for value in ["Sq1Passw0rdOfNames", "XXyyZZ11aa22bb33cc44dd", "uasecret0123456789abcd", "abcdefghijkl"] {
        assert_eq!(everywhere(&format!("<{value}>")), format!("<{REDACTED}>"));
    }
    let _plain = held(json!({ "env": { "ACCESS": "AKfourteenChr1", "SESSION_BACKEND": "postgresql-other" } }));
    for value in ["AKfourteenChr1", "postgresql-other"] {
        assert_eq!(everywhere(value), value, "conversations may need it");
        assert_eq!(clean(value, Reach::Diagnostics), REDACTED);
    }
}

#[test]
fn arguments_are_secret_after_their_options() {
    let args = [
        "-u",
        "admin:argpass-0123456",
        "-p",
        "shortopt-0123456789ab",
        "--dsn",
        "postgres://u:dsnpass-012345@h/db",
        "--header=X-Api: hdrarg-0123456789abc",
    ];
    let more = ["--pass", "passopt-0123456789ab", "-phunter3secret99", "-e", "TOKEN=envarg-0123456789", "--tokenizer", "bert-base-cased"];
    let _held = held(json!({ "args": args.into_iter().chain(more).collect::<Vec<&str>>() }));
    for value in [
        "argpass-0123456",
        "shortopt-0123456789ab",
        "dsnpass-012345",
        "hdrarg-0123456789abc",
        "passopt-0123456789ab",
        "hunter3secret99",
        "envarg-0123456789",
    ] {
        assert_eq!(everywhere(&format!("<{value}>")), format!("<{REDACTED}>"));
    }
    assert_eq!(everywhere("bert-base-cased postgres"), "bert-base-cased postgres");
}

#[test]
fn each_line_of_a_value_is_known() {
    let line = "Ax7fQ9zLm3PpT0vWq8sYbN2uKd5hRjEo";
    let key = format!("-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n{line}\n-----END PRIVATE KEY-----\n");
    let held_key = held(json!({ "env": { "PEM": key } }));
    assert_eq!(everywhere(&format!("x {line} y")), format!("x {REDACTED} y"));
    assert_eq!(everywhere("-----BEGIN PRIVATE KEY-----"), "-----BEGIN PRIVATE KEY-----");
    drop(held_key);
    let account = json!({ "type": "service_account", "private_key": "-----BEGIN PRIVATE KEY-----\nBx7fQ9zLm3PpT0vWq8sYbN2uKd5hRjEo\n" });
    let _held = held(json!({ "env": { "SERVICE_ACCOUNT": account.to_string() } }));
    assert_eq!(everywhere("x Bx7fQ9zLm3PpT0vWq8sYbN2uKd5hRjEo y"), format!("x {REDACTED} y"));
}
