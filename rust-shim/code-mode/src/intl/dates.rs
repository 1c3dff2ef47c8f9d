//! Dates and times.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Write;
use std::rc::Rc;

use icu_datetime::DateTimeFormatter;
use icu_datetime::DateTimeFormatterPreferences;
use icu_datetime::fieldsets::builder::DateFields;
use icu_datetime::fieldsets::builder::FieldSetBuilder;
use icu_datetime::fieldsets::builder::ZoneStyle;
use icu_datetime::fieldsets::enums::CompositeFieldSet;
use icu_datetime::input::Date;
use icu_datetime::input::DateTime;
use icu_datetime::input::Time;
use icu_datetime::input::UtcOffset;
use icu_datetime::input::ZonedDateTime;
use icu_datetime::options::Length;
use icu_datetime::options::SubsecondDigits;
use icu_datetime::options::TimePrecision;
use icu_datetime::options::YearStyle;
use icu_datetime::parts;
use icu_datetime::preferences::HourCycle;
use icu_time::zone::IanaParser;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use writeable::Part;
use writeable::PartsWrite;
use writeable::Writeable;

/// The options of a formatter, all of them resolved.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Specification {
    locale: String,
    time_zone: String,
    date_style: Option<String>,
    time_style: Option<String>,
    weekday: Option<String>,
    era: Option<String>,
    year: Option<String>,
    month: Option<String>,
    day: Option<String>,
    hour: Option<String>,
    minute: Option<String>,
    second: Option<String>,
    fractional_second_digits: Option<u8>,
    time_zone_name: Option<String>,
    hour12: Option<bool>,
    hour_cycle: Option<String>,
}

struct Formatter {
    formatter: DateTimeFormatter<CompositeFieldSet>,
    zone: TimeZone,
    zone_id: icu_time::TimeZone,
    /// Fields that are to have two digits.
    two_digits: Vec<Part>,
}

thread_local! {
    static FORMATTERS: RefCell<HashMap<String, Rc<Formatter>>> = RefCell::default();
}

/// The time zone of this machine by its IANA name.
pub(super) fn system_time_zone() -> String {
    TimeZone::system().iana_name().and_then(|name| check_time_zone(name).ok()).unwrap_or_else(|| "UTC".to_string())
}

/// The usual spelling of a time zone's name.
pub(super) fn check_time_zone(name: &str) -> Result<String, String> {
    if ["utc", "gmt", "etc/utc", "etc/gmt"].contains(&name.to_ascii_lowercase().as_str()) {
        return Ok("UTC".to_string());
    }
    let zone = zone(name)?;
    Ok(zone.iana_name().unwrap_or(name).to_string())
}

fn zone(name: &str) -> Result<TimeZone, String> {
    if name == "UTC" {
        return Ok(TimeZone::UTC);
    }
    // The database that is built in: what a script prints does not depend on the machine.
    jiff::tz::TimeZoneDatabase::bundled().get(name).map_err(|_| format!("Invalid time zone specified: {name}"))
}

/// A time as text.
pub(super) fn format(specification: &str, milliseconds: &str) -> Result<String, String> {
    Ok(pieces(specification, milliseconds)?.into_iter().map(|(text, _)| text).collect())
}

/// A time as JSON of `formatToParts`.
pub(super) fn parts(specification: &str, milliseconds: &str) -> Result<String, String> {
    let pieces = pieces(specification, milliseconds)?;
    let parts = pieces.iter().map(|(text, part)| serde_json::json!({ "type": part.map_or("literal", name_of), "value": text }));
    serde_json::to_string(&parts.collect::<Vec<_>>()).map_err(|error| error.to_string())
}

fn name_of(part: Part) -> &'static str {
    match part {
        parts::WEEKDAY => "weekday",
        parts::ERA => "era",
        parts::YEAR => "year",
        parts::RELATED_YEAR => "relatedYear",
        parts::YEAR_NAME => "yearName",
        parts::MONTH => "month",
        parts::DAY => "day",
        parts::DAY_PERIOD => "dayPeriod",
        parts::HOUR => "hour",
        parts::MINUTE => "minute",
        parts::SECOND => "second",
        parts::TIME_ZONE_NAME => "timeZoneName",
        _ => "literal",
    }
}

