//! The part of `Intl` that scripts commonly use, on ICU4X. What is not there is refused with an error that says so.
//!
//! The classes are JavaScript (`intl.js`); they keep their options as JSON, a specification, and hand it to the functions here with each
//! value. The code is only loaded into a runtime whose script formats something.

mod dates;
mod numbers;
mod text;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use icu_locale::Locale;
use rquickjs::Ctx;
use rquickjs::Exception;
use rquickjs::Function;
use rquickjs::Object;
use rquickjs::Value;
use rquickjs::function::Rest;

use crate::values;

const CLASSES: &str = include_str!("intl.js");

/// Makes the `Intl` object and what the `toLocaleString` methods use.
pub(crate) fn load<'js>(ctx: &Ctx<'js>) -> rquickjs::Result<Value<'js>> {
    let native = Object::new(ctx.clone())?;
    define(&native, "locale", |arguments| locale(&arguments[0]).map(|locale| locale.to_string()))?;
    define(&native, "timeZone", |_| Ok(dates::system_time_zone()))?;
    define(&native, "checkTimeZone", |arguments| dates::check_time_zone(&arguments[0]))?;
    define(&native, "date", |arguments| dates::format(&arguments[0], &arguments[1]))?;
    define(&native, "dateParts", |arguments| dates::parts(&arguments[0], &arguments[1]))?;
    define(&native, "number", |arguments| numbers::format(&arguments[0], &arguments[1]))?;
    define(&native, "plural", |arguments| numbers::plural(&arguments[0], &arguments[1]))?;
    define(&native, "compare", |arguments| text::compare(&arguments[0], &arguments[1], &arguments[2]))?;
    define(&native, "list", |arguments| text::list(&arguments[0], &arguments[1]))?;
    ctx.eval::<Function<'js>, _>(CLASSES)?.call((native,))
}

/// A function of strings; its errors are thrown as `RangeError`.
fn define<'js>(target: &Object<'js>, name: &str, body: fn(&[String; 3]) -> Result<String, String>) -> rquickjs::Result<()> {
    let function = Function::new(target.ctx().clone(), move |ctx: Ctx<'js>, values: Rest<Value<'js>>| -> rquickjs::Result<String> {
        let mut arguments = <[String; 3]>::default();
        for (argument, value) in arguments.iter_mut().zip(&values.0) {
            *argument = values::coerced_string(&ctx, value)?;
        }
        body(&arguments).map_err(|error| Exception::throw_range(&ctx, &error))
    })?;
    target.set(name, function)
}

/// A locale by its tag, in its usual spelling.
fn locale(tag: &str) -> Result<Locale, String> {
    let mut locale = Locale::try_from_str(tag).map_err(|_| format!("Incorrect locale information provided: {tag}"))?;
    icu_locale::LocaleCanonicalizer::new_common().canonicalize(&mut locale);
    Ok(locale)
}

/// Makes what formats by a specification, or takes it from the last ones of this thread.
fn cached<T: 'static>(
    cache: &'static std::thread::LocalKey<RefCell<HashMap<String, Rc<T>>>>,
    specification: &str,
    make: impl FnOnce() -> Result<T, String>,
) -> Result<Rc<T>, String> {
    cache.with_borrow_mut(|cache| {
        if let Some(found) = cache.get(specification) {
            return Ok(Rc::clone(found));
        }
        let made = Rc::new(make()?);
        if cache.len() >= 8 {
            cache.clear();
        }
        cache.insert(specification.to_string(), Rc::clone(&made));
        Ok(made)
    })
}

fn read<'a, T: serde::Deserialize<'a>>(specification: &'a str) -> Result<T, String> {
    serde_json::from_str(specification).map_err(|error| format!("the options are not supported: {error}"))
}
