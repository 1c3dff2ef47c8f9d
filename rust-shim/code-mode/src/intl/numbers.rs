//! Numbers, and which form of a word goes with one.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use fixed_decimal::Decimal;
use fixed_decimal::Sign;
use fixed_decimal::SignDisplay;
use fixed_decimal::SignedRoundingMode;
use fixed_decimal::UnsignedRoundingMode;
use icu_decimal::DecimalFormatter;
use icu_decimal::options::DecimalFormatterOptions;
use icu_decimal::options::GroupingStrategy;
use icu_plurals::PluralCategory;
use icu_plurals::PluralRuleType;
use icu_plurals::PluralRules;
use serde::Deserialize;

/// The options of a formatter, all of them resolved.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Specification {
    locale: String,
    style: String,
    currency: Option<String>,
    sign_display: String,
    use_grouping: String,
    notation: String,
    minimum_integer_digits: i16,
    minimum_fraction_digits: i16,
    maximum_fraction_digits: i16,
    minimum_significant_digits: Option<i16>,
    maximum_significant_digits: Option<i16>,
}

struct Formatter {
    options: Specification,
    decimal: DecimalFormatter,
    affixes: Affixes,
}

/// What goes before and after the digits.
#[derive(Default)]
struct Affixes {
    before: String,
    after: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PluralSpecification {
    locale: String,
    ordinal: bool,
}

thread_local! {
    static FORMATTERS: RefCell<HashMap<String, Rc<Formatter>>> = RefCell::default();
    static RULES: RefCell<HashMap<String, Rc<PluralRules>>> = RefCell::default();
}

/// A number, in JavaScript's notation, as text.
pub(super) fn format(specification: &str, number: &str) -> Result<String, String> {
    let formatter = super::cached(&FORMATTERS, specification, || formatter(super::read(specification)?))?;
    let options = &formatter.options;
    let number = &number.replace("e+", "e");
    let (digits, negative) = match number.as_str() {
        "NaN" => ("NaN".to_string(), false),
        "Infinity" | "-Infinity" => ("∞".to_string(), number.starts_with('-')),
        _ => {
            let mut decimal = Decimal::try_from_str(number).map_err(|_| format!("{number} is not a number"))?;
            if options.style == "percent" {
                decimal.multiply_pow10(2);
            }
            let suffix = compact(&mut decimal, options);
            round(&mut decimal, options);
            let negative = decimal.sign() == Sign::Negative;
            let zero = decimal.absolute.is_zero();
            decimal.apply_sign_display(SignDisplay::Never);
            let text = format!("{}{}", formatter.decimal.format(&decimal), suffix);
            let negative = match options.sign_display.as_str() {
                "exceptZero" | "negative" => negative && !zero,
                _ => negative,
            };
            return Ok(signed(&formatter, &text, negative, zero));
        }
    };
    Ok(signed(&formatter, &digits, negative, false))
}

fn signed(formatter: &Formatter, digits: &str, negative: bool, zero: bool) -> String {
    let sign = match (formatter.options.sign_display.as_str(), negative) {
        ("never", _) => "",
        (_, true) => "-",
        ("always", false) => "+",
        ("exceptZero", false) if !zero => "+",
        _ => "",
    };
    format!("{sign}{}{digits}{}", formatter.affixes.before, formatter.affixes.after)
}

fn round(decimal: &mut Decimal, options: &Specification) {
    let mode = SignedRoundingMode::Unsigned(UnsignedRoundingMode::HalfExpand);
    if let Some(most) = options.maximum_significant_digits {
        let first = decimal.absolute.nonzero_magnitude_start();
        decimal.round_with_mode(first - most + 1, mode);
        decimal.absolute.trim_end();
        let least = options.minimum_significant_digits.unwrap_or(1);
        decimal.absolute.pad_end((decimal.absolute.nonzero_magnitude_start() - least + 1).min(0));
    } else {
        decimal.round_with_mode(-options.maximum_fraction_digits, mode);
        decimal.absolute.trim_end();
        decimal.absolute.pad_end(-options.minimum_fraction_digits);
    }
    decimal.absolute.pad_start(options.minimum_integer_digits);
}

/// Takes thousands out of a number of which only a few digits are shown; returns what stands for them.
fn compact(decimal: &mut Decimal, options: &Specification) -> &'static str {
    if options.notation != "compact" {
        return "";
    }
    let mode = SignedRoundingMode::Unsigned(UnsignedRoundingMode::HalfExpand);
    let first = decimal.absolute.nonzero_magnitude_start();
    // Two digits, or all of the whole part.
    decimal.round_with_mode((first - 1).min(first - first.rem_euclid(3)), mode);
    let first = decimal.absolute.nonzero_magnitude_start();
    let group = (first / 3).clamp(0, 4);
    decimal.multiply_pow10(-3 * group);
    ["", "K", "M", "B", "T"][group as usize]
}

