//! The keyboard of the terminal, key by key, given back as it was found.

use std::io::{self, Read as _};

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use tokio::sync::mpsc;

/// Keys that wait; more are dropped.
const KEYS_MAX: usize = 16;

/// A key that means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// Stand, or go on.
    Space,
    /// A higher rate.
    Faster,
    /// A lower rate.
    Slower,
    /// Back in time.
    Back,
    /// On in time.
    On,
    /// That was all.
    Quit,
}

/// The keyboard, held until this is dropped.
#[derive(Debug)]
pub(super) struct Keyboard {
    before: Termios,
    keys: mpsc::Receiver<Key>,
}

impl Keyboard {
    /// Takes the keyboard, if standard input is one.
    pub(super) fn take() -> Option<Self> {
        let before = tcgetattr(io::stdin()).ok()?;
        let mut single = before.clone();
        // Keys at once and unseen; Ctrl-C goes on to be a signal.
        single.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        single.special_codes[SpecialCodeIndex::VMIN] = 1;
        single.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(io::stdin(), OptionalActions::Now, &single).ok()?;
        let (sender, keys) = mpsc::channel(KEYS_MAX);
        let read = move || {
            let mut buffer = [0; 64];
            while let Ok(count @ 1..) = io::stdin().read(&mut buffer) {
                for key in keys_of(&buffer[..count]) {
                    if sender.try_send(key).is_err() && sender.is_closed() {
                        return;
                    }
                }
            }
        };
        std::thread::Builder::new().name("keyboard".to_owned()).spawn(read).ok()?;
        Some(Self { before, keys })
    }

    /// The next key; never comes when there will be no more.
    pub(super) async fn next(&mut self) -> Key {
        match self.keys.recv().await {
            Some(key) => key,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}

/// The keys in what a terminal sends: letters, and arrows as `ESC [ C` or `ESC O C`.
fn keys_of(bytes: &[u8]) -> Vec<Key> {
    let mut keys = Vec::new();
    let mut rest = bytes;
    while let Some((first, after)) = rest.split_first() {
        let (key, after) = match (first, after) {
            (0x1b, [b'[' | b'O', arrow, after @ ..]) => (
                match arrow {
                    b'A' => Some(Key::Faster),
                    b'B' => Some(Key::Slower),
                    b'C' => Some(Key::On),
                    b'D' => Some(Key::Back),
                    _ => None,
                },
                after,
            ),
            (b' ', _) => (Some(Key::Space), after),
            (b'+' | b'=', _) => (Some(Key::Faster), after),
            (b'-', _) => (Some(Key::Slower), after),
            (b'q' | b'Q', _) => (Some(Key::Quit), after),
            _ => (None, after),
        };
        keys.extend(key);
        rest = after;
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_from_what_terminals_send() {
        assert_eq!(keys_of(b" +=-q"), [Key::Space, Key::Faster, Key::Faster, Key::Slower, Key::Quit]);
        assert_eq!(keys_of(b"\x1b[C\x1b[D\x1bOA\x1b[Bx"), [Key::On, Key::Back, Key::Faster, Key::Slower]);
        assert_eq!(keys_of(b"\x1b[Z\x1b"), []);
    }
}
