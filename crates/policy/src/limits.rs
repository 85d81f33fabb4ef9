//! The bounds that make every expression total. Exceeding one at compile time is an error, at run time it makes the
//! outcome unknown.

/// The longest source, in bytes.
pub const MAX_SOURCE_BYTES: usize = 16 * 1024;
/// The highest expression tree.
pub const MAX_DEPTH: u32 = 64;
/// The most sub-expressions the parser is inside of at once; parentheses count here and not for [`MAX_DEPTH`].
pub const MAX_NESTING: usize = 64;
/// The most expressions in a tree.
pub const MAX_NODES: usize = 4096;
/// The steps of one evaluation: one for each expression evaluated, each array element visited and each byte built,
/// one for every 16 bytes of text read.
pub const MAX_STEPS: u64 = 100_000;
/// The most levels of arrays and maps in a value that is built, compared or printed.
pub const MAX_VALUE_DEPTH: u32 = 64;
/// The longest regular expression, in bytes.
pub const MAX_PATTERN_BYTES: usize = 1024;
/// The most constant regular expressions in one policy.
pub const MAX_PATTERNS: usize = 32;
/// The compiled size of a regular expression, in bytes.
pub const MAX_PATTERN_SIZE: usize = 256 * 1024;
/// The most levels of groups in a regular expression.
pub const MAX_PATTERN_DEPTH: u32 = 32;
/// What compiling a regular expression at run time costs, in steps, besides its length.
pub const PATTERN_STEPS: u64 = 10_000;
/// The longest piece of source or value quoted in a message, in characters.
pub const MAX_QUOTE: usize = 80;
