//! How a server is told of tools.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

/// Whether a server gets namespaces and the engine's other types of tools, or functions alone.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ToolNames {
    /// As the engine has them, until the server refuses a type.
    #[default]
    Auto,
    /// Functions with flat names.
    Flat,
    /// As the engine has them, whatever the server says.
    Namespaced,
}
