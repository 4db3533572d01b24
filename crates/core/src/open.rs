//! Macros for open newtypes: integers with named constants that keep unknown values.

/// Declares an open enumeration: one named value of many, unknown values survive.
macro_rules! open_value {
    ($(#[$meta:meta])* $type:ident { $($(#[$vmeta:meta])* $name:ident = $value:expr => $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $type(pub u32);

        impl $type {
            $($(#[$vmeta])* pub const $name: Self = Self($value);)*

            /// Every named value with its name, in the order of their numbers.
            pub const NAMED: &'static [(Self, &'static str)] = &[$((Self($value), $text)),*];

            /// The name of this value, if it has one.
            pub fn name(self) -> Option<&'static str> {
                Self::NAMED.iter().find(|(value, _)| *value == self).map(|(_, name)| *name)
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self.name() {
                    Some(name) => f.pad(name),
                    None => f.pad(&format!("{:#x}", self.0)),
                }
            }
        }

        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }

        impl From<u32> for $type {
            fn from(value: u32) -> Self {
                Self(value)
            }
        }
    };
}

/// Declares an open set of flags: unknown bits survive and print as one hexadecimal number.
macro_rules! open_flags {
    ($(#[$meta:meta])* $type:ident { $($(#[$vmeta:meta])* $name:ident = $value:expr => $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $type(pub u32);

        impl $type {
            $($(#[$vmeta])* pub const $name: Self = Self($value);)*

            /// Every named flag with its name.
            pub const NAMED: &'static [(Self, &'static str)] = &[$((Self($value), $text)),*];

            /// No flag at all.
            pub const fn empty() -> Self {
                Self(0)
            }

            /// Whether every bit of `other` is set.
            pub const fn contains(self, other: Self) -> bool {
                self.0 & other.0 == other.0
            }

            /// Whether any bit of `other` is set.
            pub const fn intersects(self, other: Self) -> bool {
                self.0 & other.0 != 0
            }

            /// The bits of both.
            pub const fn union(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }

            /// The bits that are not in `other`.
            pub const fn without(self, other: Self) -> Self {
                Self(self.0 & !other.0)
            }

            /// The names of the set flags; bits without a name come last as one hexadecimal number.
            pub fn names(self) -> Vec<String> {
                let mut rest = self.0;
                let mut names = Vec::new();
                for (flag, name) in Self::NAMED {
                    if flag.0 != 0 && self.contains(*flag) {
                        names.push((*name).to_owned());
                        rest &= !flag.0;
                    }
                }
                if rest != 0 {
                    names.push(format!("{rest:#x}"));
                }
                names
            }
        }

        impl std::ops::BitOr for $type {
            type Output = Self;
            fn bitor(self, other: Self) -> Self {
                self.union(other)
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&self.names().join("|"))
            }
        }

        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}({self})", stringify!($type))
            }
        }

        impl From<u32> for $type {
            fn from(value: u32) -> Self {
                Self(value)
            }
        }
    };
}

pub(crate) use {open_flags, open_value};
