//! What a script finds in its global scope besides the language: the tools and the helpers that the model is told of.

use std::cell::Cell;
use std::rc::Rc;

use codex_code_mode_protocol::FunctionCallOutputContentItem;
use rquickjs::Array;
use rquickjs::Coerced;
use rquickjs::Ctx;
use rquickjs::Exception;
use rquickjs::FromJs;
use rquickjs::Function;
use rquickjs::IntoJs;
use rquickjs::Object;
use rquickjs::Persistent;
use rquickjs::Value;
use rquickjs::function::Rest;
use rquickjs::qjs;

use crate::intl;
use crate::limits;
use crate::output;
use crate::script::Event;
use crate::script::Shared;
use crate::values;
use crate::values::Failure;

/// Absent on purpose: no shared memory between threads, and nothing that could wait on it.
const REMOVED: [&str; 3] = ["Atomics", "SharedArrayBuffer", "console"];

/// What is done in JavaScript before the script.
const PRELUDE: &str = include_str!("prelude.js");

type Arguments<'js> = Rest<Value<'js>>;

/// Puts everything in place.
pub(crate) fn install<'js>(ctx: &Ctx<'js>, shared: &Rc<Shared>) -> rquickjs::Result<()> {
    let globals = ctx.globals();
    for name in REMOVED {
        globals.remove(name)?;
    }
    let load_intl = Function::new(ctx.clone(), {
        let tried = Cell::new(false);
        move |ctx: Ctx<'js>| {
            // Once only: to call JavaScript from here counts the stack anew.
            if tried.replace(true) {
                return Err(Exception::throw_range(&ctx, "Intl could not be loaded"));
            }
            intl::load(&ctx)
        }
    })?;
    ctx.eval::<Function<'js>, _>(PRELUDE)?.call::<_, ()>((load_intl,))?;
    globals.set("tools", tools(ctx, shared)?)?;
    globals.set("ALL_TOOLS", all_tools(ctx, shared)?)?;
    helper(ctx, &globals, shared, "text", text)?;
    helper(ctx, &globals, shared, "image", image)?;
    helper(ctx, &globals, shared, "audio", audio)?;
    helper(ctx, &globals, shared, "generatedImage", generated_image)?;
    helper(ctx, &globals, shared, "store", store)?;
    helper(ctx, &globals, shared, "load", load)?;
    helper(ctx, &globals, shared, "notify", notify)?;
    helper(ctx, &globals, shared, "setTimeout", set_timeout)?;
    helper(ctx, &globals, shared, "clearTimeout", clear_timeout)?;
    helper(ctx, &globals, shared, "yield_control", yield_control)?;
    helper(ctx, &globals, shared, "exit", exit)?;
    Ok(())
}

/// Makes a function of the global scope.
fn helper<'js>(
    ctx: &Ctx<'js>,
    target: &Object<'js>,
    shared: &Rc<Shared>,
    name: &str,
    body: impl Fn(&Ctx<'js>, &Shared, &[Value<'js>]) -> Result<Value<'js>, Failure> + 'js,
) -> rquickjs::Result<()> {
    let shared = Rc::clone(shared);
    let function = Function::new(ctx.clone(), move |ctx: Ctx<'js>, arguments: Arguments<'js>| -> rquickjs::Result<Value<'js>> {
        if shared.control.halted() {
            return Err(throw_uncatchable(&ctx));
        }
        body(&ctx, &shared, &arguments.0).map_err(|failure| failure.throw(&ctx))
    })?;
    target.set(name, function.with_name(name)?)
}

fn tools<'js>(ctx: &Ctx<'js>, shared: &Rc<Shared>) -> rquickjs::Result<Object<'js>> {
    let tools = Object::new(ctx.clone())?;
    for (index, tool) in shared.tools.iter().enumerate() {
        helper(ctx, &tools, shared, &tool.global_name, move |ctx, shared, arguments| call_tool(ctx, shared, index, arguments))?;
    }
    Ok(tools)
}

