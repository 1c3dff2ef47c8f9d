//! Dates, numbers and words by locale.

use codex_capi_code_mode_tests::run;

/// Expressions and what V8 with ICU gives for them.
const SAME: &[(&str, &str)] = &[
    // The French one is a test of the engine's own runtime.
    (
        "new Date('2025-01-02T03:04:05Z').toLocaleString('fr-FR', { weekday: 'long', month: 'long', day: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false, timeZone: 'UTC' })",
        "jeudi 2 janvier à 03:04:05",
    ),
    ("new Date('2025-01-02T15:04:05Z').toLocaleString('en-US', { timeZone: 'UTC' })", "1/2/2025, 3:04:05\u{202f}PM"),
    ("new Date('2025-01-02T15:04:05Z').toLocaleDateString('en-US', { timeZone: 'UTC' })", "1/2/2025"),
    ("new Date('2025-01-02T15:04:05Z').toLocaleTimeString('en-US', { timeZone: 'UTC' })", "3:04:05\u{202f}PM"),
    ("new Date('2025-01-02T15:04:05Z').toLocaleDateString('en-GB', { timeZone: 'UTC' })", "02/01/2025"),
    (
        "new Date('2025-01-02T15:04:05Z').toLocaleDateString('en-US', { timeZone: 'UTC', year: 'numeric', month: '2-digit', day: '2-digit' })",
        "01/02/2025",
    ),
    (
        "new Date('2025-01-02T15:04:05Z').toLocaleDateString('en-US', { timeZone: 'UTC', year: 'numeric', month: 'long', day: 'numeric' })",
        "January 2, 2025",
    ),
    (
        "new Date('2025-01-02T15:04:05Z').toLocaleDateString('en-US', { timeZone: 'UTC', year: 'numeric', month: 'short', day: 'numeric' })",
        "Jan 2, 2025",
    ),
    ("new Date('2025-01-02T15:04:05Z').toLocaleDateString('en-US', { timeZone: 'UTC', weekday: 'long' })", "Thursday"),
    ("new Date('2025-01-02T15:04:05Z').toLocaleDateString('en-US', { timeZone: 'UTC', month: 'long', year: 'numeric' })", "January 2025"),
    ("new Date('2025-01-02T15:04:05Z').toLocaleDateString('de-DE', { timeZone: 'UTC', dateStyle: 'long' })", "2. Januar 2025"),
    (
        "new Date('2025-01-02T15:04:05Z').toLocaleTimeString('en-US', { timeZone: 'UTC', hour: '2-digit', minute: '2-digit' })",
        "03:04\u{202f}PM",
    ),
    (
        "new Date('2025-01-02T15:04:05Z').toLocaleTimeString('en-US', { timeZone: 'UTC', hour: '2-digit', minute: '2-digit', hour12: false })",
        "15:04",
    ),
    ("new Date('2025-01-02T15:04:05Z').toLocaleTimeString('en-US', { timeZone: 'UTC', hourCycle: 'h23' })", "15:04:05"),
    ("new Date('2025-07-02T15:04:05Z').toLocaleString('en-US', { timeZone: 'America/New_York' })", "7/2/2025, 11:04:05\u{202f}AM"),
    (
        "new Date('2025-07-02T15:04:05Z').toLocaleTimeString('en-US', { timeZone: 'America/New_York', timeZoneName: 'short' })",
        "11:04:05\u{202f}AM EDT",
    ),
    ("new Date('2025-01-02T15:04:05Z').toLocaleTimeString('en-US', { timeZone: 'UTC', timeZoneName: 'short' })", "3:04:05\u{202f}PM UTC"),
    ("new Date('2025-01-02T03:04:05Z').toLocaleDateString('ja-JP', { timeZone: 'Asia/Tokyo', dateStyle: 'long' })", "2025年1月2日"),
    ("new Date(NaN).toLocaleString()", "Invalid Date"),
    (
        "new Intl.DateTimeFormat('en-US', { timeZone: 'UTC' }).formatToParts(0).map((part) => part.type + '=' + part.value).join('|')",
        "month=1|literal=/|day=1|literal=/|year=1970",
    ),
    ("new Intl.DateTimeFormat('en', { timeZone: 'utc' }).resolvedOptions().timeZone", "UTC"),
    ("Intl.DateTimeFormat('EN-us', { timeZone: 'europe/paris' }).resolvedOptions().timeZone", "Europe/Paris"),
    ("typeof Intl.DateTimeFormat().resolvedOptions().timeZone", "string"),
    // Numbers.
    ("(1234567.891).toLocaleString()", "1,234,567.891"),
    ("(1234567.891).toLocaleString('de-DE')", "1.234.567,891"),
    ("(1234567.891).toLocaleString('fr-FR')", "1\u{202f}234\u{202f}567,891"),
    ("(1234567.891).toLocaleString('en-IN')", "12,34,567.891"),
    ("(1234.5).toLocaleString('en-US', { style: 'currency', currency: 'USD' })", "$1,234.50"),
    ("(-1234.5).toLocaleString('en-US', { style: 'currency', currency: 'usd' })", "-$1,234.50"),
    ("(1234.5).toLocaleString('de-DE', { style: 'currency', currency: 'EUR' })", "1.234,50\u{a0}€"),
    ("(1234.5).toLocaleString('ja-JP', { style: 'currency', currency: 'JPY' })", "\u{ffe5}1,235"),
    ("(0.256).toLocaleString('en-US', { style: 'percent' })", "26%"),
    ("(0.256).toLocaleString('en-US', { style: 'percent', minimumFractionDigits: 1 })", "25.6%"),
    ("(0.256).toLocaleString('de-DE', { style: 'percent' })", "26\u{a0}%"),
    ("(1.005).toLocaleString('en-US', { maximumFractionDigits: 2 })", "1.01"),
    ("(2).toLocaleString('en-US', { minimumFractionDigits: 2 })", "2.00"),
    ("(7).toLocaleString('en-US', { minimumIntegerDigits: 3 })", "007"),
    ("(123456).toLocaleString('en-US', { maximumSignificantDigits: 3 })", "123,000"),
    ("(1234).toLocaleString('en-US', { useGrouping: false })", "1234"),
    (
        "[999, 1234, 15300, 1e6, 2.55e9, 999999].map((n) => n.toLocaleString('en-US', { notation: 'compact' })).join()",
        "999,1.2K,15K,1M,2.6B,1M",
    ),
    ("12345678901234567890n.toLocaleString()", "12,345,678,901,234,567,890"),
    ("[NaN, Infinity, -Infinity, 0, -0, 1e21].map((n) => n.toLocaleString()).join('|')", "NaN|∞|-∞|0|-0|1,000,000,000,000,000,000,000"),
    ("new Intl.NumberFormat('en', { signDisplay: 'always' }).format(5)", "+5"),
    ("[3, 1].map(Intl.NumberFormat('en-US').format).join()", "3,1"),
    ("[1234.5, new Date(0)].toLocaleString !== undefined && [1234.5, 2].toLocaleString()", "1,234.5,2"),
    // Words.
    ("[0, 1, 2, 1.5].map((n) => new Intl.PluralRules('en').select(n)).join()", "other,one,other,other"),
    ("[1, 2, 3, 4, 11, 21].map((n) => new Intl.PluralRules('en', { type: 'ordinal' }).select(n)).join()", "one,two,few,other,other,one"),
    ("[1, 2, 5].map((n) => new Intl.PluralRules('pl').select(n)).join()", "one,few,many"),
    ("['b', 'a', 'C', 'ä', 'A'].sort((a, b) => a.localeCompare(b)).join('')", "aAäbC"),
    ("['z', 'ä', 'a'].sort(new Intl.Collator('sv').compare).join('')", "azä"),
    ("['10', '9', '1'].sort(new Intl.Collator(undefined, { numeric: true }).compare).join()", "1,9,10"),
    ("'a'.localeCompare('A', undefined, { sensitivity: 'base' })", "0"),
    ("'résumé'.localeCompare('resume', 'en', { sensitivity: 'base' })", "0"),
    ("'a'.localeCompare('b')", "-1"),
    ("new Intl.ListFormat('en', { style: 'long', type: 'conjunction' }).format(['a', 'b', 'c'])", "a, b, and c"),
    ("new Intl.ListFormat('de', { type: 'disjunction' }).format(['a', 'b'])", "a oder b"),
    ("new Intl.RelativeTimeFormat('en').format(-1, 'day')", "1 day ago"),
    ("new Intl.RelativeTimeFormat('en', { numeric: 'auto' }).format(-1, 'day')", "yesterday"),
    ("new Intl.RelativeTimeFormat('en').format(1500, 'minutes')", "in 1,500 minutes"),
    ("Intl.getCanonicalLocales(['EN-us', 'de-de']).join()", "en-US,de-DE"),
    ("new Intl.Locale('zh-hant-tw').region + new Intl.Locale('zh-hant-tw').script", "TWHant"),
    ("Object.prototype.toString.call(Intl) + typeof Intl.Segmenter", "[object Intl]function"),
    ("'I'.toLocaleLowerCase() + 'i'.toLocaleUpperCase('de')", "iI"),
];

