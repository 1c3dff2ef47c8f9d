//! The schema of a tool's arguments as the model can be told it, whatever the server has written: one that a model's API refuses would end every turn.
//!
//! The engine reads a part of JSON Schema, and fails at keywords that have another form; APIs want an object, with no choice of forms at the top.

use rmcp::model::JsonObject;
use serde_json::Value;
use serde_json::json;

/// Schemas within each other; below that, anything goes.
const MAX_DEPTH: usize = 32;
/// Forms of a choice at the top that are looked at; references could go on without end.
const MAX_FORMS: usize = 200;
const TYPES: [&str; 7] = ["string", "number", "boolean", "integer", "object", "array", "null"];
const CHOICES: [&str; 3] = ["anyOf", "oneOf", "allOf"];
const TABLES: [&str; 2] = ["$defs", "definitions"];

/// The same schema as an object with named arguments.
pub(crate) fn for_model(given: &JsonObject) -> JsonObject {
    let whole = Value::Object(given.clone());
    let (mut root, mut left) = (given.clone(), MAX_FORMS);
    flatten(&mut root, &whole, &mut left);
    for keyword in ["not", "if", "then", "else", "enum", "const", "items", "prefixItems", "nullable"] {
        root.remove(keyword);
    }
    root.insert("type".to_string(), json!("object"));
    mend(&mut root, 0);
    root.entry("properties").or_insert_with(|| json!({}));
    let whole = Value::Object(root.clone());
    for (keyword, value) in &mut root {
        if keyword != "enum" {
            finish(value, &whole);
        }
    }
    root
}

/// Takes the place of a choice at the top: the arguments of all forms, and those required that every form requires.
fn flatten(root: &mut JsonObject, whole: &Value, left: &mut usize) {
    let mut forms: Vec<(bool, Vec<Value>)> = Vec::new();
    if let Some(reference) = root.remove("$ref") {
        forms.push((true, vec![json!({"$ref": reference})]));
    }
    for choice in CHOICES {
        if let Some(Value::Array(listed)) = root.remove(choice) {
            forms.push((choice == "allOf", listed));
        }
    }
    for (all_hold, listed) in forms {
        let forms: Vec<JsonObject> = listed
            .into_iter()
            .filter_map(|mut form| {
                *left = left.checked_sub(1)?;
                if let Some(reference) = form.get("$ref").and_then(Value::as_str) {
                    // The whole again has nothing that is not here already.
                    if reference == "#" {
                        return None;
                    }
                    form = whole.pointer(reference.strip_prefix('#')?)?.clone();
                }
                let Value::Object(mut form) = form else {
                    return None;
                };
                flatten(&mut form, whole, left);
                Some(form)
            })
            .collect();
        merge(root, forms, all_hold);
    }
}

fn merge(root: &mut JsonObject, forms: Vec<JsonObject>, all_hold: bool) {
    let mut required: Option<Vec<Value>> = None;
    let mut properties = match root.remove("properties") {
        Some(Value::Object(properties)) => properties,
        _ => JsonObject::new(),
    };
    for form in &forms {
        for (name, schema) in form.get("properties").and_then(Value::as_object).into_iter().flatten() {
            match properties.get_mut(name) {
                None => {
                    properties.insert(name.clone(), schema.clone());
                }
                Some(known) if known == schema => {}
                Some(known) => match known.get_mut("anyOf").and_then(Value::as_array_mut) {
                    Some(choices) if choices.contains(schema) => {}
                    Some(choices) => choices.push(schema.clone()),
                    None => *known = json!({"anyOf": [known.take(), schema]}),
                },
            }
        }
        let needed = form.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
        required = Some(match required {
            None => needed,
            Some(mut so_far) if all_hold => {
                so_far.extend(needed);
                so_far
            }
            Some(so_far) => so_far.into_iter().filter(|name| needed.contains(name)).collect(),
        });
    }
    root.insert("properties".to_string(), Value::Object(properties));
    let mut needed = root.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    needed.extend(required.unwrap_or_default());
    if !needed.is_empty() {
        root.insert("required".to_string(), Value::Array(needed));
    }
}

