//! How families of faults are declared: each variant with what it does, its name in text and the
//! values it takes. It knows no fault.

use std::str::FromStr;
use std::time::Duration;

use manyhands_core::ListKind;

/// The name of a [`Fault`](super::Fault) in text, and what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Switch {
    /// The name, such as `hangs-on-call`.
    pub name: &'static str,
    /// The family it belongs to, such as `Answer`.
    pub family: &'static str,
    /// What the server then does.
    pub about: &'static str,
}

/// Declares a family of faults with its switches and how they are read.
macro_rules! family {
    (
        $(#[$meta:meta])*
        $Family:ident as $title:literal {
            $(
                $(#[doc = $doc:literal])+
                $Variant:ident $( ( $($Value:ty = $default:expr),+ ) )? : $name:literal,
            )+
        }
        $( and {
            $( $(#[doc = $also:literal])+ $Also:ident($Inner:ty), )+
        } )?
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $Family {
            $( $(#[doc = $doc])+ $Variant $( ( $($Value),+ ) )?, )+
            $( $( $(#[doc = $also])+ $Also($Inner), )+ )?
        }

        impl $Family {
            pub(crate) const SWITCHES: &[$crate::fault::switch::Switch] = &[
                $( $crate::fault::switch::Switch {
                    name: $name,
                    family: $title,
                    about: concat!($($doc),+).trim_ascii_start(),
                }, )+
            ];

            pub(crate) fn read(
                name: &str,
                values: &mut $crate::fault::switch::Values<'_>,
            ) -> Option<Self> {
                // Not every family has values.
                let _ = &values;
                match name {
                    $( $name => Some(
                        Self::$Variant $( ( $( values.take::<$Value>($default)? ),+ ) )?
                    ), )+
                    _ => None,
                }
            }
        }

        $( $(
            impl From<$Inner> for $Family {
                fn from(inner: $Inner) -> Self {
                    Self::$Also(inner)
                }
            }
        )+ )?
    };
}

pub(crate) use family;

/// The values behind a `=`, parted by colons.
pub(crate) struct Values<'a>(pub(crate) Option<&'a str>);

impl Values<'_> {
    /// Takes the next value, or the default where there is none; none where it does not fit.
    pub(crate) fn take<T: Value>(&mut self, default: impl Into<T>) -> Option<T> {
        let Some(text) = self.0 else {
            return Some(default.into());
        };
        let (value, rest) = match text.split_once(':') {
            Some((value, rest)) if !T::TAKES_ALL => (value, Some(rest)),
            _ => (text, None),
        };
        self.0 = rest;
        T::read(value)
    }
}

/// What can stand behind a `=`.
pub(crate) trait Value: Sized {
    /// Whether colons are part of it.
    const TAKES_ALL: bool = false;

    fn read(text: &str) -> Option<Self>;
}

macro_rules! values_by_from_str {
    ($($Type:ty),+) => {
        $( impl Value for $Type {
            fn read(text: &str) -> Option<Self> {
                <$Type as FromStr>::from_str(text).ok()
            }
        } )+
    };
}

values_by_from_str!(usize, i64, u16);

impl Value for String {
    const TAKES_ALL: bool = true;

    fn read(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

/// In milliseconds.
impl Value for Duration {
    fn read(text: &str) -> Option<Self> {
        text.parse().ok().map(Self::from_millis)
    }
}

impl Value for ListKind {
    fn read(text: &str) -> Option<Self> {
        let kinds = [
            Self::Tools,
            Self::Prompts,
            Self::Resources,
            Self::ResourceTemplates,
        ];
        kinds.into_iter().find(|kind| kind.field() == text)
    }
}

/// Declares a value of a fault that is one of a few words.
macro_rules! word {
    (
        $(#[$meta:meta])*
        $Word:ident { $( $(#[doc = $doc:literal])+ $Variant:ident : $name:literal, )+ }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $Word {
            $( $(#[doc = $doc])+ $Variant, )+
        }

        impl $crate::fault::switch::Value for $Word {
            fn read(text: &str) -> Option<Self> {
                match text {
                    $( $name => Some(Self::$Variant), )+
                    _ => None,
                }
            }
        }
    };
}

pub(crate) use word;