/// Expressions that are refused, and how the errors begin.
const REFUSED: &[(&str, &str)] = &[
    ("new Date(0).toLocaleString('en', { timeZone: 'Mars/Olympus' })", "RangeError: Invalid time zone specified: Mars/Olympus"),
    ("new Date(0).toLocaleString('not a locale')", "RangeError: Incorrect locale information provided: not a locale"),
    ("new Date(0).toLocaleString('en', { month: 'huge' })", "RangeError: Value huge out of range for Intl options property month"),
    ("new Date(0).toLocaleString('en', { calendar: 'hebrew' })", "RangeError: Intl.DateTimeFormat: another calendar is not supported here"),
    (
        "new Date(0).toLocaleDateString('en', { year: 'numeric', day: 'numeric' })",
        "RangeError: Intl.DateTimeFormat: a date of year and day alone is not supported here",
    ),
    ("new Date(0).toLocaleDateString('en', { timeStyle: 'short' })", "TypeError: Invalid option : timeStyle"),
    ("new Date(0).toLocaleString('en', { dateStyle: 'short', year: 'numeric' })", "TypeError: Can't set option"),
    ("new Intl.DateTimeFormat('en').format(NaN)", "RangeError: Invalid time value"),
    ("(1).toLocaleString('en', { style: 'unit', unit: 'liter' })", "RangeError: Intl.NumberFormat: style unit is not supported here"),
    ("(1).toLocaleString('en', { style: 'currency' })", "TypeError: Currency code is required with currency style."),
    (
        "(1).toLocaleString('fr-FR', { style: 'currency', currency: 'USD' })",
        "RangeError: Intl.NumberFormat: currency USD for fr-FR is not supported here",
    ),
    ("(1).toLocaleString('de', { notation: 'compact' })", "RangeError: Intl.NumberFormat: notation compact for de is not supported here"),
    ("(1).toLocaleString('en', { maximumFractionDigits: 101 })", "RangeError: maximumFractionDigits value is out of range."),
    ("new Intl.Segmenter('en')", "RangeError: Intl.Segmenter is not supported here"),
    ("new Intl.DisplayNames('en', { type: 'region' })", "RangeError: Intl.DisplayNames is not supported here"),
    ("new Intl.RelativeTimeFormat('fr').format(1, 'day')", "RangeError: Intl.RelativeTimeFormat: fr is not supported here"),
    ("'i'.toLocaleUpperCase('tr')", "RangeError: String.prototype.toLocaleUpperCase: tr is not supported here"),
    ("new Intl.ListFormat('en').format([1])", "TypeError: Iterable yielded a non-String value"),
];

#[tokio::test]
async fn formats() {
    let mut wrong = Vec::new();
    for (source, expected) in SAME {
        let texts = run(&format!("text({source})")).await;
        if texts != [*expected] {
            wrong.push(format!("{source}\n  {texts:?}\n  {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn refuses() {
    let mut wrong = Vec::new();
    for (source, expected) in REFUSED {
        let texts = run(&format!("text({source})")).await;
        if !texts[0].starts_with(&format!("error: {expected}")) {
            wrong.push(format!("{source}\n  {texts:?}\n  {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