fn pieces(specification: &str, milliseconds: &str) -> Result<Vec<(String, Option<Part>)>, String> {
    let formatter = super::cached(&FORMATTERS, specification, || formatter(&super::read(specification)?))?;
    let milliseconds = milliseconds.parse::<f64>().map_err(|_| "Invalid time value".to_string())?;
    let timestamp =
        Timestamp::from_millisecond(milliseconds as i64).map_err(|_| "dates beyond the year 9999 are not supported".to_string())?;
    let zoned = timestamp.to_zoned(formatter.zone.clone());
    let local = zoned.datetime();
    let invalid = |_| "Invalid time value".to_string();
    let date =
        Date::try_new_iso(i32::from(local.year()), local.month() as u8, local.day() as u8).map_err(|_| "Invalid time value".to_string())?;
    let time =
        Time::try_new(local.hour() as u8, local.minute() as u8, local.second() as u8, local.subsec_nanosecond() as u32).map_err(invalid)?;
    let datetime = DateTime { date, time };
    let offset = UtcOffset::try_from_seconds(zoned.offset().seconds()).map_err(|_| "Invalid time value".to_string())?;
    let zone = formatter.zone_id.with_offset(Some(offset)).at_date_time(datetime);
    let mut collector = Collector::default();
    formatter
        .formatter
        .format(&ZonedDateTime { date, time, zone })
        .write_to_parts(&mut collector)
        .map_err(|_| "the date could not be formatted".to_string())?;
    let mut pieces = collector.pieces;
    for (text, part) in &mut pieces {
        if part.is_some_and(|part| formatter.two_digits.contains(&part)) && text.chars().count() == 1 && text.is_ascii() {
            text.insert(0, '0');
        }
    }
    Ok(pieces)
}