fn all_tools<'js>(ctx: &Ctx<'js>, shared: &Shared) -> rquickjs::Result<Array<'js>> {
    let all = Array::new(ctx.clone())?;
    for (index, tool) in shared.tools.iter().enumerate() {
        let entry = Object::new(ctx.clone())?;
        entry.set("name", tool.global_name.as_str())?;
        entry.set("description", tool.description.as_str())?;
        all.set(index, entry)?;
    }
    Ok(all)
}

fn call_tool<'js>(ctx: &Ctx<'js>, shared: &Shared, index: usize, arguments: &[Value<'js>]) -> Result<Value<'js>, Failure> {
    let tool = &shared.tools[index];
    let json = match arguments.first() {
        Some(value) => values::json_text(ctx, value)?,
        None => None,
    };
    let input = json.as_deref().map(values::read_json).transpose()?;
    let (promise, resolve, reject) = ctx.promise()?;
    let id = {
        let mut state = shared.state.borrow_mut();
        if state.calls.len() >= limits::CALLS {
            return Err(Failure::Text(format!("too many tool calls: a script may have {} under way", limits::CALLS)));
        }
        let id = format!("tool-{}", state.next_call);
        state.next_call += 1;
        state.calls.insert(id.clone(), (Persistent::save(ctx, resolve), Persistent::save(ctx, reject)));
        id
    };
    let bytes = json.map_or(0, |json| json.len());
    if let Err(error) = shared.control.hold(bytes) {
        drop(shared.state.borrow_mut().calls.remove(&id));
        return Err(error.into());
    }
    shared.send(Event::Call { id, tool_name: tool.tool_name.clone(), tool_kind: tool.kind, input, bytes });
    Ok(promise.into_value())
}

fn argument<'js>(ctx: &Ctx<'js>, arguments: &[Value<'js>], index: usize) -> Value<'js> {
    arguments.get(index).cloned().unwrap_or_else(|| Value::new_undefined(ctx.clone()))
}

fn undefined<'js>(ctx: &Ctx<'js>) -> Result<Value<'js>, Failure> {
    Ok(Value::new_undefined(ctx.clone()))
}

fn send_output(shared: &Shared, item: FunctionCallOutputContentItem) -> Result<(), Failure> {
    let bytes = output::bytes(&item);
    shared.control.hold(bytes)?;
    shared.send(Event::Output { item, bytes });
    Ok(())
}

