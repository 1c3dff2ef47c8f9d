//! What engine-edits puts into codex-sandboxing and codex-linux-sandbox to protect the host program's folders, and which have no tests of their own here.
#![cfg(target_os = "linux")]
#![allow(dead_code, reason = "other crates use the rest")]

#[path = "../../engine-edits/codex-sandboxing/host_folders.rs"]
mod host_folders;
#[path = "../../engine-edits/codex-linux-sandbox/pinned.rs"]
mod pinned;
#[path = "../../engine-edits/codex-linux-sandbox/protected.rs"]
mod protected;
#[path = "../../engine-edits/codex-linux-sandbox/registry.rs"]
mod registry;
#[path = "../../engine-edits/codex-linux-sandbox/settled.rs"]
mod settled;

/// Upstream's, as far as they use it.
mod bwrap {
    #[derive(Clone, Copy, PartialEq, Eq)]
    pub(crate) enum SyntheticMountTargetKind {
        EmptyFile,
        EmptyDirectory,
    }

    pub(crate) struct SyntheticMountTarget(std::path::PathBuf);

    impl SyntheticMountTarget {
        pub(crate) fn missing_empty_directory(path: &std::path::Path) -> Self {
            Self(path.to_path_buf())
        }
    }
}
