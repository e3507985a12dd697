//! Containers of the typed tables: what may be absent, lists, maps, words of a choice.

use super::{Kind, Name, Reader, Shape};
use crate::config::node::{Node, Value};
use crate::diag::{Code, Finding, Place};

/// The value of a key: absent, there, or there and wrong (which has a finding already).
#[derive(Clone, Debug)]
pub struct Given<T> {
    pub(super) key: Option<Place>,
    pub(super) place: Option<Place>,
    pub(super) value: Option<T>,
}

impl<T> Given<T> {
    pub(super) fn absent() -> Self {
        Self {
            key: None,
            place: None,
            value: None,
        }
    }

    /// `None` where it is absent or wrong.
    pub fn get(&self) -> Option<&T> {
        self.value.as_ref()
    }

    /// Does it stand in the files, right or wrong?
    pub fn is_given(&self) -> bool {
        self.key.is_some()
    }

    /// Of the key.
    pub fn key(&self) -> Option<Place> {
        self.key
    }

    /// Of the value; of a table, its header.
    pub fn place(&self) -> Option<Place> {
        self.place
    }

    /// The value with its place.
    pub fn with_place(&self) -> Option<(&T, Place)> {
        Some((self.value.as_ref()?, self.place?))
    }
}

/// An element of a list.
#[derive(Clone, Debug)]
pub struct Item<T> {
    pub place: Place,
    pub value: T,
}

/// `[a, b]`; elements that are wrong are left out, after a finding.
#[derive(Clone, Debug)]
pub struct List<T>(pub Vec<Item<T>>);

impl<T> Given<List<T>> {
    pub fn items(&self) -> &[Item<T>] {
        self.value.as_ref().map_or(&[], |list| &list.0)
    }

    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.items().iter().map(|item| &item.value)
    }
}

impl<T: Shape> Shape for List<T> {
    fn kind() -> Kind {
        Kind::List(Box::new(T::kind()))
    }

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let Value::Array { items, .. } = &node.value else {
            return reader.wrong_type(node, "an array");
        };
        // An element has no key of its own.
        reader.enter("");
        let items = items.iter().filter_map(|item| {
            let value = T::read(item, reader)?;
            Some(Item {
                place: item.place,
                value,
            })
        });
        let list = Self(items.collect());
        reader.leave();
        Some(list)
    }
}

/// `[[header]]` tables.
#[derive(Clone, Debug)]
pub struct Tables<T>(pub Vec<T>);

impl<T> Given<Tables<T>> {
    pub fn tables(&self) -> &[T] {
        self.value.as_ref().map_or(&[], |tables| &tables.0)
    }
}

impl<T: Shape> Shape for Tables<T> {
    fn kind() -> Kind {
        match T::kind() {
            Kind::Table(table) => Kind::Tables(table),
            other => Kind::List(Box::new(other)),
        }
    }

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let Value::Array { items, .. } = &node.value else {
            let header = reader.path();
            return reader.wrong_type_with(node, "an array of tables", format!("write `[[{header}]]`"));
        };
        Some(Self(items.iter().filter_map(|item| T::read(item, reader)).collect()))
    }
}

/// A table whose keys are names: `[server.NAME]`, `headers = { NAME = … }`.
#[derive(Clone, Debug)]
pub struct Map<N, T>(pub Vec<MapEntry<N, T>>);

#[derive(Clone, Debug)]
pub struct MapEntry<N, T> {
    pub name: N,
    pub key: Place,
    /// Of the value; of a table, its header.
    pub place: Place,
    pub value: T,
}

impl<N, T> Given<Map<N, T>> {
    pub fn entries(&self) -> &[MapEntry<N, T>] {
        self.value.as_ref().map_or(&[], |map| &map.0)
    }

    pub fn find(&self, name: &str) -> Option<&MapEntry<N, T>>
    where
        N: AsName,
    {
        self.entries().iter().find(|entry| entry.name.as_name() == name)
    }
}

/// A name as it is written.
pub trait AsName {
    fn as_name(&self) -> &str;
}

impl<N: Name, T: Shape> Shape for Map<N, T> {
    fn kind() -> Kind {
        Kind::Map {
            names: N::PATTERN,
            item: Box::new(T::kind()),
        }
    }

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let Value::Table(table) = &node.value else {
            return reader.wrong_type(node, "a table");
        };
        let mut entries = Vec::new();
        for entry in &table.entries {
            let name = N::parse(&entry.key);
            if let Err((code, expected)) = &name {
                let title = format!("`{}` is no name in `{}`", crate::text::safe(&entry.key), reader.path());
                reader.push(
                    Finding::new(*code, entry.key_place, title)
                        .label("this name")
                        .help(format!("write {expected}")),
                );
            }
            // A wrong name does not hide what is wrong below it.
            reader.enter(&entry.key);
            let value = T::read(&entry.node, reader);
            reader.leave();
            if let (Ok(name), Some(value)) = (name, value) {
                entries.push(MapEntry {
                    name,
                    key: entry.key_place,
                    place: entry.node.place,
                    value,
                });
            }
        }
        Some(Self(entries))
    }
}

/// A word out of a fixed list; made by `choice!`.
pub trait Choice: Copy + Sized + 'static {
    const WORDS: &'static [&'static str];

    fn of(word: &str) -> Option<Self>;
}

pub(in crate::config) fn read_choice<C: Choice>(node: &Node, reader: &mut Reader<'_>) -> Option<C> {
    let Value::String(word) = &node.value else {
        return reader.wrong_type(node, "a string");
    };
    let choice = C::of(word);
    if choice.is_none() {
        let words: Vec<String> = C::WORDS.iter().map(|word| format!("`\"{word}\"`")).collect();
        let help = match super::reader::similar(word, C::WORDS.iter().copied()) {
            Some(near) => format!("write `\"{near}\"`; possible are {}", words.join(", ")),
            None => format!("write one of {}", words.join(", ")),
        };
        let key = reader.key();
        reader.push(
            Finding::new(
                Code::InvalidChoice,
                node.place,
                format!("`{key}` does not take this word"),
            )
            .label("none of its words")
            .help(help),
        );
    }
    choice
}
