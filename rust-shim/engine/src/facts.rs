//! What a person who is asked about a command needs to know, and the engine's question does not say.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::PoisonError;

use codex_extension_api::host_tools::CallFact;
use serde_json::Value;

use crate::event::ItemKey;

/// Of the calls under way.
#[derive(Default)]
pub(crate) struct Facts(Mutex<HashMap<ItemKey, Known>>);

struct Known {
    /// The model's arguments, or what an interceptor or hook put in their place.
    arguments: String,
    /// What would be run, if it is a program that no command can replace.
    argv: Option<Vec<String>>,
}

impl Facts {
    /// Takes note of something about a call.
    pub(crate) fn note(&self, call: ItemKey, fact: CallFact<'_>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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

    /// Adds to a command's question who proposed its rule, and its arguments, if its program is a fixed one. What is not known is taken for the worse.
    pub(crate) fn complete(&self, call: Option<&ItemKey>, params: &mut Value) {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let call = call.and_then(|call| known.get(call));
        if let Some(rule) = params.get("proposedExecpolicyAmendment").filter(|rule| !rule.is_null()) {
            let arguments = call.and_then(|call| serde_json::from_str::<Value>(&call.arguments).ok());
            let engine = arguments.is_some_and(|arguments| arguments.get("prefix_rule") != Some(rule));
            params["amendmentSource"] = if engine { "engine" } else { "model" }.into();
        }
        params["argv"] = call.and_then(|call| call.argv.clone()).into();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn completed(facts: &Facts, rule: Option<&[&str]>) -> (Value, Value) {
        let mut params = json!({ "proposedExecpolicyAmendment": rule });
        facts.complete(Some(&ItemKey::new("t", "u", "i")), &mut params);
        (params["amendmentSource"].clone(), params["argv"].clone())
    }

    #[test]
    fn a_rule_is_the_models_unless_it_is_known_to_be_the_engines() {
        let facts = Facts::default();
        let rule: Option<&[&str]> = Some(&["make", "test"]);
        assert_eq!(completed(&facts, rule).0, json!("model"), "nothing is known of the call");
        let begins = |arguments| facts.note(ItemKey::new("t", "u", "i"), CallFact::Begins { arguments });
        begins(r#"{"cmd":"make test"}"#);
        assert_eq!(completed(&facts, rule).0, json!("engine"));
        begins(r#"{"cmd":"make test","prefix_rule":["make"]}"#);
        assert_eq!(completed(&facts, rule).0, json!("engine"), "the model's was not taken");
        begins(r#"{"cmd":"make test","prefix_rule":["make","test"]}"#);
        assert_eq!(completed(&facts, rule).0, json!("model"));
        assert_eq!(completed(&facts, None).0, Value::Null);
    }

    #[test]
    fn arguments_are_told_where_the_program_is_a_fixed_one() {
        let facts = Facts::default();
        let call = || ItemKey::new("t", "u", "i");
        let command = ["/bin/bash", "-c", "ls"].map(str::to_string);
        facts.note(call(), CallFact::Begins { arguments: "{}" });
        assert_eq!(completed(&facts, None).1, Value::Null);
        facts.note(call(), CallFact::Asks { command: &command, replaceable: true });
        assert_eq!(completed(&facts, None).1, Value::Null);
        facts.note(call(), CallFact::Asks { command: &command, replaceable: false });
        assert_eq!(completed(&facts, None).1, json!(command));
        facts.note(call(), CallFact::Ends);
        assert_eq!(completed(&facts, None).1, Value::Null);
    }
}
