//! What can be changed while tables are guarded, and what is refused.
