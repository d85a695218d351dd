//! Which peers have shut their window: they are there, and accept no byte.
//!
//! The kernel takes what is written for such a peer as long as its own buffer has room, so a write alone does not show it.
//! The table of TCP sockets does (`/proc/self/net/tcp`, `tcp6`; proc_pid_net(5)): the timer of such a connection is the
//! zero-window probe. Where the table cannot be read, nobody is known to have shut it.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Local and remote address of a connection.
pub type Ends = (SocketAddr, SocketAddr);

/// The tables, of both families.
const TABLES: [&str; 2] = ["/proc/self/net/tcp", "/proc/self/net/tcp6"];
/// Column `tr` of a connection whose peer is asked whether its window is open again.
const ZERO_WINDOW_PROBE: &str = "04";

/// The newest reading of the kernel's tables.
#[derive(Debug, Default)]
pub struct ShutWindows {
    newest: Mutex<Option<(Instant, HashMap<Ends, u64>)>>,
}

impl ShutWindows {
    /// If the peer of this connection has shut its window, how many bytes the kernel holds that it has not taken. A reading
    /// younger than `fresh` serves all who ask.
    pub fn held_back(&self, (local, peer): Ends, fresh: Duration) -> Option<u64> {
        let ends = (canonical(local), canonical(peer));
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, shut)) = &*newest {
            if at.elapsed() < fresh {
                return shut.get(&ends).copied();
            }
        }
        let tables = TABLES.map(|table| std::fs::read_to_string(table).unwrap_or_default());
        let shut: HashMap<Ends, u64> = tables.iter().flat_map(|table| shut_in(table)).collect();
        let found = shut.get(&ends).copied();
        *newest = Some((Instant::now(), shut));
        found
    }
}

/// The connections in one table whose peer is probed for its window, with the bytes that wait for it (`tx_queue`).
fn shut_in(table: &str) -> impl Iterator<Item = (Ends, u64)> + '_ {
    table.lines().skip(1).filter_map(|line| {
        let mut columns = line.split_ascii_whitespace().skip(1);
        let (local, peer) = (columns.next()?, columns.next()?);
        let waiting = u64::from_str_radix(columns.nth(1)?.split(':').next()?, 16).ok()?;
        let timer = columns.next()?.split(':').next()?;
        (timer == ZERO_WINDOW_PROBE).then_some(())?;
        Some(((address(local)?, address(peer)?), waiting))
    })
}

/// `0100007F:0BB8`: the address as 32-bit words in the byte order of the machine, the port as a number.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |at: usize| u32::from_str_radix(ip.get(at..at + 8)?, 16).ok().map(u32::to_ne_bytes);
    let ip = match ip.len() {
        8 => IpAddr::V4(Ipv4Addr::from(word(0)?)),
        32 => {
            let mut bytes = [0; 16];
            for (at, four) in bytes.chunks_exact_mut(4).enumerate() {
                four.copy_from_slice(&word(at * 8)?);
            }
            IpAddr::V6(Ipv6Addr::from(bytes))
        }
        _ => return None,
    };
    Some(canonical(SocketAddr::new(ip, port)))
}

/// Without scope, and an IPv4 peer of a socket for both families as what it is.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt\n";

    #[test]
    #[cfg(target_endian = "little")]
    fn a_connection_under_the_zero_window_probe_is_found_and_others_are_not() {
        let table = format!(
            "{HEAD}   0: 0100007F:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000\n   \
             1: 0100007F:0BB8 0200007F:C350 01 00001000:00000000 04:00000050 00000000\n   \
             2: 0100007F:0BB8 0300007F:C351 01 00001000:00000000 01:00000050 00000000\n"
        );
        let found: Vec<(Ends, u64)> = shut_in(&table).collect();
        assert_eq!(found, [(("127.0.0.1:3000".parse().unwrap(), "127.0.0.2:50000".parse().unwrap()), 4096)]);
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn both_families_are_read_and_a_mapped_address_is_the_one_it_maps() {
        assert_eq!(address("00000000000000000000000001000000:0BB8"), "[::1]:3000".parse().ok());
        assert_eq!(address("0000000000000000FFFF00000100007F:0BB8"), "127.0.0.1:3000".parse().ok());
    }

    #[test]
    fn a_table_of_another_make_names_nobody() {
        for text in ["", "\n\n", "head\n1: zz:1 zz:2 01 0:0 04:0", "head\n1: 0100007F 0100007F 01 0:0 04:0", "h\n1: é"]
        {
            assert_eq!(shut_in(text).count(), 0, "{text:?}");
        }
    }
}
