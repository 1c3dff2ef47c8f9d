//! Records in the library what it was built from; see `codex_build_info`.

use std::path::Path;
use std::process::Command;

use sha2::Digest;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = std::env::var("CARGO_MANIFEST_DIR")?;
    let header = Path::new(&root).join("../csrc/codex_capi.h");
    let hash: String = sha2::Sha256::digest(std::fs::read(&header)?).iter().map(|byte| format!("{byte:02x}")).collect();
    let rustc = Command::new(std::env::var("RUSTC")?).arg("--version").output()?.stdout;
    println!("cargo:rerun-if-changed={}", header.display());
    println!("cargo:rustc-env=CODEX_HEADER={hash}");
    println!("cargo:rustc-env=CODEX_RUSTC={}", String::from_utf8(rustc)?.trim());
    println!("cargo:rustc-env=CODEX_TARGET={}", std::env::var("TARGET")?);
    println!("cargo:rustc-env=CODEX_PROFILE={}", std::env::var("PROFILE")?);
    Ok(())
}
