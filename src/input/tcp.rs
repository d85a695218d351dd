//! TCP client: the multiplexer with Wi-Fi, the AIS receiver with a network plug. The name is resolved at each attempt, since
//! the address behind it changes when the router restarts.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::net::sockopt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::ended::{Ended, Why, with_advice};
use super::intake::{Intake, OnJunk, Patience};

/// A connection that has been quiet for this long is asked whether it is still there.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
/// Pause between two such questions.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
/// Questions without an answer until it is not: a box that lost its power is noticed after a minute.
const KEEPALIVE_COUNT: u32 = 3;

/// One connection from resolving the name to its end.
pub(super) async fn run(address: &str, intake: &Intake) -> Ended {
    let mut stream = match connect(address, intake.wiring.timing.connect).await {
        Ok(stream) => stream,
        Err(ended) => return ended,
    };
    let object = format!("tcp {address}");
    intake.running(&object);
    intake.read_stream(&mut stream, intake.decoding(), &object, PATIENCE).await
}

/// Resolves the name and connects; the kernel watches the peer from then on.
pub(super) async fn connect(address: &str, limit: Duration) -> Result<TcpStream, Ended> {
    let stream = match timeout(limit, TcpStream::connect(address)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(connect_error(address, &error)),
        Err(_) => {
            let text = format!("connect to tcp {address}: no answer in {} s", limit.as_secs());
            return Err(Ended::new(Why::TimedOut, with_advice(text, "is it switched on and in this network?")));
        }
    };
    watch_the_peer(&stream)
        .map_err(|error| Ended::io(format_args!("set keepalive of tcp {address}"), &error, |_| ""))?;
    Ok(stream)
}

/// A peer on the network may be quiet for hours; keepalive finds out when it is gone.
pub(super) const PATIENCE: Patience =
    Patience { silence: None, on_junk: OnJunk::Report, junk_advice: "is this the right port, and the right format?" };

/// Has the kernel find out when the other side is gone without a word.
pub(super) fn watch_the_peer(stream: impl AsFd) -> io::Result<()> {
    sockopt::set_socket_keepalive(&stream, true)?;
    sockopt::set_tcp_keepidle(&stream, KEEPALIVE_IDLE)?;
    sockopt::set_tcp_keepintvl(&stream, KEEPALIVE_INTERVAL)?;
    sockopt::set_tcp_keepcnt(&stream, KEEPALIVE_COUNT)?;
    let user_timeout = KEEPALIVE_IDLE + KEEPALIVE_INTERVAL * KEEPALIVE_COUNT;
    Ok(sockopt::set_tcp_user_timeout(&stream, user_timeout.as_millis() as u32)?)
}

fn connect_error(address: &str, error: &io::Error) -> Ended {
    // The resolver's failures have no kind of their own, and no errno.
    if error.raw_os_error().is_none() && Why::of(error) == Why::Failed {
        let text = format!("connect to tcp {address}: no such host");
        return Ended::new(Why::NotFound, with_advice(text, "is the name right? an IP address always works"));
    }
    Ended::io(format_args!("connect to tcp {address}"), error, |why| match why {
        Why::Refused => "does it listen on that port? some boxes take one client only",
        Why::Unreachable => "is this computer in its network?",
        Why::TimedOut => "is it switched on and in this network?",
        _ => "",
    })
}
