//! DNS-SD over multicast DNS (RFC 6763, RFC 6762): apps find the server without anybody typing an address.
//!
//! [`Announcement`] says what is announced and [`reach`] on which interfaces; [`announce`] keeps it announced until the
//! server stops; [`discover`] looks for Signal K servers.
//!
//! Invariants: nothing here ends or delays the server. The responder runs on a thread of its own; when its port cannot be
//! had, or when it dies (of a packet, say), that is a warning, and a new one is tried every [`RETRY_AFTER`]. Names from the
//! network are only ever shown, shortened and without control characters.

pub mod announcement;
pub mod discover;
pub mod reach;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use mdns_sd::{DaemonEvent, IfKind, IfPredicate, Receiver, ServiceDaemon, ServiceInfo};
use socket2::{Domain, Protocol, Socket, Type};
use tokio_util::sync::CancellationToken;

pub use announcement::Announcement;

use announcement::Service;
use reach::Reach;

/// The port of multicast DNS, which all responders of a machine share (RFC 6762, section 15.1).
const PORT: u16 = 5353;
/// A responder that could not start, or died, is tried again after this.
pub const RETRY_AFTER: Duration = Duration::from_secs(5);
/// Between the two goodbyes: the responder repeats each after 120 ms, since one packet is easily lost on a wireless net.
const GOODBYE_AGAIN: Duration = Duration::from_millis(150);
/// How long the responder may take for its last words.
const GOODBYE_TIMEOUT: Duration = Duration::from_millis(400);

/// Why there is no responder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Somebody has the port for himself, or it is forbidden.
    #[error("open UDP port {PORT} for multicast DNS: {0}")]
    Port(String),
    /// The responder says this of itself.
    #[error("multicast DNS: {0}")]
    Responder(#[from] mdns_sd::Error),
    /// Its thread has ended.
    #[error("multicast DNS: the responder has ended by itself")]
    Died,
}

/// What the machine is called; empty when it does not say.
pub fn machine() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").map(|name| name.trim().to_owned()).unwrap_or_default()
}

/// Keeps `announcement` announced until `token` is cancelled, and takes it back then. Addresses that come and go later are
/// followed; the network need not be there yet.
pub async fn announce(announcement: Announcement, token: CancellationToken) {
    if announcement.services.is_empty() {
        tracing::info!("not announced on the network: nobody outside this computer can reach it");
        return;
    }
    let mut said = None;
    while !token.is_cancelled() {
        let Err(failure) = respond(&announcement, &token).await else { return };
        // Once for each reason, not every few seconds.
        if said.as_ref() != Some(&failure) {
            tracing::warn!("not announced on the network: {failure}; tried again every {RETRY_AFTER:?}");
            said = Some(failure);
        }
        tokio::select! {
            () = token.cancelled() => {}
            () = tokio::time::sleep(RETRY_AFTER) => {}
        }
    }
}

/// One life of a responder. `Ok` when it was told to stop and has said goodbye.
async fn respond(announcement: &Announcement, token: &CancellationToken) -> Result<(), Failure> {
    let responder = start(announcement.reaches())?;
    let events = responder.monitor()?;
    let mut names = Vec::new();
    for service in &announcement.services {
        let info = info(announcement, service)?;
        names.push(info.get_fullname().to_owned());
        responder.register(info)?;
    }
    tracing::info!("announced on the network as {:?}", announcement.instance);
    tokio::select! {
        () = token.cancelled() => {
            goodbye(&responder, &names).await;
            Ok(())
        }
        () = watch(&events) => Err(Failure::Died),
    }
}

/// A responder on the interfaces that are reached by one of `reaches`, and on no others.
///
/// # Errors
/// The port cannot be had. The responder itself would keep silent about that.
fn start(reaches: Vec<Reach>) -> Result<ServiceDaemon, Failure> {
    check_port().map_err(|error| Failure::Port(error.to_string()))?;
    let responder = ServiceDaemon::new()?;
    responder.disable_interface(IfKind::All)?;
    responder.enable_interface(IfKind::Predicate(predicate(reaches)))?;
    Ok(responder)
}

fn predicate(reaches: Vec<Reach>) -> IfPredicate {
    IfPredicate::new(move |interface| {
        let is_loopback = interface.is_loopback();
        reaches.iter().any(|reach| reach.by(&interface.name, interface.ip(), is_loopback))
    })
}

/// Whether the port can be shared with whoever has it, such as avahi. Both have to ask for sharing.
fn check_port() -> std::io::Result<()> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT)).into())
}

fn info(announcement: &Announcement, service: &Service) -> Result<ServiceInfo, mdns_sd::Error> {
    let domain = format!("{}.local.", service.kind);
    let (instance, host) = (&announcement.instance, &announcement.host);
    let addresses: &[IpAddr] = &[];
    let mut info = ServiceInfo::new(&domain, instance, host, addresses, service.port, &announcement.txt[..])?
        // Follow the addresses of the interfaces, now and later.
        .enable_addr_auto();
    info.set_interfaces(vec![IfKind::Predicate(predicate(vec![service.reach.clone()]))]);
    Ok(info)
}

/// Says what the responder tells of itself. Ends when the responder does.
async fn watch(events: &Receiver<DaemonEvent>) {
    while let Ok(event) = events.recv_async().await {
        match event {
            DaemonEvent::NameChange(change) => {
                tracing::info!("the name {:?} is taken; announced as {:?}", change.original, change.new_name);
            }
            DaemonEvent::Error(error) => tracing::warn!("multicast DNS: {error}"),
            DaemonEvent::IpAdd(ip) => tracing::info!("announced on {ip}"),
            DaemonEvent::IpDel(ip) => tracing::info!("no more announced on {ip}"),
            _ => {}
        }
    }
}

/// Takes everything back (time to live 0), twice.
async fn goodbye(responder: &ServiceDaemon, names: &[String]) {
    let withdrawn = names.iter().filter_map(|name| responder.unregister(name).ok());
    for done in withdrawn.collect::<Vec<_>>() {
        let _ = tokio::time::timeout(GOODBYE_TIMEOUT, done.recv_async()).await;
    }
    tokio::time::sleep(GOODBYE_AGAIN).await;
    if let Ok(ended) = responder.shutdown() {
        let _ = tokio::time::timeout(GOODBYE_TIMEOUT, ended.recv_async()).await;
    }
}
