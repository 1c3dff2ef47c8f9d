//! The order of words, and lists of them.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::rc::Rc;

use icu_collator::CollatorBorrowed;
use icu_collator::CollatorPreferences;
use icu_collator::options::AlternateHandling;
use icu_collator::options::CaseLevel;
use icu_collator::options::CollatorOptions;
use icu_collator::options::Strength;
use icu_collator::preferences::CollationCaseFirst;
use icu_collator::preferences::CollationNumericOrdering;
use icu_list::ListFormatter;
use icu_list::options::ListFormatterOptions;
use icu_list::options::ListLength;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CollatorSpecification {
    locale: String,
    sensitivity: String,
    ignore_punctuation: bool,
    numeric: bool,
    case_first: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListSpecification {
    locale: String,
    r#type: String,
    style: String,
}

thread_local! {
    static COLLATORS: RefCell<HashMap<String, Rc<CollatorBorrowed<'static>>>> = RefCell::default();
    static LISTS: RefCell<HashMap<String, Rc<ListFormatter>>> = RefCell::default();
}

/// -1, 0 or 1: whether one text comes before the other.
pub(super) fn compare(specification: &str, left: &str, right: &str) -> Result<String, String> {
    let collator = super::cached(&COLLATORS, specification, || {
        let specification: CollatorSpecification = super::read(specification)?;
        let mut preferences = CollatorPreferences::from(&super::locale(&specification.locale)?);
        if specification.numeric {
            preferences.numeric_ordering = Some(CollationNumericOrdering::True);
        }
        match specification.case_first.as_str() {
            "upper" => preferences.case_first = Some(CollationCaseFirst::Upper),
            "lower" => preferences.case_first = Some(CollationCaseFirst::Lower),
            _ => {}
        }
        let mut options = CollatorOptions::default();
        let (strength, case_level) = match specification.sensitivity.as_str() {
            "base" => (Strength::Primary, CaseLevel::Off),
            "accent" => (Strength::Secondary, CaseLevel::Off),
            "case" => (Strength::Primary, CaseLevel::On),
            _ => (Strength::Tertiary, CaseLevel::Off),
        };
        options.strength = Some(strength);
        options.case_level = Some(case_level);
        if specification.ignore_punctuation {
            options.alternate_handling = Some(AlternateHandling::Shifted);
        }
        CollatorBorrowed::try_new(preferences, options)
            .map_err(|error| format!("Intl.Collator: {} is not supported here ({error})", specification.locale))
    })?;
    Ok(match collator.compare(left, right) {
        Ordering::Less => "-1",
        Ordering::Equal => "0",
        Ordering::Greater => "1",
    }
    .to_string())
}

/// The items, JSON of an array of strings, as a list.
pub(super) fn list(specification: &str, items: &str) -> Result<String, String> {
    let formatter = super::cached(&LISTS, specification, || {
        let specification: ListSpecification = super::read(specification)?;
        let preferences = (&super::locale(&specification.locale)?).into();
        let length = match specification.style.as_str() {
            "short" => ListLength::Short,
            "narrow" => ListLength::Narrow,
            _ => ListLength::Wide,
        };
        let options = ListFormatterOptions::default().with_length(length);
        match specification.r#type.as_str() {
            "disjunction" => ListFormatter::try_new_or(preferences, options),
            "unit" => ListFormatter::try_new_unit(preferences, options),
            _ => ListFormatter::try_new_and(preferences, options),
        }
        .map_err(|error| format!("Intl.ListFormat: {} is not supported here ({error})", specification.locale))
    })?;
    let items: Vec<String> = super::read(items)?;
    Ok(formatter.format(items.iter()).to_string())
}
