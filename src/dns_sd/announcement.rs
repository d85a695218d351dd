//! What is announced: the services that listen, and who we are, in TXT records (specification: "Discovery").

use std::net::SocketAddr;

use super::reach::Reach;
use crate::config::Config;
use crate::kernel::encode::API_VERSION;
use crate::kernel::hello::{Identity, ROLES};

/// Bytes of an instance name: one label of DNS (RFC 1035, section 2.3.4).
const LABEL_BYTES_MAX: usize = 63;
/// Bytes of one `key=value` of a TXT record (RFC 6763, section 6.1).
const TXT_BYTES_MAX: usize = 255;

/// Everything that is said about this server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// What people see in a list: the boat's name, else that of the server.
    pub instance: String,
    /// The name that the addresses belong to, with `.local.` at its end.
    pub host: String,
    /// The same for all services.
    pub txt: Vec<(&'static str, String)>,
    /// What listens.
    pub services: Vec<Service>,
}

/// One service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Such as `_signalk-ws._tcp`.
    pub kind: &'static str,
    /// Where it is seen from outside.
    pub port: u16,
    /// From where.
    pub reach: Reach,
}

impl Announcement {
    /// What a server with this configuration has to say when it listens on `http` and perhaps on `tcp`. Without services
    /// where nobody outside can reach any.
    pub fn new(config: &Config, identity: &Identity, machine: &str, http: SocketAddr, tcp: Option<SocketAddr>) -> Self {
        let outside = config.server.external_port.unwrap_or(http.port());
        let all = [
            ("_http._tcp", Some(http), outside),
            ("_signalk-http._tcp", Some(http), outside),
            ("_signalk-ws._tcp", Some(http), outside),
            ("_signalk-tcp._tcp", tcp, tcp.map_or(0, |tcp| tcp.port())),
        ];
        let service = |(kind, bound, port): (&'static str, Option<SocketAddr>, u16)| {
            let reach = Reach { bound: bound?.ip(), chosen: config.server.mdns_interfaces.clone() };
            (!reach.is_nowhere()).then_some(Service { kind, port, reach })
        };
        let name = config.vessel.name.as_ref().unwrap_or(&identity.name);
        Self {
            instance: shortened(name, LABEL_BYTES_MAX).to_owned(),
            host: host(machine),
            txt: txt(config, identity),
            services: all.into_iter().filter_map(service).collect(),
        }
    }

    /// From where the services can be reached.
    pub fn reaches(&self) -> Vec<Reach> {
        self.services.iter().map(|service| service.reach.clone()).collect()
    }
}

/// TXT keys (MDNS-04 to MDNS-08); what is not known is left out.
fn txt(config: &Config, identity: &Identity) -> Vec<(&'static str, String)> {
    let vessel = &config.vessel;
    // The UUID that the server made for the boat counts as one of the configuration.
    let made = identity.own.strip_prefix("vessels.").filter(|id| id.starts_with("urn:mrn:signalk:uuid:"));
    let all = [
        ("txtvers", Some("1")),
        ("roles", Some(&*ROLES.join(","))),
        ("self", Some(&*identity.own)),
        ("swname", Some(&*identity.name)),
        ("swvers", Some(API_VERSION)),
        ("vname", vessel.name.as_deref()),
        ("vmmsi", vessel.mmsi.as_deref()),
        ("vuuid", vessel.uuid.as_deref().or(made)),
    ]
    .map(|(key, text)| (key, text.map(|text| shortened(text, TXT_BYTES_MAX - key.len() - 1).to_owned())));
    all.into_iter().filter_map(|(key, text)| Some((key, text.filter(|text| !text.is_empty())?))).collect()
}

/// A host name of our own beside the machine's (`helm` becomes `helm-taffrail.local.`). The machine's belongs to its own
/// responder where there is one, and that would take it for stolen as soon as the two differ in an address.
fn host(machine: &str) -> String {
    const OURS: &str = "taffrail";
    let first = machine.split('.').next().unwrap_or_default();
    let plain: String = first.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let plain = shortened(plain.trim_matches('-'), LABEL_BYTES_MAX - OURS.len() - "-99-".len());
    match plain {
        "" => format!("{OURS}.local."),
        plain => format!("{plain}-{OURS}.local."),
    }
}

