// Run in each runtime before the script. What it needs of the global scope it takes here, so that nothing a script does later matters.
// `loadIntl` gives the code that formats by locale, which takes a while to load.
(loadIntl) => {
    const { apply, defineProperty, getOwnPropertyDescriptor } = Reflect;
    const { isArray } = Array;
    const Object = globalThis.Object;
    const spreadable = Symbol.isConcatSpreadable;

    // `stack` as V8 has it: the error first, then the frames.
    const { get, set } = getOwnPropertyDescriptor(Error.prototype, "stack");
    const toString = Error.prototype.toString;
    defineProperty(Error.prototype, "stack", {
        configurable: true,
        set,
        get() {
            const frames = apply(get, this, []);
            if (typeof frames !== "string") return frames;
            let header;
            try {
                header = apply(toString, this, []);
            } catch {
                return frames;
            }
            return frames === "" ? header : `${header}\n${frames}`;
        },
    });

    // The engine keeps whatever it is set to, for good; only numbers mean something.
    const limit = getOwnPropertyDescriptor(Error, "stackTraceLimit");
    defineProperty(Error, "stackTraceLimit", {
        configurable: false,
        get: limit.get,
        set(value) {
            if (typeof value === "number") apply(limit.set, Error, [value]);
        },
    });

    // These go through all indices without a look at whether the script is to stop. What an array can have ends at some time; what other
    // objects claim to have may not, so they are kept from lengths for which there is no memory anyway.
    const longest = 2 ** 25;
    const check = (value, name) => {
        if (value !== null && value !== undefined && value.length > longest) {
            throw new RangeError(`${name}: the length is beyond ${longest}`);
        }
    };
    const names = ["concat", "copyWithin", "fill", "flat", "flatMap", "join", "reverse", "shift", "slice", "sort", "splice", "toLocaleString", "toString", "unshift"];
    for (const name of names) {
        const native = Array.prototype[name];
        const what = `Array.prototype.${name}`;
        const { [name]: value } = {
            [name](...values) {
                if (!isArray(this)) check(this, what);
                return apply(native, this, values);
            },
        };
        defineProperty(value, "length", { value: native.length, configurable: true });
        defineProperty(Array.prototype, name, { value, writable: true, configurable: true });
    }
    const { concat } = Array.prototype;
    const checked = {
        concat(...items) {
            for (let index = 0; index < items.length; index++) {
                const item = items[index];
                if (Object(item) === item && !isArray(item) && item[spreadable]) check(item, "Array.prototype.concat");
            }
            return apply(concat, this, items);
        },
        raw(strings, ...values) {
            check(strings?.raw, "String.raw");
            return apply(raw, String, [strings, ...values]);
        },
    };
    const { raw } = String;
    for (const [target, name] of [[Array.prototype, "concat"], [String, "raw"]]) {
        const value = checked[name];
        defineProperty(value, "length", { value: 1, configurable: true });
        defineProperty(target, name, { value, writable: true, configurable: true });
    }

    let loaded;
    const intl = () => (loaded ??= loadIntl());
    defineProperty(globalThis, "Intl", {
        configurable: true,
        get: () => intl().Intl,
        set: (value) => defineProperty(globalThis, "Intl", { value, writable: true, enumerable: false }),
    });
    const { getTime } = Date.prototype;
    const [numberOf, bigintOf, stringOf] = [Number.prototype.valueOf, BigInt.prototype.valueOf, String];
    const method = (target, object) => {
        for (const name of Object.keys(object)) {
            defineProperty(object[name], "length", { value: name === "localeCompare" ? 1 : 0, configurable: true });
            defineProperty(target, name, { value: object[name], writable: true, configurable: true });
        }
    };
    method(Date.prototype, {
        toLocaleString(locales, options) {
            apply(getTime, this, []);
            return intl().dateToLocale(this, locales, options, "any", "all");
        },
        toLocaleDateString(locales, options) {
            apply(getTime, this, []);
            return intl().dateToLocale(this, locales, options, "date", "date");
        },
        toLocaleTimeString(locales, options) {
            apply(getTime, this, []);
            return intl().dateToLocale(this, locales, options, "time", "time");
        },
    });
    method(Number.prototype, {
        toLocaleString(locales, options) {
            return intl().numberToLocale(apply(numberOf, this, []), locales, options);
        },
    });
    method(BigInt.prototype, {
        toLocaleString(locales, options) {
            return intl().numberToLocale(apply(bigintOf, this, []), locales, options);
        },
    });
    method(String.prototype, {
        localeCompare(other, locales, options) {
            if (this === null || this === undefined) throw new TypeError("String.prototype.localeCompare called on null or undefined");
            return intl().localeCompare(stringOf(this), stringOf(other), locales, options);
        },
    });
    const { toUpperCase, toLowerCase } = String.prototype;
    const own = (locales, name) => {
        // The languages that have rules of their own for capitals.
        for (const locale of typeof locales === "string" ? [locales] : isArray(locales) ? locales : []) {
            if (["tr", "az", "lt", "el", "hy"].includes(stringOf(locale).toLowerCase().split("-")[0])) {
                throw new RangeError(`String.prototype.${name}: ${locale} is not supported here`);
            }
        }
    };
    method(String.prototype, {
        toLocaleUpperCase(locales) {
            own(locales, "toLocaleUpperCase");
            return apply(toUpperCase, this, []);
        },
        toLocaleLowerCase(locales) {
            own(locales, "toLocaleLowerCase");
            return apply(toLowerCase, this, []);
        },
    });
}
