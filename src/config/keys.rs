//! The one list of tables and keys. What is not here is refused; what is here is read from the file, has its environment
//! variable, stands in the sample and is explained there.

use Given::{Default, Example, Required};
use Kind::{Any, List, Number, Switch, Text, Whole};

/// A table of the configuration.
#[derive(Debug)]
pub struct Table {
    /// Dotted, such as `server` or `security.user`.
    pub name: &'static str,
    /// `[name]` once, or `[[name]]` any number of times.
    pub shape: Shape,
    /// What it is for, in sentences; lines end where the sample's lines end.
    pub about: &'static str,
    /// Its keys, in the order of the sample and of the report.
    pub keys: &'static [Key],
}

/// How often a table stands in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `[name]`; its keys have environment variables.
    Once,
    /// `[[name]]`
    Many,
    /// The elements of an array of inline tables, `key = [{ … }]`.
    Inline,
}

/// A key of a table.
#[derive(Debug)]
pub struct Key {
    /// As it stands in the file.
    pub name: &'static str,
    /// How text from the environment or from a flag is taken.
    pub kind: Kind,
    /// What holds when nobody says anything.
    pub given: Given,
    /// One line for the sample.
    pub about: &'static str,
}

/// How text that does not come from TOML becomes a TOML value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// As it is.
    Text,
    /// An integer.
    Whole,
    /// A number, with or without a fraction.
    Number,
    /// `true` or `false`.
    Switch,
    /// Texts, with commas between them.
    List,
    /// Of several types, or not expressible outside the file.
    Any,
}

/// What a key is without being set. All of these are TOML text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given {
    /// This value.
    Default(&'static str),
    /// Nothing; the sample shows this.
    Example(&'static str),
    /// Must be set; the sample shows this.
    Required(&'static str),
}

impl Given {
    /// The text that the sample shows.
    pub const fn sample(self) -> &'static str {
        match self {
            Default(text) | Example(text) | Required(text) => text,
        }
    }
}

/// A key whose value is shown to nobody.
pub const SECRET: &str = "password";

/// The table called `name`.
pub fn table(name: &str) -> Option<&'static Table> {
    TABLES.iter().find(|table| table.name == name)
}

impl Table {
    /// The key called `name`.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// The environment variable of `key`: `TAFFRAIL_SERVER_HTTP`.
    pub fn variable(&self, key: &Key) -> String {
        format!("{}{}_{}", super::environment::PREFIX, self.name, key.name).to_ascii_uppercase()
    }
}

const fn key(name: &'static str, kind: Kind, given: Given, about: &'static str) -> Key {
    Key { name, kind, given, about }
}

