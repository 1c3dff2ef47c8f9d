//! Name and version of the operating system for the User-Agent, read from files: no process is started for it.

use std::sync::LazyLock;

/// `(name, version)`, found once per process.
pub(super) static OPERATING_SYSTEM: LazyLock<(String, String)> = LazyLock::new(|| {
    let found = if cfg!(target_os = "macos") {
        macos(&read("/System/Library/CoreServices/SystemVersion.plist"))
    } else if cfg!(unix) {
        linux(&read("/etc/os-release"))
    } else {
        None
    };
    found.unwrap_or_else(|| (std::env::consts::OS.to_string(), "Unknown".to_string()))
});

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// os-release(5): `NAME="Debian GNU/Linux"`, `VERSION_ID="12"`.
fn linux(release: &str) -> Option<(String, String)> {
    let value = |key: &str| {
        let line = release.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
        Some(line.trim_matches(['"', '\'']).to_string())
    };
    Some((value("NAME")?, value("VERSION_ID").unwrap_or_else(|| "rolling".to_string())))
}

/// The property list's `<key>ProductVersion</key> <string>15.1</string>`.
fn macos(plist: &str) -> Option<(String, String)> {
    let (_, rest) = plist.split_once("<key>ProductVersion</key>")?;
    let (_, rest) = rest.split_once("<string>")?;
    let (version, _) = rest.split_once("</string>")?;
    Some(("Mac OS".to_string(), version.to_string()))
}
