//! Declared parameters of a schema policy.

use std::fmt;

/// The type a schema policy declares for a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ParamType {
    /// `string`: a JSON string.
    String,
    /// `integer`: a JSON number without a fraction (`4` and `4.0`, not `4.5`).
    Integer,
    /// `boolean`: a JSON boolean.
    Boolean,
    /// `float`: any JSON number.
    Float,
    /// `array`: a JSON array; its elements are untyped.
    Array,
    /// `map`: a JSON object; its members are untyped.
    Map,
}

impl ParamType {
    /// Every type, in the order the documentation lists them.
    pub const ALL: [ParamType; 6] = [
        ParamType::String,
        ParamType::Integer,
        ParamType::Boolean,
        ParamType::Float,
        ParamType::Array,
        ParamType::Map,
    ];

    /// The type a keyword names.
    ///
    /// ```
    /// use rowgate_policy::ParamType;
    /// assert_eq!(ParamType::parse("map"), Some(ParamType::Map));
    /// assert_eq!(ParamType::parse("Map"), None);
    /// ```
    #[must_use]
    pub fn parse(keyword: &str) -> Option<ParamType> {
        ParamType::ALL.into_iter().find(|ty| ty.keyword() == keyword)
    }

    /// The keyword that names this type in a schema.
    #[must_use]
    pub fn keyword(&self) -> &'static str {
        match self {
            ParamType::String => "string",
            ParamType::Integer => "integer",
            ParamType::Boolean => "boolean",
            ParamType::Float => "float",
            ParamType::Array => "array",
            ParamType::Map => "map",
        }
    }
}

impl fmt::Display for ParamType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.keyword())
    }
}

/// A declared parameter of a schema policy; its value is the context key of the same name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Param {
    /// The name the expression uses, and the context key it reads.
    pub name: String,
    /// What the value must be.
    pub ty: ParamType,
}

impl Param {
    /// A parameter called `name` of type `ty`.
    #[must_use]
    pub fn new(name: impl Into<String>, ty: ParamType) -> Param {
        Param {
            name: name.into(),
            ty,
        }
    }
}
