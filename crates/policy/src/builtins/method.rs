//! The methods of dates and durations.

use crate::builtins::Want;
use crate::types::Ty;

macro_rules! methods {
    ($($variant:ident $name:literal $on:ident ($($argument:ident)*) $result:ident;)*) => {
        /// A method of a date or a duration, named as its [`Method::name`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(missing_docs)]
        pub enum Method { $($variant,)* }

        impl Method {
            /// Every method. A name that both kinds of value have appears once for each.
            pub const ALL: &'static [Method] = &[$(Method::$variant,)*];

            /// The name an expression calls it by.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Method::$variant => $name,)* }
            }

            /// The type that has the method; `Any` when dates and durations both do.
            pub(crate) fn receiver(self) -> Ty {
                match self { $(Method::$variant => Ty::$on,)* }
            }

            pub(crate) fn arguments(self) -> &'static [MethodWant] {
                match self { $(Method::$variant => &[$(MethodWant::$argument),*],)* }
            }

            pub(crate) fn result(self) -> Ty {
                match self { $(Method::$variant => Ty::$result,)* }
            }

            /// The method an expression calls by this name.
            #[must_use]
            pub fn parse(name: &str) -> Option<Method> {
                match name {
                    $($name => Some(Method::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

/// What a method wants of one argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MethodWant {
    Time,
    Duration,
    Int,
    Text,
    Zone,
}

impl MethodWant {
    pub(crate) fn ty(self) -> Ty {
        match self {
            MethodWant::Time => Ty::Time,
            MethodWant::Duration => Ty::Duration,
            MethodWant::Int => Ty::Int,
            MethodWant::Text => Ty::Str,
            MethodWant::Zone => Ty::Zone,
        }
    }

    pub(crate) fn want(self) -> Option<Want> {
        match self {
            MethodWant::Int => Some(Want::Int),
            MethodWant::Text => Some(Want::Text),
            MethodWant::Zone => Some(Want::Zone),
            MethodWant::Time | MethodWant::Duration => None,
        }
    }
}

impl Method {
    pub(crate) fn receiver_noun(self) -> &'static str {
        match self.receiver() {
            Ty::Time => "a date",
            Ty::Duration => "a duration",
            _ => "a date or a duration",
        }
    }
}

methods! {
    Year "Year" Time () Int;
    Month "Month" Time () Int;
    Day "Day" Time () Int;
    Hour "Hour" Time () Int;
    Minute "Minute" Time () Int;
    Second "Second" Time () Int;
    Nanosecond "Nanosecond" Time () Int;
    Weekday "Weekday" Time () Int;
    YearDay "YearDay" Time () Int;
    Unix "Unix" Time () Int;
    UnixMilli "UnixMilli" Time () Int;
    UnixMicro "UnixMicro" Time () Int;
    UnixNano "UnixNano" Time () Int;
    Before "Before" Time (Time) Bool;
    After "After" Time (Time) Bool;
    Equal "Equal" Time (Time) Bool;
    Compare "Compare" Time (Time) Int;
    Add "Add" Time (Duration) Time;
    Sub "Sub" Time (Time) Duration;
    AddDate "AddDate" Time (Int Int Int) Time;
    In "In" Time (Zone) Time;
    Utc "UTC" Time () Time;
    Format "Format" Time (Text) Str;
    Hours "Hours" Duration () Float;
    Minutes "Minutes" Duration () Float;
    Seconds "Seconds" Duration () Float;
    Milliseconds "Milliseconds" Duration () Int;
    Microseconds "Microseconds" Duration () Int;
    Nanoseconds "Nanoseconds" Duration () Int;
    Abs "Abs" Duration () Duration;
    Round "Round" Duration (Duration) Duration;
    Truncate "Truncate" Duration (Duration) Duration;
    String "String" Any () Str;
}
