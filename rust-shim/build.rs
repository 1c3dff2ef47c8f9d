//! Takes from the header what the library has to know of it: its numbers, which stand there only, and its digest. Records what the library was
//! built from; see `codex_build_info`.

use std::error::Error;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use sha2::Digest;

fn main() -> Result<(), Box<dyn Error>> {
    let root = std::env::var("CARGO_MANIFEST_DIR")?;
    let path = Path::new(&root).join("../csrc/codex_capi.h");
    let header = std::fs::read_to_string(&path)?;
    let made = Path::new(&std::env::var("OUT_DIR")?).join("header.rs");
    std::fs::write(made, numbers(&header)?)?;
    let hash: String = sha2::Sha256::digest(&header).iter().map(|byte| format!("{byte:02x}")).collect();
    let rustc = Command::new(std::env::var("RUSTC")?).arg("--version").output()?.stdout;
    println!("cargo:rerun-if-changed={}", path.display());
    println!("cargo:rustc-env=CODEX_HEADER={hash}");
    println!("cargo:rustc-env=CODEX_RUSTC={}", String::from_utf8(rustc)?.trim());
    println!("cargo:rustc-env=CODEX_TARGET={}", std::env::var("TARGET")?);
    println!("cargo:rustc-env=CODEX_PROFILE={}", std::env::var("PROFILE")?);
    Ok(())
}

/// The header's `#define`s as Rust: constants, and a `match` over the engine's `Status`, which compiles only if both have the same statuses.
fn numbers(header: &str) -> Result<String, Box<dyn Error>> {
    let (mut constants, mut numbers, mut names) = (String::new(), String::new(), String::new());
    for line in header.lines() {
        let Some((name, number)) = line.strip_prefix("#define CODEX_").and_then(|rest| rest.split_once(' ')) else {
            continue;
        };
        if let Some(status) = name.strip_prefix("STATUS_") {
            let variant = camel_case(status);
            writeln!(numbers, "        Status::{variant} => {number},")?;
            writeln!(names, "        Status::{variant} => c\"CODEX_{name}\",")?;
        } else {
            let kind = match name.split_once('_') {
                Some(("MAX", _)) => "usize",
                Some(("QUEUE", _)) => "u64",
                _ => "u32",
            };
            writeln!(constants, "/// See the header.\npub(crate) const CODEX_{name}: {kind} = {number};")?;
        }
    }
    Ok(format!(
        "{constants}
/// The number of a status.
pub(crate) const fn number(status: Status) -> i32 {{
    match status {{
{numbers}    }}
}}

/// The name of a status.
pub(crate) const fn name(status: Status) -> &'static CStr {{
    match status {{
{names}    }}
}}
"
    ))
}

/// `INVALID_JSON` as `InvalidJson`.
fn camel_case(name: &str) -> String {
    name.split('_').map(|word| format!("{}{}", &word[..1], word[1..].to_lowercase())).collect()
}