/// Every table there is. A table with a dot in its name follows the one it belongs to.
pub const TABLES: &[Table] = &[
    Table {
        name: "server",
        shape: Shape::Once,
        about: "The server itself.",
        keys: &[
            key("http", Text, Default("\"0.0.0.0:3000\""), "Where HTTP and WebSocket listen."),
            key("tcp", Text, Default("\"0.0.0.0:8375\""), "Where the line-by-line TCP stream listens, or \"off\"."),
            key("mdns", Switch, Default("true"), "Announce the server on the local network."),
            key(
                "mdns_interfaces",
                List,
                Default("[]"),
                "Announce on these interfaces only, such as [\"eth0\"]; without any, on all but loopback.",
            ),
            key(
                "external_port",
                Whole,
                Example("80"),
                "HTTP port to announce behind a proxy; without it $EXTERNALPORT, else the port of http.",
            ),
            key("name", Text, Default("\"taffrail\""), "What the server calls itself to clients."),
            key("max_connections_per_ip", Whole, Default("30"), "Connections from one address; loopback counts too."),
            key("ping_interval_ms", Whole, Default("30000"), "A WebSocket ping every so often, in milliseconds."),
            key("stall_close", Text, Default("\"120s\""), "A client that takes no byte for this long is closed."),
            key("allow_write", List, Default("[\"127.0.0.0/8\", \"::1\"]"), "Addresses and ranges that may write."),
            key(
                "clock",
                Text,
                Default("\"auto\""),
                "\"trusted\", \"untrusted\", or \"auto\": on a board without a hardware clock, once something confirms the time.",
            ),
            key(
                "state_dir",
                Text,
                Example("\"/var/lib/taffrail\""),
                "Without it $STATE_DIRECTORY, else $XDG_STATE_HOME/taffrail, else ~/.local/state/taffrail.",
            ),
        ],
    },
    Table {
        name: "vessel",
        shape: Shape::Once,
        about: "The boat. With an mmsi it is known by that; else by the uuid; without both the server makes a uuid and keeps it.",
        keys: &[
            key(
                "uuid",
                Text,
                Example("\"urn:mrn:signalk:uuid:0f6e2c1a-3b5d-4e7f-8a9b-0c1d2e3f4a5b\""),
                "Version 4, as a URN.",
            ),
            key("mmsi", Text, Example("\"230099999\""), "Nine digits, in quotes."),
            key("name", Text, Example("\"Wild Rose\""), "Name of the boat."),
            key("callsign", Text, Example("\"OH1234\""), "VHF call sign."),
            key("flag", Text, Example("\"FI\""), "Flag state, two letters."),
            key("port", Text, Example("\"Helsinki\""), "Home port."),
            key("imo", Text, Example("\"9074729\""), "IMO number, seven digits, in quotes."),
            key("draft", Number, Example("1.8"), "Greatest draft in metres."),
            key("length", Number, Example("10.5"), "Length over all in metres."),
            key("beam", Number, Example("3.4"), "Beam in metres."),
            key("air_height", Number, Example("15.2"), "Height above the water in metres."),
            key("type", Whole, Example("36"), "AIS ship type: 36 sailing, 37 pleasure craft, 30 fishing."),
            key("gps_from_bow", Number, Example("8.0"), "Metres from the bow to the GPS antenna."),
            key("gps_from_center", Number, Example("-0.5"), "Metres from the centre line to it, starboard positive."),
        ],
    },
    Table {
        name: "input",
        shape: Shape::Many,
        about: "A device or connection that data come from, once for each. Without any the demo boat is the one input.",
        keys: &[
            key("name", Any, Required("\"gps\""), "Unique; the first part of every $source. Letters, digits, - and _."),
            key(
                "type",
                Any,
                Required("\"serial\""),
                "serial, tcp (connects), tcp-listen, udp, file, stdin, demo or signalk.",
            ),
            key("device", Any, Required("\"/dev/ttyUSB0\""), "serial: better the name below /dev/serial/by-id."),
            key("baud", Any, Default("4800"), "serial: bits per second, or \"auto\"."),
            key(
                "address",
                Any,
                Required("\"192.168.1.50:10110\""),
                "tcp: host:port; tcp-listen and udp: where to listen.",
            ),
            key(
                "url",
                Any,
                Required("\"ws://192.168.1.51:3000\""),
                "signalk: ws://, wss:// or tcp:// and the host; http:// asks it where its stream is.",
            ),
            key("subscribe", Any, Default("\"all\""), "signalk: or \"self\", what is about its own vessel only."),
            key("paths", Any, Default("[\"*\"]"), "signalk: only these; * stands for anything."),
            key(
                "aboard",
                Any,
                Default("false"),
                "signalk: its boat is our boat, even if the two servers were given different identities.",
            ),
            key(
                "certificate",
                Any,
                Example("\"/etc/taffrail/other.pem\""),
                "signalk, wss: the one certificate it may show, for a server without one from a public authority.",
            ),
            key("path", Any, Required("\"voyage.nmea\""), "file: what to play."),
            key(
                "rate",
                Any,
                Default("1.0"),
                "file, demo: times as fast as real; file also \"max\", as fast as can be.",
            ),
            key("repeat", Any, Default("false"), "file: from the start again at its end."),
            key("seed", Any, Default("1"), "demo: which passage."),
            key(
                "format",
                Any,
                Default("\"nmea0183\""),
                "serial, tcp, tcp-listen, udp, file, stdin: or \"signalk\", deltas line by line.",
            ),
            key(
                "checksum",
                Any,
                Default("\"required\""),
                "nmea0183: or \"optional\" (may be missing, not wrong), or \"ignored\" (noise then passes for data).",
            ),
            key(
                "talkers",
                Any,
                Example("{ GP = \"gnss\", GN = \"gnss\" }"),
                "nmea0183: groups that stand for talkers in $source; here gps.gnss for gps.GP and gps.GN.",
            ),
            key(
                "xdr",
                Any,
                Example(
                    "[{ name = \"FRIDGE\", kind = \"C\", unit = \"C\", path = \"environment.inside.refrigerator.temperature\" }]",
                ),
                "nmea0183: transducers by the name that the device gives them; kind, unit and factor may be left out.",
            ),
        ],
    },
    Table {
        name: "input.xdr",
        shape: Shape::Inline,
        about: "",
        keys: &[
            key("name", Any, Required("\"FRIDGE\""), "As sent; one * stands for an instance."),
            key("kind", Any, Example("\"C\""), "Transducer type as sent, one letter."),
            key("unit", Any, Example("\"C\""), "Unit as sent."),
            key(
                "path",
                Any,
                Required("\"environment.inside.refrigerator.temperature\""),
                "Where it goes, the instance in place of *.",
            ),
            key("factor", Any, Default("1.0"), "What the value in SI is multiplied by."),
        ],
    },
    Table {
        name: "priority",
        shape: Shape::Many,
        about: "Which source counts where several know the same path. The first counts; another one only after the better ones\n\
                were silent for its timeout.",
        keys: &[
            key("path", Any, Required("\"navigation.*\""), "Path; * stands for anything."),
            key(
                "sources",
                Any,
                Required("[{ source = \"gps.GP\", timeout_ms = 0 }, { source = \"ais.GN\", timeout_ms = 5000 }]"),
                "Best first.",
            ),
        ],
    },
    Table {
        name: "priority.sources",
        shape: Shape::Inline,
        about: "",
        keys: &[
            key("source", Any, Required("\"gps.GP\""), "A $source."),
            key("timeout_ms", Any, Default("0"), "Milliseconds that the better ones must have been silent."),
        ],
    },
    Table {
        name: "history",
        shape: Shape::Once,
        about: "The recorder: everything that changes, on the card, within limits.",
        keys: &[
            key("enabled", Switch, Default("true"), "Record."),
            key(
                "path",
                Text,
                Example("\"/var/lib/taffrail/history\""),
                "A directory; without it history in the state directory.",
            ),
            key(
                "commit_interval",
                Text,
                Default("\"10s\""),
                "Written to the card this often: what a power cut can cost.",
            ),
            key("max_size", Text, Default("\"8 GiB\""), "The oldest go when more than this is kept."),
            key("keep_free", Text, Default("\"1 GiB\""), "Left free for everything else on the same card."),
            key(
                "max_mb_per_day",
                Whole,
                Example("500"),
                "Megabytes written a day; above, commits become rarer, then AIS and at last the own boat are thinned out.",
            ),
            key(
                "keep_for",
                Text,
                Example("\"730d\""),
                "Older values go; without it, only max_size and keep_free count.",
            ),
            key("keep_others_for", Text, Example("\"90d\""), "The same for other vessels, where it is shorter."),
            key(
                "log_for",
                Text,
                Default("\"1d\""),
                "Apps that were away for up to this long get every change in its order when they resume.",
            ),
            key(
                "sentences",
                Switch,
                Default("false"),
                "Keep NMEA 0183 sentences as they came, too: taffrail export --format sentences.",
            ),
        ],
    },
    Table {
        name: "history.rule",
        shape: Shape::Many,
        about: "What is recorded of which values. The first rule that fits decides; what no rule is about is recorded as it comes.",
        keys: &[
            key("context", Any, Default("\"*\""), "self, others, or a pattern such as atons.*"),
            key("path", Any, Default("\"*\""), "Path; * stands for anything."),
            key("keep", Any, Required("\"10s\""), "all, none, or one value in this long."),
        ],
    },
    Table {
        name: "security",
        shape: Shape::Once,
        about: "Who may do what. Off: everybody reads, and the addresses of server.allow_write write.",
        keys: &[
            key("enabled", Switch, Default("false"), "Ask for logins."),
            key("allow_readonly", Switch, Default("true"), "Reading needs no login."),
            key(
                "expiration",
                Text,
                Default("\"1d\""),
                "A login is good for this long, or \"never\" for one without end.",
            ),
            key("login_limit", Whole, Default("100"), "Login attempts from one address in ten minutes."),
        ],
    },
    Table {
        name: "security.user",
        shape: Shape::Many,
        about: "",
        keys: &[
            key("name", Any, Required("\"skipper\""), "Unique."),
            key("level", Any, Required("\"admin\""), "readonly, readwrite or admin."),
            key(SECRET, Any, Required("\"change me\""), "Keep this file readable by the server alone (mode 0600)."),
        ],
    },
    Table {
        name: "security.acl",
        shape: Shape::Many,
        about: "",
        keys: &[
            key("subject", Any, Required("\"any\""), "Name of a user, or any."),
            key("path", Any, Required("\"steering.*\""), "Path; * stands for anything."),
            key("permission", Any, Required("\"read\""), "none, read or write."),
        ],
    },
    Table {
        name: "meta",
        shape: Shape::Many,
        about: "What the boat knows better about a path, zones included. It wins over what devices and the standard say.",
        keys: &[
            key("path", Any, Required("\"environment.depth.belowKeel\""), "Unique."),
            key("units", Any, Example("\"m\""), "SI unit, for paths that the standard does not know."),
            key("description", Any, Example("\"Depth below the keel\""), "What it is."),
            key("displayName", Any, Example("\"Depth\""), "What an instrument writes beside it."),
            key("timeout", Any, Example("\"10s\""), "Stale after this long; a bare number is in seconds."),
            key(
                "zones",
                Any,
                Example(
                    "[{ upper = 2.0, state = \"alarm\", message = \"Shallow\" }, { lower = 2.0, upper = 4.0, state = \"warn\" }]",
                ),
                "Ranges in the path's SI unit; a missing bound is open.",
            ),
        ],
    },
    Table {
        name: "meta.zones",
        shape: Shape::Inline,
        about: "",
        keys: &[
            key("lower", Any, Example("0.0"), "From here."),
            key("upper", Any, Example("2.0"), "To here."),
            key("state", Any, Required("\"alarm\""), "nominal, normal, alert, warn, alarm or emergency."),
            key("message", Any, Example("\"Shallow\""), "What the notification says."),
        ],
    },
    Table {
        name: "ais",
        shape: Shape::Once,
        about: "When another vessel is given up.",
        keys: &[
            key(
                "lost_class_a",
                Text,
                Default("\"6m\""),
                "Class A under way: without a report for this long, course and speed become null.",
            ),
            key("lost_class_a_at_rest", Text, Default("\"18m\""), "Class A at anchor, moored or aground."),
            key("lost_class_b", Text, Default("\"12m\""), "Class B, and vessels whose class is not known."),
            key("lost_fixed", Text, Default("\"30m\""), "Aids to navigation and base stations."),
            key("lost_aircraft", Text, Default("\"5m\""), "Search and rescue aircraft."),
            key("lost_beacon", Text, Default("\"10m\""), "Distress transmitters."),
            key("lost_weather", Text, Default("\"60m\""), "Weather stations."),
            key("lost_after", Text, Example("\"10m\""), "One time in place of all of these."),
            key(
                "leave_after",
                Text,
                Default("\"60m\""),
                "Without a report for this long: the target leaves, whatever it is.",
            ),
        ],
    },
    Table {
        name: "limits",
        shape: Shape::Once,
        about: "What one client or device can make the server hold. Beyond a limit the newcomer is refused and counted.",
        keys: &[
            key("message_bytes", Whole, Default("65536"), "One message from a client."),
            key("depth", Whole, Default("32"), "Arrays and objects inside each other in a message, at most 32."),
            key("paths", Whole, Default("10000"), "Different paths."),
            key("contexts", Whole, Default("4096"), "Vessels, aids to navigation and the like."),
            key("sources", Whole, Default("1024"), "Different sources."),
            key("subscriptions_per_client", Whole, Default("256"), "Subscription rows of one client."),
        ],
    },
];
