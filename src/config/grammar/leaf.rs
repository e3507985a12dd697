//! Values that are not plain texts: numbers, durations, sizes, dates, secrets.

use std::path::PathBuf;
use std::time::Duration;

use jiff::civil::Date;

use super::{Kind, Reader, Shape};
use crate::config::node::{Node, Value};
use crate::config::secret::is_variable;
use crate::diag::{Code, Finding};

impl Shape for bool {
    fn kind() -> Kind {
        Kind::Boolean
    }

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        match node.value {
            Value::Boolean(value) => Some(value),
            _ => reader.wrong_type(node, "a boolean"),
        }
    }
}

/// An integer.
#[derive(Clone, Copy, Debug)]
pub struct Count<const LEAST: i64, const MOST: i64>(pub u32);

impl<const LEAST: i64, const MOST: i64> Shape for Count<LEAST, MOST> {
    fn kind() -> Kind {
        Kind::Integer {
            least: LEAST,
            most: MOST,
        }
    }

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let Value::Integer(value) = node.value else {
            return reader.wrong_type(node, "an integer");
        };
        if !(LEAST..=MOST).contains(&value) {
            return out_of_range(node, reader, &LEAST.to_string(), &MOST.to_string());
        }
        u32::try_from(value).ok().map(Self)
    }
}

/// `"30s"`; bounds in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Lasting<const LEAST: u64, const MOST: u64>(pub Duration);

impl<const LEAST: u64, const MOST: u64> Shape for Lasting<LEAST, MOST> {
    fn kind() -> Kind {
        Kind::Duration {
            least: LEAST,
            most: MOST,
        }
    }

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let duration = measure(
            node,
            reader,
            Code::InvalidDuration,
            "a duration",
            "30s",
            |number, unit| {
                let milliseconds: u64 = match unit {
                    "ms" => 1,
                    "s" => 1_000,
                    "m" => 60_000,
                    "h" => 3_600_000,
                    "d" => 86_400_000,
                    _ => return None,
                };
                number.checked_mul(milliseconds).map(Duration::from_millis)
            },
        )?;
        if duration < Duration::from_secs(LEAST) || duration > Duration::from_secs(MOST) {
            return out_of_range(node, reader, &seconds(LEAST), &seconds(MOST));
        }
        Some(Self(duration))
    }
}

/// `"4MiB"`.
#[derive(Clone, Copy, Debug)]
pub struct Size<const LEAST: u64, const MOST: u64>(pub u64);

impl<const LEAST: u64, const MOST: u64> Shape for Size<LEAST, MOST> {
    fn kind() -> Kind {
        Kind::Size {
            least: LEAST,
            most: MOST,
        }
    }

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let size = measure(node, reader, Code::InvalidSize, "a size", "4MiB", |number, unit| {
            let bytes: u64 = match unit {
                "B" => 1,
                "KiB" => 1 << 10,
                "MiB" => 1 << 20,
                "GiB" => 1 << 30,
                "KB" => 1_000,
                "MB" => 1_000_000,
                "GB" => 1_000_000_000,
                _ => return None,
            };
            number.checked_mul(bytes)
        })?;
        if !(LEAST..=MOST).contains(&size) {
            return out_of_range(node, reader, &bytes(LEAST), &bytes(MOST));
        }
        Some(Self(size))
    }
}

/// A whole number and its unit.
fn measure<T>(
    node: &Node,
    reader: &mut Reader<'_>,
    code: Code,
    what: &str,
    example: &str,
    read: impl Fn(u64, &str) -> Option<T>,
) -> Option<T> {
    let Value::String(text) = &node.value else {
        return reader.wrong_type_with(node, "a string", format!("write {what} with its unit: `\"{example}\"`"));
    };
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let value = number.parse().ok().and_then(|number| read(number, unit));
    if value.is_none() {
        let units = if code == Code::InvalidSize {
            "`B`, `KiB`, `MiB` or `GiB`"
        } else {
            "`ms`, `s`, `m`, `h` or `d`"
        };
        let key = reader.key();
        reader.push(
            Finding::new(code, node.place, format!("`{key}` is not {what}"))
                .label("not a whole number and a unit")
                .help(format!("write a whole number and {units}: `\"{example}\"`")),
        );
    }
    value
}

pub(super) fn out_of_range<T>(node: &Node, reader: &mut Reader<'_>, least: &str, most: &str) -> Option<T> {
    let key = reader.key();
    reader.push(
        Finding::new(Code::OutOfRange, node.place, format!("`{key}` is out of range"))
            .label(format!("not between {least} and {most}"))
            .help(format!("write a value from {least} to {most}")),
    );
    None
}

/// In the largest unit that fits.
pub(super) fn seconds(seconds: u64) -> String {
    match seconds {
        0 => "0s".to_owned(),
        day if day % 86_400 == 0 => format!("{}d", day / 86_400),
        hour if hour % 3_600 == 0 => format!("{}h", hour / 3_600),
        minute if minute % 60 == 0 => format!("{}m", minute / 60),
        other => format!("{other}s"),
    }
}