fn formatter(options: &Specification) -> Result<Formatter, String> {
    let unsupported = |what: &str| format!("Intl.DateTimeFormat: {what} is not supported here");
    let mut builder = FieldSetBuilder::new();
    let mut two_digits = Vec::new();
    if options.date_style.is_some() || options.time_style.is_some() {
        if let Some(style) = &options.date_style {
            let (fields, length) = match style.as_str() {
                "full" => (DateFields::YMDE, Length::Long),
                "long" => (DateFields::YMD, Length::Long),
                "medium" => (DateFields::YMD, Length::Medium),
                _ => (DateFields::YMD, Length::Short),
            };
            builder.date_fields = Some(fields);
            builder.length = Some(length);
        }
        if let Some(style) = &options.time_style {
            builder.time_precision = Some(if style == "short" { TimePrecision::Minute } else { TimePrecision::Second });
            match style.as_str() {
                "full" => builder.zone_style = Some(ZoneStyle::SpecificLong),
                "long" => builder.zone_style = Some(ZoneStyle::SpecificShort),
                _ => {}
            }
        }
    } else {
        let date = [("weekday", &options.weekday), ("year", &options.year), ("month", &options.month), ("day", &options.day)];
        let named: Vec<&str> = date.iter().filter(|(_, value)| value.is_some()).map(|(name, _)| *name).collect();
        builder.date_fields = match named.as_slice() {
            [] => None,
            ["weekday"] => Some(DateFields::E),
            ["year"] => Some(DateFields::Y),
            ["month"] => Some(DateFields::M),
            ["day"] => Some(DateFields::D),
            ["weekday", "day"] => Some(DateFields::DE),
            ["year", "month"] => Some(DateFields::YM),
            ["month", "day"] => Some(DateFields::MD),
            ["weekday", "month", "day"] => Some(DateFields::MDE),
            ["year", "month", "day"] => Some(DateFields::YMD),
            ["weekday", "year", "month", "day"] => Some(DateFields::YMDE),
            _ => return Err(unsupported(&format!("a date of {} alone", named.join(" and ")))),
        };
        if builder.date_fields.is_some() {
            let length_of = |value: &str| match value {
                "long" => Ok(Length::Long),
                "short" => Ok(Length::Medium),
                "numeric" | "2-digit" => Ok(Length::Short),
                _ => Err(unsupported(&format!("{value:?}"))),
            };
            let month = options.month.as_deref().map(length_of).transpose()?;
            let weekday = options.weekday.as_deref().map(length_of).transpose()?;
            builder.length = match (month, weekday) {
                (None, None) => Some(Length::Medium),
                (Some(Length::Short), Some(Length::Medium)) => Some(Length::Short),
                (Some(month), Some(weekday)) if month != weekday => {
                    return Err(unsupported("a weekday and a month of different lengths"));
                }
                (Some(length), _) | (None, Some(length)) => Some(length),
            };
        }
        if let Some(year) = &options.year {
            if options.era.is_some() {
                builder.year_style = Some(YearStyle::WithEra);
            } else if year == "numeric" {
                builder.year_style = Some(YearStyle::Full);
            } else if builder.length == Some(Length::Short) {
                builder.year_style = Some(YearStyle::Auto);
            } else {
                return Err(unsupported("a year of two digits with the name of the month"));
            }
        } else if options.era.is_some() {
            return Err(unsupported("an era without a year"));
        }
        builder.time_precision = match (&options.hour, &options.minute, &options.second, options.fractional_second_digits) {
            (None, None, None, None) => None,
            (Some(_), None, None, None) => Some(TimePrecision::Hour),
            (Some(_), Some(_), None, None) => Some(TimePrecision::Minute),
            (Some(_), Some(_), Some(_), None) => Some(TimePrecision::Second),
            (Some(_), Some(_), Some(_), Some(digits)) => {
                let digits = SubsecondDigits::try_from_int(digits).ok_or_else(|| unsupported("that many digits of a second"))?;
                Some(TimePrecision::Subsecond(digits))
            }
            _ => return Err(unsupported("a time without its hour or its minute")),
        };
        builder.zone_style = match options.time_zone_name.as_deref() {
            None => None,
            Some("short") => Some(ZoneStyle::SpecificShort),
            Some("long") => Some(ZoneStyle::SpecificLong),
            Some("shortOffset") => Some(ZoneStyle::LocalizedOffsetShort),
            Some("longOffset") => Some(ZoneStyle::LocalizedOffsetLong),
            Some("shortGeneric") => Some(ZoneStyle::GenericShort),
            Some(_) => Some(ZoneStyle::GenericLong),
        };
        let fields = [(&options.month, parts::MONTH), (&options.day, parts::DAY), (&options.hour, parts::HOUR)];
        two_digits = fields.into_iter().filter(|(value, _)| value.as_deref() == Some("2-digit")).map(|(_, part)| part).collect();
    }
    let field_set = builder.build_composite().map_err(|error| unsupported(&format!("this combination ({error})")))?;
    let mut preferences = DateTimeFormatterPreferences::from(&super::locale(&options.locale)?);
    match (options.hour12, options.hour_cycle.as_deref()) {
        (Some(true), _) => preferences.hour_cycle = Some(HourCycle::Clock12),
        (Some(false), _) => preferences.hour_cycle = Some(HourCycle::Clock24),
        (None, Some("h11")) => preferences.hour_cycle = Some(HourCycle::H11),
        (None, Some("h12")) => preferences.hour_cycle = Some(HourCycle::H12),
        (None, Some("h23")) => preferences.hour_cycle = Some(HourCycle::H23),
        (None, Some(_)) => return Err(unsupported("the hour cycle h24")),
        (None, None) => {}
    }
    let formatter =
        DateTimeFormatter::try_new(preferences, field_set).map_err(|error| unsupported(&format!("this combination ({error})")))?;
    Ok(Formatter { formatter, zone: zone(&options.time_zone)?, zone_id: IanaParser::new().parse(&options.time_zone), two_digits })
}

/// Takes text with the innermost part that each piece belongs to, as far as dates have names for it.
#[derive(Default)]
struct Collector {
    pieces: Vec<(String, Option<Part>)>,
    current: Option<Part>,
}

impl Write for Collector {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        match self.pieces.last_mut() {
            Some((last, part)) if *part == self.current => last.push_str(text),
            _ => self.pieces.push((text.to_string(), self.current)),
        }
        Ok(())
    }
}

impl PartsWrite for Collector {
    type SubPartsWrite = Self;

    fn with_part(&mut self, part: Part, mut write: impl FnMut(&mut Self) -> std::fmt::Result) -> std::fmt::Result {
        let outer = self.current;
        if outer.is_none() {
            self.current = Some(part);
        }
        let result = write(self);
        self.current = outer;
        result
    }
}
