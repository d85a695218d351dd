//! How long the kernel waits for a peer before it gives the connection up.
//!
//! A peer that has vanished (a phone out of reach, a cable pulled) does not acknowledge anything; the kernel notices that
//! (`TCP_USER_TIMEOUT`, RFC 5482). But the same timeout ends a connection whose peer is there and does not read: its window
//! is zero, and no byte is accepted. Such a peer has until `stall_close`, so while the stream has something to send that
//! the kernel does not take, or its window is known to be shut ([`super::shut_windows`]), the timeout is raised above that; the
//! driver then is the one who decides.

use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// Shorter intervals than this would cut off peers on a bad link, whose packets are only late.
const INTERVAL_MIN: Duration = Duration::from_secs(1);
/// Probes that stay unanswered before an idle connection is given up.
const PROBES: u32 = 3;

/// How long to wait for one peer.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    interval: Duration,
    stall_close: Duration,
    /// The peer accepts nothing at the moment.
    raised: bool,
}

impl Patience {
    /// A peer that is silent for two intervals has vanished; one that does not read has until `stall_close`.
    pub fn new(ping_interval: Duration, stall_close: Duration) -> Self {
        Self { interval: ping_interval.max(INTERVAL_MIN), stall_close, raised: false }
    }

    /// Sets a new connection up: probes while nothing is sent, and a limit for data that nobody acknowledges.
    pub(super) fn begin(&self, stream: &TcpStream) {
        let probe = self.interval / PROBES;
        let keepalive = TcpKeepalive::new().with_time(self.interval).with_interval(probe).with_retries(PROBES);
        let _ = SockRef::from(stream).set_tcp_keepalive(&keepalive);
        self.set(stream);
    }

    /// The kernel took something.
    pub(super) fn accepts(&mut self, stream: &TcpStream) {
        if std::mem::replace(&mut self.raised, false) {
            self.set(stream);
        }
    }

    /// The kernel took nothing: its buffer is full.
    pub(super) fn accepts_nothing(&mut self, stream: &TcpStream) {
        if !std::mem::replace(&mut self.raised, true) {
            self.set(stream);
        }
    }

    fn unacknowledged_for(&self) -> Duration {
        let vanished = self.interval * 2;
        if self.raised { vanished + self.stall_close } else { vanished }
    }

    fn set(&self, stream: &TcpStream) {
        let _ = SockRef::from(stream).set_tcp_user_timeout(Some(self.unacknowledged_for()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_does_not_read_is_waited_for_longer_than_one_that_has_vanished() {
        let seconds = Duration::from_secs;
        let mut patience = Patience::new(seconds(30), seconds(120));
        assert_eq!(patience.unacknowledged_for(), seconds(60));
        patience.raised = true;
        assert_eq!(patience.unacknowledged_for(), seconds(180));
        assert_eq!(Patience::new(Duration::from_millis(100), seconds(1)).unacknowledged_for(), seconds(2));
    }

    #[tokio::test]
    async fn the_socket_has_the_timeout_of_the_moment() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let mut patience = Patience::new(Duration::from_secs(30), Duration::from_secs(120));
        let timeout = || SockRef::from(&stream).tcp_user_timeout().unwrap();
        patience.begin(&stream);
        assert_eq!(timeout(), Some(Duration::from_secs(60)));
        patience.accepts_nothing(&stream);
        assert_eq!(timeout(), Some(Duration::from_secs(180)));
        patience.accepts(&stream);
        assert_eq!(timeout(), Some(Duration::from_secs(60)));
    }
}
