//! Names, arities and types of the built-in functions, in one table.

use crate::types::Ty;

/// What a function wants of one argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Want {
    /// Anything.
    Any,
    /// An array.
    List,
    /// A map.
    Map,
    /// A string.
    Text,
    /// An integer.
    Int,
    /// An integer or a float.
    Number,
    /// A number, or an array of numbers.
    Numbers,
    /// A string or a duration.
    Span,
    /// A time zone or its name.
    Zone,
    /// A string, or a date already.
    Date,
    /// A predicate that gives true or false for each element.
    Test,
    /// A predicate that gives any value for each element.
    Body,
}

impl Want {
    /// Whether this argument is evaluated for each element rather than once.
    pub(crate) fn is_predicate(self) -> bool {
        matches!(self, Want::Test | Want::Body)
    }
}

/// The signature of a function.
pub(crate) struct Signature {
    pub(crate) name: &'static str,
    /// The fewest arguments.
    pub(crate) min: usize,
    /// The most arguments; `usize::MAX` when there is no bound.
    pub(crate) max: usize,
    /// What each argument must be; the last is repeated.
    pub(crate) wants: &'static [Want],
    pub(crate) result: Ty,
}

impl Signature {
    /// What the argument at `index` must be.
    pub(crate) fn want(&self, index: usize) -> Want {
        self.wants
            .get(index)
            .or(self.wants.last())
            .copied()
            .unwrap_or(Want::Any)
    }
}

macro_rules! builtins {
    ($($variant:ident $name:literal ($min:expr, $max:expr) [$($want:ident)*] $result:ident;)*) => {
        /// A built-in function, named as its [`Builtin::name`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(missing_docs)]
        pub enum Builtin { $($variant,)* }

        impl Builtin {
            /// Every function, in the order of the documentation.
            pub const ALL: &'static [Builtin] = &[$(Builtin::$variant,)*];

            pub(crate) fn signature(self) -> &'static Signature {
                match self {
                    $(Builtin::$variant => const {
                        &Signature { name: $name, min: $min, max: $max, wants: &[$(Want::$want),*], result: Ty::$result }
                    },)*
                }
            }

            /// The function an expression calls by this name.
            #[must_use]
            pub fn parse(name: &str) -> Option<Builtin> {
                match name {
                    $($name => Some(Builtin::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

const MANY: usize = usize::MAX;

builtins! {
    All "all" (2, 2) [List Test] Bool;
    None "none" (2, 2) [List Test] Bool;
    Any "any" (2, 2) [List Test] Bool;
    One "one" (2, 2) [List Test] Bool;
    Filter "filter" (2, 2) [List Test] Array;
    Map "map" (2, 2) [List Body] Array;
    Find "find" (2, 2) [List Test] Any;
    FindIndex "findIndex" (2, 2) [List Test] Any;
    FindLast "findLast" (2, 2) [List Test] Any;
    FindLastIndex "findLastIndex" (2, 2) [List Test] Any;
    Count "count" (1, 2) [List Test] Int;
    Sum "sum" (1, 2) [List Body] Any;
    GroupBy "groupBy" (2, 2) [List Body] Map;
    SortBy "sortBy" (2, 3) [List Body Text] Array;
    Reduce "reduce" (2, 3) [List Body Any] Any;

    Len "len" (1, 1) [Any] Int;
    Type "type" (1, 1) [Any] Str;
    Abs "abs" (1, 1) [Number] Number;
    Ceil "ceil" (1, 1) [Number] Float;
    Floor "floor" (1, 1) [Number] Float;
    Round "round" (1, 1) [Number] Float;
    Int "int" (1, 1) [Any] Int;
    Float "float" (1, 1) [Any] Float;
    String "string" (1, 1) [Any] Str;

    Trim "trim" (1, 2) [Text] Str;
    TrimPrefix "trimPrefix" (1, 2) [Text] Str;
    TrimSuffix "trimSuffix" (1, 2) [Text] Str;
    Upper "upper" (1, 1) [Text] Str;
    Lower "lower" (1, 1) [Text] Str;
    Split "split" (2, 3) [Text Text Int] Array;
    SplitAfter "splitAfter" (2, 3) [Text Text Int] Array;
    Replace "replace" (3, 4) [Text Text Text Int] Str;
    Repeat "repeat" (2, 2) [Text Int] Str;
    Join "join" (1, 2) [List Text] Str;
    IndexOf "indexOf" (2, 2) [Text] Int;
    LastIndexOf "lastIndexOf" (2, 2) [Text] Int;
    HasPrefix "hasPrefix" (2, 2) [Text] Bool;
    HasSuffix "hasSuffix" (2, 2) [Text] Bool;

    Max "max" (1, MANY) [Numbers] Number;
    Min "min" (1, MANY) [Numbers] Number;
    Mean "mean" (1, MANY) [Numbers] Float;
    Median "median" (1, MANY) [Numbers] Float;

    ToJson "toJSON" (1, 1) [Any] Str;
    FromJson "fromJSON" (1, 1) [Text] Any;
    ToBase64 "toBase64" (1, 1) [Text] Str;
    FromBase64 "fromBase64" (1, 1) [Text] Str;

    Now "now" (0, 0) [] Time;
    Duration "duration" (1, 1) [Text] Duration;
    Date "date" (1, 3) [Date Text Zone] Time;
    Timezone "timezone" (1, 1) [Text] Zone;

    First "first" (1, 1) [List] Any;
    Last "last" (1, 1) [List] Any;
    Take "take" (2, 2) [List Int] Array;
    Get "get" (2, 2) [Any] Any;
    Keys "keys" (1, 1) [Map] Array;
    Values "values" (1, 1) [Map] Array;
    ToPairs "toPairs" (1, 1) [Map] Array;
    FromPairs "fromPairs" (1, 1) [List] Map;
    Reverse "reverse" (1, 1) [List] Array;
    Uniq "uniq" (1, 1) [List] Array;
    Concat "concat" (1, MANY) [List] Array;
    Flatten "flatten" (1, 1) [List] Array;
    Sort "sort" (1, 2) [List Text] Array;

    BitAnd "bitand" (2, 2) [Int] Int;
    BitOr "bitor" (2, 2) [Int] Int;
    BitXor "bitxor" (2, 2) [Int] Int;
    BitNand "bitnand" (2, 2) [Int] Int;
    BitNot "bitnot" (1, 1) [Int] Int;
    BitShl "bitshl" (2, 2) [Int] Int;
    BitShr "bitshr" (2, 2) [Int] Int;
    BitUshr "bitushr" (2, 2) [Int] Int;

    GetMetadata "get_metadata" (2, 2) [Text] Map;
    JwtClaim "jwt_claim" (1, 1) [Text] Any;
    ExpiresIn "expiresIn" (1, 1) [Span] Bool;
}

impl Builtin {
    /// The name an expression calls it by.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.signature().name
    }

    /// The position of the predicate among the arguments, if it takes one.
    #[must_use]
    pub fn predicate(self) -> Option<usize> {
        self.signature().wants.iter().position(|want| want.is_predicate())
    }
}
