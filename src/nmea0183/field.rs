//! Fields to SI values: the only place where units are converted.
