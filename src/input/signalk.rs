//! Another Signal K server as an input: a client that subscribes to everything (or to what the configuration names) and
//! hands over what it hears.
//!
//! What becomes of the data on the way:
//!
//! - `$source` becomes `<input>.<their $source>`. Both ends may well have an input called `gps`; without the name in front
//!   two antennas would pass for one. Whatever comes through an input can be told by its name, in priority rules too.
//! - Times stay as they are: the moment of measuring, not of passing on.
//! - The other server's own vessel is ours when its identity is ours, or when the configuration says that it is aboard
//!   (`aboard = true`); else it stays the vessel that it says it is.
//! - What has come through us before is dropped, and never asked for where the other server knows how
//!   ([`crate::kernel::relay`]); for those that don't, [`echo`] compares.
//!
//! `ws` and `wss` are watched with pings, `tcp` by the kernel's keep-alive. Metadata comes over WebSocket only: the raw
//! stream has no way to ask for it.

#[cfg(feature = "upstream")]
mod address;
#[cfg(feature = "upstream")]
mod discovery;
#[cfg(feature = "upstream")]
mod echo;
#[cfg(feature = "upstream")]
mod raw;
#[cfg(feature = "upstream")]
mod relaying;
#[cfg(feature = "upstream")]
mod trust;
#[cfg(feature = "upstream")]
mod websocket;

use super::ended::{Ended, Why};
use super::intake::Intake;
use crate::config::Upstream;

/// The longest message that is taken, in bytes. A longer one ends a WebSocket; a line of the raw stream is passed over.
#[cfg(feature = "upstream")]
const MESSAGE_BYTES_MAX: usize = 1 << 20;

/// One connection to the other server, from resolving its name to its end.
#[cfg(feature = "upstream")]
pub(super) async fn run(upstream: &Upstream, intake: &Intake) -> Ended {
    let Some(home) = &intake.wiring.home else {
        return Ended::new(
            Why::Unsupported,
            format!("connect to {}: nobody has said who we are", shown(&upstream.url)),
        );
    };
    let relaying = relaying::Relaying::new(upstream, home, &intake.name, intake.origin());
    match go(upstream, intake, relaying).await {
        Ok(never) => match never {},
        Err(ended) => ended,
    }
}

#[cfg(feature = "upstream")]
async fn go(
    upstream: &Upstream,
    intake: &Intake,
    relaying: relaying::Relaying,
) -> Result<std::convert::Infallible, Ended> {
    use address::{Address, Scheme};
    let unreadable = |url: &str| Ended::new(Why::Malformed, format!("connect to {}: not a usable address", shown(url)));
    let mut address = Address::parse(&upstream.url).ok_or_else(|| unreadable(&upstream.url))?;
    if address.scheme == Scheme::Http {
        let url = discovery::stream_url(&address, intake.wiring.timing.connect).await?;
        address = Address::parse(&url).filter(|a| a.scheme != Scheme::Http).ok_or_else(|| unreadable(&url))?;
    }
    match address.scheme {
        Scheme::Tcp => raw::read(&address, intake, relaying).await,
        Scheme::Ws | Scheme::Wss | Scheme::Http => websocket::read(&address, upstream, intake, relaying).await,
    }
}

/// A URL for people: without its query, which may hold a token.
#[cfg(feature = "upstream")]
fn shown(url: &str) -> &str {
    url.split('?').next().unwrap_or(url)
}

#[cfg(feature = "upstream")]
fn no_hello(shown: &str, limit: std::time::Duration) -> Ended {
    let text = format!("read {shown}: no hello in {} s", limit.as_secs());
    Ended::new(Why::Malformed, super::ended::with_advice(text, "is it a Signal K server?"))
}

#[cfg(feature = "upstream")]
impl Intake {
    /// Reports and hands over what has been heard; `before` is how the counters were.
    async fn relayed(
        &self,
        before: &crate::nmea0183::Counters,
        relaying: &mut relaying::Relaying,
    ) -> Result<(), Ended> {
        let now = self.now();
        self.status.heard(before, &relaying.counters, now);
        self.send(std::mem::take(&mut relaying.updates), now).await
    }
}

/// One connection to the other server.
#[cfg(not(feature = "upstream"))]
#[expect(clippy::unused_async, reason = "with the feature it awaits")]
pub(super) async fn run(upstream: &Upstream, _intake: &Intake) -> Ended {
    let text = format!("connect to {}: this build has no client for other Signal K servers", upstream.url);
    Ended::new(Why::Unsupported, text)
}
