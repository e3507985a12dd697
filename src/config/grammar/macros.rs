//! The declarations from which everything else is made.

/// Declares a table: `FIELD / "KEY": TYPE = "DEFAULT" [required];`, each with at least one line of words.
macro_rules! table {
    (
        $(#[doc = $doc:literal])+
        pub struct $name:ident {
            $($(#[doc = $key_doc:literal])+ $field:ident / $key:literal : $type:ty $(= $default:literal)? $([$required:ident])? ;)*
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug)]
        pub struct $name {
            /// Its header or braces.
            pub place: $crate::diag::Place,
            $($(#[doc = $key_doc])+ pub $field: $crate::config::grammar::Given<$type>,)*
        }

        impl $crate::config::grammar::Shape for $name {
            fn kind() -> $crate::config::grammar::Kind {
                $crate::config::grammar::Kind::Table($crate::config::grammar::TableDoc {
                    name: stringify!($name),
                    doc: &[$($doc),+],
                    keys: || vec![$($crate::config::grammar::KeyDoc {
                        name: $key,
                        doc: &[$($key_doc),+],
                        required: false $(|| stringify!($required) == "required")?,
                        default: concat!("" $(, $default)?),
                        kind: <$type as $crate::config::grammar::Shape>::kind(),
                    }),*],
                })
            }

            fn read(
                node: &$crate::config::node::Node,
                reader: &mut $crate::config::grammar::Reader<'_>,
            ) -> Option<Self> {
                let table = reader.table(node)?;
                $(let $field = reader.key_of::<$type>(
                    node, table, $key, false $(|| stringify!($required) == "required")?,
                );)*
                reader.unknown_keys(node, table, &[$($key),*]);
                Some(Self { place: node.place, $($field,)* })
            }
        }
    };
}

/// Declares the words that a key takes.
macro_rules! choice {
    ($(#[doc = $doc:literal])* pub enum $name:ident { $($variant:ident $word:literal,)+ }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum $name { $($variant,)+ }

        impl $crate::config::grammar::Choice for $name {
            const WORDS: &'static [&'static str] = &[$($word,)+];

            fn of(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }

        impl $crate::config::grammar::Shape for $name {
            fn kind() -> $crate::config::grammar::Kind {
                $crate::config::grammar::Kind::Choice(<Self as $crate::config::grammar::Choice>::WORDS)
            }

            fn read(
                node: &$crate::config::node::Node,
                reader: &mut $crate::config::grammar::Reader<'_>,
            ) -> Option<Self> {
                $crate::config::grammar::read_choice(node, reader)
            }
        }
    };
}

pub(in crate::config) use {choice, table};
