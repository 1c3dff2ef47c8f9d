//! What a person who is asked for approval needs to know, and the engine's question does not say; and the "no" to what is asked.

use std::collections::HashMap;
use std::sync::Mutex;

use codex_extension_api::host_tools::CallFact;
use serde_json::Value;
use serde_json::json;

use crate::events::ItemKey;
use crate::lock;

/// Of what is under way.
#[derive(Default)]
pub(crate) struct Approvals {
    /// File changes, as items.
    changes: Mutex<HashMap<ItemKey, Value>>,
    calls: Mutex<HashMap<ItemKey, Known>>,
}

struct Known {
    /// The model's arguments, or what an interceptor or hook put in their place.
    arguments: String,
    /// What would be run, if it is a program that no command can replace.
    argv: Option<Vec<String>>,
}

impl Approvals {
    /// A file change begins (`Some`) or ends.
    pub(crate) fn change(&self, item: ItemKey, change: Option<Value>) {
        let mut changes = lock(&self.changes);
        match change {
            Some(change) => changes.insert(item, change),
            None => changes.remove(&item),
        };
    }

    /// Takes note of something about a call.
    pub(crate) fn note(&self, call: ItemKey, fact: CallFact<'_>) {
        let mut known = lock(&self.calls);
        match fact {
            CallFact::Begins { arguments } => {
                known.insert(call, Known { arguments: arguments.to_string(), argv: None });
            }
            CallFact::Asks { command, replaceable } => {
                if let Some(known) = known.get_mut(&call) {
                    known.argv = (!replaceable).then(|| command.to_vec());
                }
            }
            CallFact::Ends => {
                known.remove(&call);
            }
        }
    }

    /// Adds to a question what it does not say. `Err` is why nobody can be asked.
    pub(crate) fn complete(&self, method: &str, params: &mut Value) -> Result<(), &'static str> {
        let item = ItemKey::of(params);
        match method {
            "item/fileChange/requestApproval" => {
                let change = item.and_then(|item| lock(&self.changes).get(&item).cloned());
                params["item"] = change.ok_or("what is to be changed is not known")?;
            }
            "item/commandExecution/requestApproval" => self.complete_command(item.as_ref(), params),
            _ => {}
        }
        Ok(())
    }

    /// Adds to a command's question who proposed its rule, and its arguments, if its program is a fixed one. What is not known is taken for the worse.
    fn complete_command(&self, call: Option<&ItemKey>, params: &mut Value) {
        let known = lock(&self.calls);
        let call = call.and_then(|call| known.get(call));
        if let Some(rule) = params.get("proposedExecpolicyAmendment").filter(|rule| !rule.is_null()) {
            let arguments = call.and_then(|call| serde_json::from_str::<Value>(&call.arguments).ok());
            let engine = arguments.is_some_and(|arguments| arguments.get("prefix_rule") != Some(rule));
            params["amendmentSource"] = if engine { "engine" } else { "model" }.into();
        }
        params["argv"] = call.and_then(|call| call.argv.clone()).into();
    }
}

/// The "no" of a method that has one of its own; the turn goes on with it.
pub(crate) fn denial(method: &str, message: &str) -> Option<Value> {
    Some(match method {
        "item/commandExecution/requestApproval" | "item/fileChange/requestApproval" => json!({ "decision": "decline" }),
        "item/permissions/requestApproval" => json!({ "permissions": {}, "scope": "turn" }),
        "mcpServer/elicitation/request" => json!({ "action": "decline", "content": null, "_meta": null }),
        "item/tool/call" => json!({ "contentItems": [{ "type": "inputText", "text": message }], "success": false }),
        "applyPatchApproval" | "execCommandApproval" => json!({ "decision": "denied" }),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(approvals: &Approvals, rule: Option<&[&str]>) -> (Value, Value) {
        let mut params = json!({ "proposedExecpolicyAmendment": rule });
        approvals.complete_command(Some(&ItemKey::new("t", "u", "i")), &mut params);
        (params["amendmentSource"].clone(), params["argv"].clone())
    }

    #[test]
    fn a_rule_is_the_models_unless_it_is_known_to_be_the_engines() {
        let approvals = Approvals::default();
        let rule: Option<&[&str]> = Some(&["make", "test"]);
        assert_eq!(completed(&approvals, rule).0, json!("model"), "nothing is known of the call");
        let begins = |arguments| approvals.note(ItemKey::new("t", "u", "i"), CallFact::Begins { arguments });
        begins(r#"{"cmd":"make test"}"#);
        assert_eq!(completed(&approvals, rule).0, json!("engine"));
        begins(r#"{"cmd":"make test","prefix_rule":["make"]}"#);
        assert_eq!(completed(&approvals, rule).0, json!("engine"), "the model's was not taken");
        begins(r#"{"cmd":"make test","prefix_rule":["make","test"]}"#);
        assert_eq!(completed(&approvals, rule).0, json!("model"));
        assert_eq!(completed(&approvals, None).0, Value::Null);
    }

    #[test]
    fn arguments_are_told_where_the_program_is_a_fixed_one() {
        let approvals = Approvals::default();
        let call = || ItemKey::new("t", "u", "i");
        let command = ["/bin/bash", "-c", "ls"].map(str::to_string);
        approvals.note(call(), CallFact::Begins { arguments: "{}" });
        assert_eq!(completed(&approvals, None).1, Value::Null);
        approvals.note(call(), CallFact::Asks { command: &command, replaceable: true });
        assert_eq!(completed(&approvals, None).1, Value::Null);
        approvals.note(call(), CallFact::Asks { command: &command, replaceable: false });
        assert_eq!(completed(&approvals, None).1, json!(command));
        approvals.note(call(), CallFact::Ends);
        assert_eq!(completed(&approvals, None).1, Value::Null);
    }

    #[test]
    fn every_method_with_a_no_of_its_own_says_it() {
        assert_eq!(denial("item/commandExecution/requestApproval", "x").unwrap()["decision"], "decline");
        assert_eq!(denial("item/fileChange/requestApproval", "x").unwrap()["decision"], "decline");
        assert_eq!(denial("mcpServer/elicitation/request", "x").unwrap()["action"], "decline");
        assert_eq!(denial("item/tool/call", "x").unwrap()["success"], false);
        assert_eq!(denial("item/tool/requestUserInput", "x"), None);
    }
}
