//! Why an input's connection ended. Every end has a reason from [`Why`], for programs, and a sentence that names the
//! operation, the object and what to do, for the person at the chart table.

use std::any::Any;
use std::fmt;
use std::io;

/// The reason of an end, as far as the supervisor and a status page tell ends apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// It was there and went: unplugged, closed by the other side, reset.
    Disconnected,
    /// All of it has been read. There is no more.
    Eof,
    /// The host is there and nothing listens, or it turns us away.
    Refused,
    /// There is no way to the host.
    Unreachable,
    /// No such device, file or host name.
    NotFound,
    /// The operating system does not let us.
    Permission,
    /// Another program has it.
    Busy,
    /// No answer in time.
    TimedOut,
    /// Connected, and not a byte for too long.
    Silent,
    /// Bytes come, and they are not what they should be.
    Malformed,
    /// This build cannot do it.
    Unsupported,
    /// The server itself is stopping.
    Stopping,
    /// A defect in this program; only this input is hurt.
    Panicked,
    /// Anything else that the operating system reports.
    Failed,
}

impl Why {
    /// Whether another attempt makes no sense.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Eof | Self::Unsupported | Self::Stopping)
    }

    /// The reason behind an error of the operating system.
    pub fn of(error: &io::Error) -> Self {
        use io::ErrorKind as Kind;
        match error.kind() {
            Kind::NotFound => Self::NotFound,
            Kind::PermissionDenied => Self::Permission,
            Kind::ConnectionRefused => Self::Refused,
            Kind::ConnectionReset
            | Kind::ConnectionAborted
            | Kind::BrokenPipe
            | Kind::NotConnected
            | Kind::UnexpectedEof => Self::Disconnected,
            Kind::HostUnreachable | Kind::NetworkUnreachable | Kind::NetworkDown | Kind::AddrNotAvailable => {
                Self::Unreachable
            }
            Kind::AddrInUse | Kind::ResourceBusy => Self::Busy,
            Kind::TimedOut => Self::TimedOut,
            _ => Self::Failed,
        }
    }

    /// In plain words, where a reason says all that the system's own text would.
    const fn words(self) -> Option<&'static str> {
        match self {
            Self::Permission => Some("permission denied"),
            Self::Refused => Some("connection refused"),
            Self::NotFound => Some("not found"),
            Self::Busy => Some("in use by another program"),
            Self::TimedOut => Some("no answer in time"),
            Self::Unreachable => Some("no way there"),
            Self::Disconnected => Some("disconnected"),
            _ => None,
        }
    }
}

/// How a connection, or the attempt at one, ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The reason.
    pub why: Why,
    /// Operation, object, reason and advice in one line, lower case.
    pub message: String,
}

impl Ended {
    /// An end in words of our own.
    pub fn new(why: Why, message: impl Into<String>) -> Self {
        Self { why, message: message.into() }
    }

    /// An error of the operating system while doing `operation` (which names its object). `advice` says what to do about
    /// a reason, or nothing.
    pub fn io(operation: impl fmt::Display, error: &io::Error, advice: fn(Why) -> &'static str) -> Self {
        let why = Why::of(error);
        let reason = why.words().map_or_else(|| lower_first(&error.to_string()), str::to_owned);
        Self::new(why, with_advice(format!("{operation}: {reason}"), advice(why)))
    }

    /// A panic somewhere below.
    pub fn panicked(payload: &(dyn Any + Send)) -> Self {
        let text = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("no message");
        Self::new(Why::Panicked, format!("a defect in this program: {text} (please report it)"))
    }

    /// Nobody takes what is read any more.
    pub fn stopping() -> Self {
        Self::new(Why::Stopping, "the server is stopping")
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// `message (advice)`, or the message alone.
pub fn with_advice(message: String, advice: &str) -> String {
    if advice.is_empty() { message } else { format!("{message} ({advice})") }
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_operation_object_reason_and_advice() {
        let advice = |why| if why == Why::Permission { "add the user to the group dialout" } else { "" };
        let table = [
            (
                io::ErrorKind::PermissionDenied,
                "open serial /dev/ttyUSB0 at 4800: permission denied (add the user to the group dialout)",
            ),
            (io::ErrorKind::NotFound, "open serial /dev/ttyUSB0 at 4800: not found"),
            (io::ErrorKind::InvalidData, "open serial /dev/ttyUSB0 at 4800: invalid data"),
        ];
        for (kind, message) in table {
            let ended = Ended::io("open serial /dev/ttyUSB0 at 4800", &io::Error::from(kind), advice);
            assert_eq!(ended.message, message);
        }
    }
}
