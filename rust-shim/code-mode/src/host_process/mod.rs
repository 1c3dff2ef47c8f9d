//! Sessions in upstream's host program, where one is installed: a process with V8 that the sessions of a provider share.

mod connection;
mod session;

pub use session::ProcessOwnedCodeModeSession;
pub use session::ProcessOwnedCodeModeSessionProvider;