fn formatter(options: Specification) -> Result<Formatter, String> {
    let locale = super::locale(&options.locale)?;
    let language = locale.id.language.to_string();
    let unsupported = |what: String| format!("Intl.NumberFormat: {what} is not supported here");
    let affixes = match options.style.as_str() {
        "decimal" => Affixes::default(),
        "percent" => percent(&language).ok_or_else(|| unsupported(format!("style percent for {}", options.locale)))?,
        "currency" => {
            let currency = options.currency.as_deref().unwrap_or_default();
            let region = locale.id.region.map(|region| region.to_string()).unwrap_or_default();
            currency_affixes(&language, &region, currency)
                .ok_or_else(|| unsupported(format!("currency {currency} for {}", options.locale)))?
        }
        style => return Err(unsupported(format!("style {style}"))),
    };
    match options.notation.as_str() {
        "standard" => {}
        "compact" if language == "en" && options.style != "percent" => {}
        notation => return Err(unsupported(format!("notation {notation} for {}", options.locale))),
    }
    let mut decimal_options = DecimalFormatterOptions::default();
    decimal_options.grouping_strategy = Some(match options.use_grouping.as_str() {
        "false" => GroupingStrategy::Never,
        "always" => GroupingStrategy::Always,
        "min2" => GroupingStrategy::Min2,
        _ if options.notation == "compact" => GroupingStrategy::Min2,
        _ => GroupingStrategy::Auto,
    });
    let decimal = DecimalFormatter::try_new((&locale).into(), decimal_options).map_err(|error| unsupported(error.to_string()))?;
    Ok(Formatter { options, decimal, affixes })
}

/// How languages write percentages, for those whose way was looked up.
fn percent(language: &str) -> Option<Affixes> {
    let after = match language {
        "en" | "zh" | "ja" | "ko" | "pt" | "it" | "nl" | "pl" | "id" | "th" | "vi" | "hi" | "uk" | "el" | "he" => "%",
        "de" | "es" | "sv" | "nb" | "no" | "da" | "fi" | "cs" | "ru" | "sk" | "ro" => "\u{a0}%",
        "fr" => "\u{202f}%",
        _ => return None,
    };
    Some(Affixes { before: String::new(), after: after.to_string() })
}

/// How languages write amounts of money, for the pairs that were looked up.
fn currency_affixes(language: &str, region: &str, currency: &str) -> Option<Affixes> {
    let before = |symbol: &str| Some(Affixes { before: symbol.to_string(), after: String::new() });
    let after = |symbol: &str| Some(Affixes { before: String::new(), after: format!("\u{a0}{symbol}") });
    match (language, currency) {
        ("en", "USD") if matches!(region, "" | "US") => before("$"),
        ("en", "GBP") => before("£"),
        ("en", "EUR") => before("€"),
        ("en", "JPY") if matches!(region, "" | "US") => before("¥"),
        ("en", "INR") => before("₹"),
        ("en", "KRW") => before("₩"),
        ("en", "CNY") if matches!(region, "" | "US") => before("CN¥"),
        ("en", "CAD") if matches!(region, "" | "US") => before("CA$"),
        ("en", "AUD") if matches!(region, "" | "US") => before("A$"),
        ("en", "BRL") if matches!(region, "" | "US") => before("R$"),
        ("en", "MXN") if matches!(region, "" | "US") => before("MX$"),
        ("en", "CHF") if matches!(region, "" | "US") => before("CHF\u{a0}"),
        ("de", "EUR") if matches!(region, "" | "DE") => after("€"),
        ("de", "USD") if matches!(region, "" | "DE") => after("$"),
        ("fr", "EUR") if matches!(region, "" | "FR") => after("€"),
        ("es", "EUR") if matches!(region, "" | "ES") => after("€"),
        ("it", "EUR") if matches!(region, "" | "IT") => after("€"),
        ("pt", "EUR") if region == "PT" => after("€"),
        ("pt", "BRL") if matches!(region, "" | "BR") => before("R$\u{a0}"),
        ("ja", "JPY") => before("\u{ffe5}"),
        ("zh", "CNY") if matches!(region, "" | "CN") => before("¥"),
        ("ko", "KRW") => before("₩"),
        _ => None,
    }
}

/// The plural category of a number, in JavaScript's notation.
pub(super) fn plural(specification: &str, number: &str) -> Result<String, String> {
    let rules = super::cached(&RULES, specification, || {
        let options: PluralSpecification = super::read(specification)?;
        let kind = if options.ordinal { PluralRuleType::Ordinal } else { PluralRuleType::Cardinal };
        PluralRules::try_new((&super::locale(&options.locale)?).into(), kind.into())
            .map_err(|error| format!("Intl.PluralRules: {} is not supported here ({error})", options.locale))
    })?;
    let Ok(mut decimal) = Decimal::try_from_str(&number.replace("e+", "e")) else {
        return Ok("other".to_string()); // not a number, infinite
    };
    decimal.round_with_mode(-3, SignedRoundingMode::Unsigned(UnsignedRoundingMode::HalfExpand));
    decimal.absolute.trim_end();
    let category = match rules.category_for(&decimal) {
        PluralCategory::Zero => "zero",
        PluralCategory::One => "one",
        PluralCategory::Two => "two",
        PluralCategory::Few => "few",
        PluralCategory::Many => "many",
        PluralCategory::Other => "other",
    };
    Ok(category.to_string())
}