/// As much of a text as fits into so many bytes.
fn shortened(text: &str, bytes_max: usize) -> &str {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Vessel;

    const UUID: &str = "urn:mrn:signalk:uuid:0f6e2c1a-3b5d-4e7f-8a9b-0c1d2e3f4a5b";

    fn announcement(change: impl FnOnce(&mut Config), own: &str, http: &str, tcp: Option<&str>) -> Announcement {
        let mut config = Config::default();
        change(&mut config);
        let identity = Identity { name: "taffrail".to_owned(), own: format!("vessels.{own}") };
        let address = |text: &str| text.parse().unwrap();
        Announcement::new(&config, &identity, "helm.local", address(http), tcp.map(address))
    }

    fn ports(announcement: &Announcement) -> Vec<(&str, u16)> {
        announcement.services.iter().map(|service| (service.kind, service.port)).collect()
    }

    #[test]
    fn what_listens_is_announced_with_who_we_are() {
        let boat = |config: &mut Config| {
            config.vessel =
                Vessel { name: Some("Wild Rose".to_owned()), mmsi: Some("230099999".to_owned()), ..Vessel::default() };
        };
        let own = "urn:mrn:imo:mmsi:230099999";
        let full = announcement(boat, own, "0.0.0.0:3000", Some("0.0.0.0:8375"));
        let expected = [
            ("_http._tcp", 3000),
            ("_signalk-http._tcp", 3000),
            ("_signalk-ws._tcp", 3000),
            ("_signalk-tcp._tcp", 8375),
        ];
        assert_eq!(ports(&full), expected);
        assert_eq!((&*full.instance, &*full.host), ("Wild Rose", "helm-taffrail.local."));
        let txt: Vec<String> = full.txt.iter().map(|(key, text)| format!("{key}={text}")).collect();
        let expected = [
            "txtvers=1",
            "roles=master,main",
            "self=vessels.urn:mrn:imo:mmsi:230099999",
            "swname=taffrail",
            "swvers=2.24.0",
            "vname=Wild Rose",
            "vmmsi=230099999",
        ];
        assert_eq!(txt, expected);
    }

    #[test]
    fn what_is_not_known_or_does_not_listen_is_left_out() {
        let bare = announcement(|_| (), UUID, "[::]:3000", None);
        assert_eq!(bare.instance, "taffrail");
        let keys: Vec<&str> = bare.txt.iter().map(|(key, _)| *key).collect();
        assert_eq!(keys, ["txtvers", "roles", "self", "swname", "swvers", "vuuid"]);
        assert_eq!(bare.txt[5].1, UUID);
        assert_eq!(ports(&bare).len(), 3);
        let inside = announcement(|_| (), UUID, "127.0.0.1:3000", Some("0.0.0.0:8375"));
        assert_eq!(ports(&inside), [("_signalk-tcp._tcp", 8375)]);
        assert_eq!(announcement(|_| (), UUID, "[::1]:3000", Some("127.0.0.1:8375")).services, []);
    }

    #[test]
    fn behind_a_proxy_its_port_is_announced() {
        let proxied = announcement(|c| c.server.external_port = Some(80), UUID, "0.0.0.0:3000", Some("0.0.0.0:8375"));
        assert_eq!(
            ports(&proxied)[1..],
            [("_signalk-http._tcp", 80), ("_signalk-ws._tcp", 80), ("_signalk-tcp._tcp", 8375)]
        );
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        let long = announcement(|c| c.vessel.name = Some("ä".repeat(200)), UUID, "0.0.0.0:1", None);
        assert_eq!(long.instance, "ä".repeat(31));
        assert!(long.txt.iter().all(|(key, text)| key.len() + 1 + text.len() <= TXT_BYTES_MAX), "{:?}", long.txt);
        for (machine, expected) in
            [("helm", "helm-taffrail.local."), ("", "taffrail.local."), ("ä b.c", "b-taffrail.local.")]
        {
            assert_eq!(host(machine), expected, "{machine}");
        }
        assert!(host(&"x".repeat(64)).len() <= LABEL_BYTES_MAX + ".local.".len());
    }
}