pub(super) fn bytes(bytes: u64) -> String {
    match bytes {
        0 => "0B".to_owned(),
        giga if giga % (1 << 30) == 0 => format!("{}GiB", giga >> 30),
        mega if mega % (1 << 20) == 0 => format!("{}MiB", mega >> 20),
        kilo if kilo % (1 << 10) == 0 => format!("{}KiB", kilo >> 10),
        other => format!("{other}B"),
    }
}

impl Shape for Date {
    fn kind() -> Kind {
        Kind::Date
    }

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let date = match &node.value {
            Value::Date(text) => text.parse().ok().filter(|_| text.len() == 10),
            _ => None,
        };
        date.or_else(|| reader.wrong_type_with(node, "a date", "write a date without quotes: `2027-01-31`".to_owned()))
    }
}

/// A reference to a secret; the value is never in the files.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Secret {
    Command(Vec<String>),
    Env(String),
    /// Absolute.
    File(PathBuf),
}

const REFERENCE: &str = "`{ env = \"NAME\" }`, `{ file = \"path\" }` or `{ command = [\"op\", \"read\", \"…\"] }`";

impl Shape for Secret {
    fn kind() -> Kind {
        Kind::Secret
    }

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let Value::Table(table) = &node.value else {
            reader.hide_all(node);
            let title = format!("the secret `{}` stands in the file", reader.key());
            reader.push(
                Finding::new(Code::LiteralSecret, node.place, title)
                    .label("a literal where only a reference may stand")
                    .help(format!("take it out of the files, renew it, and write {REFERENCE}")),
            );
            return None;
        };
        let [entry] = table.entries.as_slice() else {
            return invalid(node, reader, "not exactly one source");
        };
        reader.enter(&entry.key);
        let secret = reference(&entry.key, &entry.node, reader);
        reader.leave();
        secret
    }
}

fn reference(source: &str, node: &Node, reader: &mut Reader<'_>) -> Option<Secret> {
    match (source, &node.value) {
        ("env", Value::String(name)) if is_variable(name) => Some(Secret::Env(name.clone())),
        ("file", Value::String(path)) if !path.is_empty() && !path.contains('\0') => {
            Some(Secret::File(reader.resolve(node.place, path)))
        }
        ("command", Value::Array { items, .. }) => {
            let argv: Option<Vec<String>> = items
                .iter()
                .map(|item| match &item.value {
                    Value::String(word) if !word.contains('\0') => Some(word.clone()),
                    _ => None,
                })
                .collect();
            match argv {
                Some(argv) if argv.first().is_some_and(|program| !program.is_empty()) => Some(Secret::Command(argv)),
                _ => invalid(node, reader, "not a program and its arguments"),
            }
        }
        ("env", Value::String(_)) => invalid(node, reader, "not the name of an environment variable"),
        ("env" | "file" | "command", _) => invalid(node, reader, "not what this source takes"),
        _ => invalid(node, reader, "not a source of secrets"),
    }
}

fn invalid(node: &Node, reader: &mut Reader<'_>, label: &str) -> Option<Secret> {
    reader.hide_all(node);
    reader.push(
        Finding::new(
            Code::InvalidSecret,
            node.place,
            "the reference to a secret cannot be followed",
        )
        .label(label)
        .help(format!("write {REFERENCE}")),
    );
    None
}

/// A value of `headers` or `env`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Setting {
    Literal(String),
    Secret(Secret),
}

impl Shape for Setting {
    fn kind() -> Kind {
        Kind::Setting
    }

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        match &node.value {
            Value::Table(_) => Secret::read(node, reader).map(Self::Secret),
            Value::String(text) => {
                // Also under a harmless name: what people call their secrets is theirs.
                reader.hide(node.place);
                let key = reader.key();
                if crate::name::is_secret_name(&key) || super::text::has_userinfo(text) {
                    return Secret::read(node, reader).map(Self::Secret);
                }
                if text.contains(['\0', '\n', '\r']) {
                    reader.push(
                        Finding::new(
                            Code::InvalidText,
                            node.place,
                            format!("`{key}` holds a line end or NUL"),
                        )
                        .label("this text")
                        .help("write it on one line"),
                    );
                    return None;
                }
                Some(Self::Literal(text.clone()))
            }
            _ => {
                reader.hide(node.place);
                reader.wrong_type(node, "a string or a reference to a secret")
            }
        }
    }
}

/// What an operator compares with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Literal {
    Boolean(bool),
    Integer(i64),
    String(String),
}

impl Shape for Literal {
    fn kind() -> Kind {
        Kind::Scalar
    }

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        match &node.value {
            Value::Boolean(value) => Some(Self::Boolean(*value)),
            Value::Integer(value) => Some(Self::Integer(*value)),
            Value::String(value) => Some(Self::String(value.clone())),
            _ => reader.wrong_type(node, "a string, an integer or a boolean"),
        }
    }
}

/// Any TOML value.
#[derive(Clone, Debug)]
pub struct Any(pub Node);

impl Shape for Any {
    fn kind() -> Kind {
        Kind::Any
    }

    fn read(node: &Node, _: &mut Reader<'_>) -> Option<Self> {
        Some(Self(node.clone()))
    }
}