/// Gives each keyword the form that it has in JSON Schema of today, or takes it away. Whether the schema says of itself that it is required, as in draft 3.
fn mend(schema: &mut JsonObject, depth: usize) -> bool {
    // It is the engine's own.
    schema.remove("encrypted");
    let is_required = schema.get("required") == Some(&json!(true));
    mend_type(schema);
    let text = schema.get("description").is_none_or(Value::is_string);
    if !text {
        schema.remove("description");
    }
    match schema.get_mut("enum") {
        Some(Value::Array(values)) if !values.is_empty() => {}
        Some(Value::Null | Value::Array(_) | Value::Object(_)) => {
            schema.remove("enum");
        }
        Some(value) => *value = json!([value.take()]),
        None => {}
    }
    let reference = schema.get("$ref").is_none_or(|reference| reference.as_str().is_some_and(|text| text.starts_with('#')));
    if !reference {
        schema.remove("$ref");
    }
    if schema.get("items").is_none_or(Value::is_null) {
        schema.remove("items");
        if let Some(items) = schema.remove("prefixItems") {
            schema.insert("items".to_string(), items);
        }
    }
    if let Some(items) = schema.get_mut("items") {
        if let Value::Array(listed) = items {
            *items = if listed.is_empty() { json!({}) } else { json!({"anyOf": listed}) };
        }
        mend_child(items, depth);
    }
    if let Some(rest) = schema.get_mut("additionalProperties")
        && !rest.is_boolean()
    {
        if rest.is_object() {
            mend_child(rest, depth);
        } else {
            schema.remove("additionalProperties");
        }
    }
    for choice in CHOICES {
        match schema.get_mut(choice) {
            Some(Value::Array(forms)) => {
                forms.retain(|form| form != &json!(false));
                forms.iter_mut().for_each(|form| {
                    mend_child(form, depth);
                });
                if forms.is_empty() {
                    schema.remove(choice);
                }
            }
            Some(_) => {
                schema.remove(choice);
            }
            None => {}
        }
    }
    for table in TABLES {
        match schema.get_mut(table) {
            Some(Value::Object(definitions)) => definitions.values_mut().for_each(|definition| {
                mend_child(definition, depth);
            }),
            Some(_) => {
                schema.remove(table);
            }
            None => {}
        }
    }
    mend_properties(schema, depth);
    is_required
}

fn mend_type(schema: &mut JsonObject) {
    let known = |name: &Value| name.as_str().map(str::to_lowercase).filter(|name| TYPES.contains(&name.as_str()));
    let mut types: Vec<String> = match schema.remove("type") {
        Some(Value::Array(names)) => names.iter().filter_map(known).collect(),
        Some(name) => known(&name).into_iter().collect(),
        None => Vec::new(),
    };
    if schema.remove("nullable") == Some(json!(true)) && !types.is_empty() && !types.iter().any(|name| name == "null") {
        types.push("null".to_string());
    }
    types.dedup();
    match types.as_slice() {
        [] => {}
        [one] => {
            schema.insert("type".to_string(), json!(one));
        }
        several => {
            schema.insert("type".to_string(), json!(several));
        }
    }
}

fn mend_properties(schema: &mut JsonObject, depth: usize) {
    let mut required: Vec<String> = match schema.remove("required") {
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).map(str::to_string).collect(),
        _ => Vec::new(),
    };
    match schema.get_mut("properties") {
        Some(Value::Object(properties)) => {
            properties.retain(|_, property| property != &json!(false));
            for (name, property) in properties.iter_mut() {
                if mend_child(property, depth) && !required.contains(name) {
                    required.push(name.clone());
                }
            }
            let mut seen = Vec::new();
            required.retain(|name| {
                properties.contains_key(name) && !seen.contains(name) && {
                    seen.push(name.clone());
                    true
                }
            });
        }
        Some(_) => {
            schema.remove("properties");
        }
        None => {}
    }
    if !required.is_empty() {
        schema.insert("required".to_string(), json!(required));
    }
}

fn mend_child(child: &mut Value, depth: usize) -> bool {
    match child {
        Value::Object(schema) if depth < MAX_DEPTH => mend(schema, depth + 1),
        other => {
            *other = json!({});
            false
        }
    }
}

/// Takes away references to what is not there, and makes floats of integers that are too large for the engine.
fn finish(value: &mut Value, whole: &Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| finish(value, whole)),
        Value::Object(fields) => {
            let is_there = |pointer: &str| pointer.contains('%') || whole.pointer(pointer).is_some();
            let is_lost = |reference: &str| !reference.strip_prefix('#').is_some_and(is_there);
            if fields.get("$ref").and_then(Value::as_str).is_some_and(is_lost) {
                fields.remove("$ref");
            }
            fields.values_mut().for_each(|value| finish(value, whole));
        }
        Value::Number(number) if number.as_i64().is_none() && number.as_u64().is_none() => {
            let float = number.as_f64();
            *value = float.map_or(Value::Null, Value::from);
        }
        _ => {}
    }
}