fn text<'js>(ctx: &Ctx<'js>, shared: &Shared, arguments: &[Value<'js>]) -> Result<Value<'js>, Failure> {
    let text = printed(ctx, &argument(ctx, arguments, 0))?;
    send_output(shared, FunctionCallOutputContentItem::InputText { text })?;
    undefined(ctx)
}

/// The text of a value; what its conversion throws is thrown as its text.
fn printed<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> Result<String, Failure> {
    Ok(values::output_text(ctx, value)?)
}

fn image<'js>(ctx: &Ctx<'js>, shared: &Shared, arguments: &[Value<'js>]) -> Result<Value<'js>, Failure> {
    send_output(shared, output::image(&argument(ctx, arguments, 0), arguments.get(1))?)?;
    undefined(ctx)
}

fn audio<'js>(ctx: &Ctx<'js>, shared: &Shared, arguments: &[Value<'js>]) -> Result<Value<'js>, Failure> {
    send_output(shared, output::audio(&argument(ctx, arguments, 0))?)?;
    undefined(ctx)
}

fn generated_image<'js>(ctx: &Ctx<'js>, shared: &Shared, arguments: &[Value<'js>]) -> Result<Value<'js>, Failure> {
    let value = argument(ctx, arguments, 0);
    let hint = output::output_hint(&value)?;
    send_output(shared, output::image(&value, None)?)?;
    if let Some(text) = hint {
        send_output(shared, FunctionCallOutputContentItem::InputText { text })?;
    }
    undefined(ctx)
}

fn store<'js>(ctx: &Ctx<'js>, shared: &Shared, arguments: &[Value<'js>]) -> Result<Value<'js>, Failure> {
    let key = values::coerced_string(ctx, &argument(ctx, arguments, 0))?;
    let Some(json) = values::json_text(ctx, &argument(ctx, arguments, 1))? else {
        return Err(Failure::Text(format!("Unable to store {key:?}. Only plain serializable objects can be stored.")));
    };
    shared.state.borrow_mut().stored.set(key, json)?;
    undefined(ctx)
}

fn load<'js>(ctx: &Ctx<'js>, shared: &Shared, arguments: &[Value<'js>]) -> Result<Value<'js>, Failure> {
    let key = values::coerced_string(ctx, &argument(ctx, arguments, 0))?;
    let json = shared.state.borrow().stored.get(&key);
    match json {
        Some(json) => Ok(values::parse_json(ctx, json.json.clone())?),
        None => undefined(ctx),
    }
}

fn notify<'js>(ctx: &Ctx<'js>, shared: &Shared, arguments: &[Value<'js>]) -> Result<Value<'js>, Failure> {
    let text = printed(ctx, &argument(ctx, arguments, 0))?;
    if text.trim().is_empty() {
        return Err("notify expects non-empty text".into());
    }
    {
        let mut state = shared.state.borrow_mut();
        state.notified += 1;
        if state.notified > limits::CALLS {
            return Err(Failure::Text(format!("too many notifications: a script may send {} at once", limits::CALLS)));
        }
    }
    shared.control.hold(text.len())?;
    shared.send(Event::Notify { text });
    undefined(ctx)
}

fn set_timeout<'js>(ctx: &Ctx<'js>, shared: &Shared, arguments: &[Value<'js>]) -> Result<Value<'js>, Failure> {
    let callback = argument(ctx, arguments, 0);
    let callback = callback.as_function().ok_or("setTimeout expects a function callback")?;
    let Coerced(delay) = Coerced::<f64>::from_js(ctx, argument(ctx, arguments, 1))?;
    let id = shared.state.borrow_mut().timeouts.add(Persistent::save(ctx, callback.clone()), delay)?;
    Ok((id as f64).into_js(ctx)?)
}

fn clear_timeout<'js>(ctx: &Ctx<'js>, shared: &Shared, arguments: &[Value<'js>]) -> Result<Value<'js>, Failure> {
    let id = argument(ctx, arguments, 0);
    if id.is_undefined() || id.is_null() {
        return undefined(ctx);
    }
    let Coerced(id) = Coerced::<f64>::from_js(ctx, id)?;
    if id >= 1.0 {
        let taken = shared.state.borrow_mut().timeouts.take(id as u64);
        drop(taken);
    }
    undefined(ctx)
}

fn yield_control<'js>(ctx: &Ctx<'js>, shared: &Shared, _: &[Value<'js>]) -> Result<Value<'js>, Failure> {
    shared.send(Event::Yield);
    undefined(ctx)
}

fn exit<'js>(ctx: &Ctx<'js>, shared: &Shared, _: &[Value<'js>]) -> Result<Value<'js>, Failure> {
    shared.control.exit();
    Err(Failure::Thrown(throw_uncatchable(ctx)))
}

/// Throws what no `catch` and no `finally` sees.
fn throw_uncatchable(ctx: &Ctx<'_>) -> rquickjs::Error {
    match Exception::from_message(ctx.clone(), "the script is over") {
        Ok(exception) => {
            // SAFETY: an error object of this context.
            unsafe { qjs::JS_SetUncatchableError(ctx.as_raw().as_ptr(), exception.as_object().as_raw()) };
            exception.throw()
        }
        Err(error) => error,
    }
}
