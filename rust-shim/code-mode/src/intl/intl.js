// The `Intl` object on top of `native`, whose functions take a specification (the resolved options as JSON) and throw RangeError.
(native) => {
    "use strict";
    const { stringify, parse } = JSON;
    const { isArray } = Array;
    const { apply, defineProperty, ownKeys } = Reflect;
    const getTime = Date.prototype.getTime;
    const DEFAULT_LOCALE = "en-US";

    const unsupported = (what) => {
        throw new RangeError(`${what} is not supported here`);
    };

    const canonicalLocales = (locales) => {
        if (locales === undefined) return [];
        const list = typeof locales === "string" || locales instanceof Locale ? [locales] : Array.from(Object(locales));
        const result = [];
        for (const item of list) {
            if (typeof item !== "string" && (typeof item !== "object" || item === null)) {
                throw new TypeError("Incorrect locale information provided");
            }
            const tag = native.locale(String(item));
            if (!result.includes(tag)) result.push(tag);
        }
        return result;
    };
    const resolveLocale = (locales) => canonicalLocales(locales)[0] ?? DEFAULT_LOCALE;

    const optionsObject = (options) => {
        if (options === undefined) return Object.create(null);
        if (options === null) throw new TypeError("Cannot convert undefined or null to object");
        return Object(options);
    };
    const text = (options, name, allowed, fallback) => {
        const value = options[name];
        if (value === undefined) return fallback;
        const string = String(value);
        if (allowed !== undefined && !allowed.includes(string)) {
            throw new RangeError(`Value ${string} out of range for Intl options property ${name}`);
        }
        return string;
    };
    const flag = (options, name, fallback) => (options[name] === undefined ? fallback : Boolean(options[name]));
    const integer = (options, name, least, most, fallback) => {
        const value = options[name];
        if (value === undefined) return fallback;
        const number = Number(value);
        if (!(number >= least && number <= most)) throw new RangeError(`${name} value is out of range.`);
        return Math.floor(number);
    };
    const without = (record) => {
        for (const key of ownKeys(record)) if (record[key] === undefined) delete record[key];
        return record;
    };
    const tag = (constructor, name) => {
        defineProperty(constructor.prototype, Symbol.toStringTag, { value: `Intl.${name}`, configurable: true });
        defineProperty(constructor, "supportedLocalesOf", {
            value: (locales) => canonicalLocales(locales),
            writable: true,
            configurable: true,
        });
        // As by the standard, these may be called without `new`.
        return ["DateTimeFormat", "NumberFormat", "Collator"].includes(name)
            ? new Proxy(constructor, { apply: (target, _, values) => new target(...values) })
            : constructor;
    };

    class Locale {
        #tag;
        constructor(locale, options) {
            if (typeof locale !== "string" && !(locale instanceof Locale)) {
                throw new TypeError("First argument to Intl.Locale constructor can't be empty or missing");
            }
            if (options !== undefined) unsupported("Intl.Locale with options");
            this.#tag = native.locale(String(locale));
        }
        toString() {
            return this.#tag;
        }
        get baseName() {
            return this.#tag.split(/-(?=[a-z0-9]-)/i)[0];
        }
        get language() {
            return this.#tag.split("-")[0];
        }
        get region() {
            return this.baseName.split("-").slice(1).find((part) => /^([a-z]{2}|[0-9]{3})$/i.test(part));
        }
        get script() {
            return this.baseName.split("-").slice(1).find((part) => /^[a-z]{4}$/i.test(part));
        }
    }

    const DATE_FIELDS = ["weekday", "year", "month", "day"];
    const TIME_FIELDS = ["hour", "minute", "second", "fractionalSecondDigits"];
    const dateOptions = (locales, given, required, defaults) => {
        const options = optionsObject(given);
        const record = { locale: resolveLocale(locales) };
        text(options, "localeMatcher", ["lookup", "best fit"]);
        if (text(options, "calendar") !== undefined && text(options, "calendar") !== "gregory") unsupported("Intl.DateTimeFormat: another calendar");
        if (text(options, "numberingSystem") !== undefined && text(options, "numberingSystem") !== "latn") {
            unsupported("Intl.DateTimeFormat: another numbering system");
        }
        record.hour12 = flag(options, "hour12");
        record.hourCycle = text(options, "hourCycle", ["h11", "h12", "h23", "h24"]);
        record.timeZone = options.timeZone === undefined ? native.timeZone() : native.checkTimeZone(String(options.timeZone));
        record.weekday = text(options, "weekday", ["narrow", "short", "long"]);
        record.era = text(options, "era", ["narrow", "short", "long"]);
        record.year = text(options, "year", ["2-digit", "numeric"]);
        record.month = text(options, "month", ["2-digit", "numeric", "narrow", "short", "long"]);
        record.day = text(options, "day", ["2-digit", "numeric"]);
        if (text(options, "dayPeriod", ["narrow", "short", "long"]) !== undefined) unsupported("Intl.DateTimeFormat: dayPeriod");
        record.hour = text(options, "hour", ["2-digit", "numeric"]);
        record.minute = text(options, "minute", ["2-digit", "numeric"]);
        record.second = text(options, "second", ["2-digit", "numeric"]);
        record.fractionalSecondDigits = integer(options, "fractionalSecondDigits", 1, 3);
        record.timeZoneName = text(options, "timeZoneName", ["short", "long", "shortOffset", "longOffset", "shortGeneric", "longGeneric"]);
        record.dateStyle = text(options, "dateStyle", ["full", "long", "medium", "short"]);
        record.timeStyle = text(options, "timeStyle", ["full", "long", "medium", "short"]);
        const named = (fields) => fields.some((field) => record[field] !== undefined);
        if (record.dateStyle !== undefined || record.timeStyle !== undefined) {
            if (named(DATE_FIELDS) || named(TIME_FIELDS) || record.era !== undefined || record.timeZoneName !== undefined) {
                throw new TypeError("Can't set option of a field when dateStyle or timeStyle is used");
            }
            if (required === "date" && record.timeStyle !== undefined) throw new TypeError("Invalid option : timeStyle");
            if (required === "time" && record.dateStyle !== undefined) throw new TypeError("Invalid option : dateStyle");
        } else {
            const enough = (required !== "time" && named(DATE_FIELDS)) || (required !== "date" && named(TIME_FIELDS));
            if (!enough) {
                if (defaults !== "time") record.year = record.month = record.day = "numeric";
                if (defaults !== "date") record.hour = record.minute = record.second = "numeric";
            }
        }
        return without(record);
    };
    const milliseconds = (date) => {
        const time = date === undefined ? Date.now() : Number(date);
        if (!(Math.abs(time) <= 8.64e15)) throw new RangeError("Invalid time value");
        return Math.trunc(time);
    };

    class DateTimeFormat {
        #specification;
        #format;
        constructor(locales, options) {
            this.#specification = stringify(dateOptions(locales, options, "any", "date"));
            native.date(this.#specification, 0);
        }
        get format() {
            return (this.#format ??= (date) => native.date(this.#specification, milliseconds(date)));
        }
        formatToParts(date) {
            return parse(native.dateParts(this.#specification, milliseconds(date)));
        }
        formatRange() {
            unsupported("Intl.DateTimeFormat.formatRange");
        }
        formatRangeToParts() {
            unsupported("Intl.DateTimeFormat.formatRangeToParts");
        }
        resolvedOptions() {
            const { locale, timeZone, ...rest } = parse(this.#specification);
            return { locale, calendar: "gregory", numberingSystem: "latn", timeZone, ...rest };
        }
    }
    const dateToLocale = (date, locales, options, required, defaults) => {
        const time = apply(getTime, date, []);
        if (Number.isNaN(time)) return "Invalid Date";
        return native.date(stringify(dateOptions(locales, options, required, defaults)), time);
    };

    const CURRENCY_DIGITS = { JPY: 0, KRW: 0, VND: 0, CLP: 0, ISK: 0, KWD: 3, BHD: 3, OMR: 3, TND: 3, JOD: 3 };
    const numberOptions = (locales, given) => {
        const options = optionsObject(given);
        const record = { locale: resolveLocale(locales) };
        text(options, "localeMatcher", ["lookup", "best fit"]);
        if (text(options, "numberingSystem") !== undefined && text(options, "numberingSystem") !== "latn") {
            unsupported("Intl.NumberFormat: another numbering system");
        }
        record.style = text(options, "style", ["decimal", "percent", "currency", "unit"], "decimal");
        const currency = text(options, "currency");
        if (currency !== undefined && !/^[a-z]{3}$/i.test(currency)) throw new RangeError(`Invalid currency code : ${currency}`);
        if (record.style === "currency") {
            if (currency === undefined) throw new TypeError("Currency code is required with currency style.");
            record.currency = currency.toUpperCase();
            const display = text(options, "currencyDisplay", ["code", "symbol", "narrowSymbol", "name"], "symbol");
            if (display !== "symbol") unsupported(`Intl.NumberFormat: currencyDisplay ${display}`);
            if (text(options, "currencySign", ["standard", "accounting"], "standard") !== "standard") {
                unsupported("Intl.NumberFormat: currencySign accounting");
            }
        }
        record.notation = text(options, "notation", ["standard", "scientific", "engineering", "compact"], "standard");
        if (record.notation === "compact" && text(options, "compactDisplay", ["short", "long"], "short") !== "short") {
            unsupported("Intl.NumberFormat: compactDisplay long");
        }
        const rounding = text(options, "roundingMode", undefined, "halfExpand");
        if (rounding !== "halfExpand") unsupported(`Intl.NumberFormat: roundingMode ${rounding}`);
        if (options.roundingIncrement !== undefined && Number(options.roundingIncrement) !== 1) unsupported("Intl.NumberFormat: roundingIncrement");
        if (text(options, "trailingZeroDisplay", undefined, "auto") !== "auto") unsupported("Intl.NumberFormat: trailingZeroDisplay");
        if (text(options, "roundingPriority", undefined, "auto") !== "auto") unsupported("Intl.NumberFormat: roundingPriority");
        record.minimumIntegerDigits = integer(options, "minimumIntegerDigits", 1, 21, 1);
        const digits = record.style === "currency" ? (CURRENCY_DIGITS[record.currency] ?? 2) : 0;
        const compact = record.notation === "compact";
        const leastDefault = compact ? 0 : digits;
        const mostDefault = compact ? 0 : record.style === "decimal" ? 3 : digits;
        const least = integer(options, "minimumFractionDigits", 0, 100);
        const most = integer(options, "maximumFractionDigits", 0, 100);
        if (least !== undefined && most !== undefined && least > most) throw new RangeError("maximumFractionDigits value is out of range.");
        record.minimumFractionDigits = least ?? Math.min(leastDefault, most ?? leastDefault);
        record.maximumFractionDigits = most ?? Math.max(mostDefault, record.minimumFractionDigits);
        const leastSignificant = integer(options, "minimumSignificantDigits", 1, 21);
        const mostSignificant = integer(options, "maximumSignificantDigits", leastSignificant ?? 1, 21);
        if (leastSignificant !== undefined || mostSignificant !== undefined) {
            record.minimumSignificantDigits = leastSignificant ?? 1;
            record.maximumSignificantDigits = mostSignificant ?? 21;
        }
        if (compact) {
            if (least !== undefined || most !== undefined || record.maximumSignificantDigits !== undefined) {
                unsupported("Intl.NumberFormat: notation compact with a number of digits");
            }
            record.maximumFractionDigits = 1;
        }
        const grouping = options.useGrouping;
        record.useGrouping =
            grouping === undefined ? "auto" : grouping === true || grouping === "true" ? "always" : !grouping || grouping === "false" ? "false" : String(grouping);
        if (!["min2", "auto", "always", "false"].includes(record.useGrouping)) {
            throw new RangeError(`Value ${record.useGrouping} out of range for Intl.NumberFormat options property useGrouping`);
        }
        record.signDisplay = text(options, "signDisplay", ["auto", "never", "always", "exceptZero", "negative"], "auto");
        return without(record);
    };
    const numeral = (value) => {
        if (typeof value === "bigint") return String(value);
        if (typeof value === "string" && /^\s*[-+]?\d+(\.\d+)?\s*$/.test(value)) return value.trim().replace("+", "");
        const number = Number(value);
        return Object.is(number, -0) ? "-0" : String(number);
    };

    class NumberFormat {
        #specification;
        #format;
        constructor(locales, options) {
            this.#specification = stringify(numberOptions(locales, options));
            native.number(this.#specification, "0");
        }
        get format() {
            return (this.#format ??= (value) => native.number(this.#specification, numeral(value)));
        }
        formatToParts() {
            unsupported("Intl.NumberFormat.formatToParts");
        }
        formatRange() {
            unsupported("Intl.NumberFormat.formatRange");
        }
        resolvedOptions() {
            const { locale, ...rest } = parse(this.#specification);
            return { locale, numberingSystem: "latn", ...rest };
        }
    }
    const numberToLocale = (value, locales, options) => native.number(stringify(numberOptions(locales, options)), numeral(value));

    class PluralRules {
        #specification;
        constructor(locales, given) {
            const options = optionsObject(given);
            const ordinal = text(options, "type", ["cardinal", "ordinal"], "cardinal") === "ordinal";
            for (const name of ["minimumFractionDigits", "minimumSignificantDigits", "minimumIntegerDigits"]) {
                if (options[name] !== undefined) unsupported(`Intl.PluralRules: ${name}`);
            }
            this.#specification = stringify({ locale: resolveLocale(locales), ordinal });
            native.plural(this.#specification, "0");
        }
        select(value) {
            return native.plural(this.#specification, numeral(Number(value)));
        }
        selectRange() {
            unsupported("Intl.PluralRules.selectRange");
        }
        resolvedOptions() {
            const { locale, ordinal } = parse(this.#specification);
            return { locale, type: ordinal ? "ordinal" : "cardinal" };
        }
    }

    const collatorOptions = (locales, given) => {
        const options = optionsObject(given);
        text(options, "usage", ["sort", "search"]);
        if (text(options, "collation") !== undefined) unsupported("Intl.Collator: another collation");
        return stringify({
            locale: resolveLocale(locales),
            sensitivity: text(options, "sensitivity", ["base", "accent", "case", "variant"], "variant"),
            ignorePunctuation: flag(options, "ignorePunctuation", false),
            numeric: flag(options, "numeric", false),
            caseFirst: text(options, "caseFirst", ["upper", "lower", "false"], "false"),
        });
    };
    class Collator {
        #specification;
        #compare;
        constructor(locales, options) {
            this.#specification = collatorOptions(locales, options);
            native.compare(this.#specification, "", "");
        }
        get compare() {
            return (this.#compare ??= (left, right) => Number(native.compare(this.#specification, String(left), String(right))));
        }
        resolvedOptions() {
            return { ...parse(this.#specification), usage: "sort", collation: "default" };
        }
    }
    const plainCollator = collatorOptions();
    const localeCompare = (left, right, locales, options) => {
        const specification = locales === undefined && options === undefined ? plainCollator : collatorOptions(locales, options);
        return Number(native.compare(specification, left, right));
    };

    class ListFormat {
        #specification;
        constructor(locales, given) {
            const options = optionsObject(given);
            this.#specification = stringify({
                locale: resolveLocale(locales),
                type: text(options, "type", ["conjunction", "disjunction", "unit"], "conjunction"),
                style: text(options, "style", ["long", "short", "narrow"], "long"),
            });
            native.list(this.#specification, "[]");
        }
        format(items) {
            const list = Array.from(items ?? []);
            for (const item of list) if (typeof item !== "string") throw new TypeError("Iterable yielded a non-String value");
            return native.list(this.#specification, stringify(list));
        }
        formatToParts() {
            unsupported("Intl.ListFormat.formatToParts");
        }
        resolvedOptions() {
            return parse(this.#specification);
        }
    }

    const UNITS = ["second", "minute", "hour", "day", "week", "month", "quarter", "year"];
    // The words of `numeric: "auto"` in English, by unit: -1, 0, 1.
    const AUTO = {
        second: [, "now", ,],
        minute: [, "this minute", ,],
        hour: [, "this hour", ,],
        day: ["yesterday", "today", "tomorrow"],
        week: ["last week", "this week", "next week"],
        month: ["last month", "this month", "next month"],
        quarter: ["last quarter", "this quarter", "next quarter"],
        year: ["last year", "this year", "next year"],
    };
    class RelativeTimeFormat {
        #options;
        #numbers;
        constructor(locales, given) {
            const options = optionsObject(given);
            const locale = resolveLocale(locales);
            const style = text(options, "style", ["long", "short", "narrow"], "long");
            const numeric = text(options, "numeric", ["always", "auto"], "always");
            if (!/^en(-|$)/.test(locale)) unsupported(`Intl.RelativeTimeFormat: ${locale}`);
            if (style !== "long") unsupported(`Intl.RelativeTimeFormat: style ${style}`);
            this.#options = { locale, style, numeric, numberingSystem: "latn" };
            this.#numbers = new NumberFormat(locale);
        }
        format(value, unit) {
            const number = Number(value);
            const name = String(unit).replace(/s$/, "");
            if (!UNITS.includes(name)) throw new RangeError(`Invalid unit argument for format() '${unit}'`);
            if (!Number.isFinite(number)) throw new RangeError("Invalid number value");
            if (this.#options.numeric === "auto") {
                const word = AUTO[name][number + 1];
                if (word !== undefined) return word;
            }
            const past = number < 0 || Object.is(number, -0);
            const amount = Math.abs(number);
            const words = `${this.#numbers.format(amount)} ${name}${amount === 1 ? "" : "s"}`;
            return past ? `${words} ago` : `in ${words}`;
        }
        formatToParts() {
            unsupported("Intl.RelativeTimeFormat.formatToParts");
        }
        resolvedOptions() {
            return { ...this.#options };
        }
    }

    const absent = (name) =>
        class {
            constructor() {
                unsupported(`Intl.${name}`);
            }
        };
    const Intl = {
        getCanonicalLocales: canonicalLocales,
        supportedValuesOf: () => unsupported("Intl.supportedValuesOf"),
        DateTimeFormat: tag(DateTimeFormat, "DateTimeFormat"),
        NumberFormat: tag(NumberFormat, "NumberFormat"),
        PluralRules: tag(PluralRules, "PluralRules"),
        Collator: tag(Collator, "Collator"),
        ListFormat: tag(ListFormat, "ListFormat"),
        RelativeTimeFormat: tag(RelativeTimeFormat, "RelativeTimeFormat"),
        Locale,
        DisplayNames: absent("DisplayNames"),
        DurationFormat: absent("DurationFormat"),
        Segmenter: absent("Segmenter"),
    };
    for (const key of ownKeys(Intl)) defineProperty(Intl, key, { enumerable: false });
    defineProperty(Intl, Symbol.toStringTag, { value: "Intl", configurable: true });
    return { Intl, dateToLocale, numberToLocale, localeCompare };
}
