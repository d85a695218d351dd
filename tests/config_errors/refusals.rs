//! Problems are named with their place, what was found there and what was expected.

use super::program::refuses;

#[test]
fn what_is_wrong_is_named_with_file_line_key_finding_and_expectation() {
    let ip = "an IP address and a port, such as \"0.0.0.0:3000\" or \"[::]:3000\"";
    let duration = "a duration such as \"500ms\", \"10s\", \"5m\", \"2h\" or \"1d\"";
    let cases: &[(&str, &str)] = &[
        // values
        ("[server]\nhttp = \"localhost\"", &format!("2: server.http: found \"localhost\", expected {ip}")),
        ("[server]\n\n\nhttp = 3000", &format!("4: server.http: found 3000, expected {ip}")),
        ("server.tcp = \"no\"", &format!("1: server.tcp: found \"no\", expected {ip}, or \"off\"")),
        ("[history]\nsentences = 1", "2: history.sentences: found 1, expected true or false"),
        (
            "[history]\nkeep_for = \"5m\"",
            &format!("2: history.keep_for: found \"5m\", expected {duration}, from 1h to 36600d"),
        ),
        (
            "[history]\nkeep_for = \"30d\"\nkeep_others_for = \"60d\"",
            "3: history.keep_others_for: found \"60d\", expected not longer than history.keep_for",
        ),
        (
            "[[history.rule]]\npath = \"a.*\"",
            "1: history.rule \"a.*\".keep: missing, expected keep = \"10s\" or the like",
        ),
        (
            "[[history.rule]]\nkeep = \"sometimes\"\ncontext = \"two words\"",
            &format!(
                "2: history.rule \"*\".keep: found \"sometimes\", expected \"all\", \"none\", or {duration}, from 10ms to 1d\n\
                 3: history.rule.context: found \"two words\", expected \"self\", \"others\", or a pattern of contexts \
                 such as \"vessels.*\" or \"atons.*\""
            ),
        ),
        (
            "[[history.rule]]\nkeep = \"all\"\nevery = \"10s\"",
            "3: history.rule.every: unknown key, expected one of context, path, keep",
        ),
        ("[server]\nmdns = \"yes\"", "2: server.mdns: found \"yes\", expected true or false"),
        ("[server]\nname = \"\"", "2: server.name: found \"\", expected a text of 1 to 255 characters, in quotes"),
        (
            "[server]\nmax_connections_per_ip = 0",
            "2: server.max_connections_per_ip: found 0, expected a whole number from 1 to 65535",
        ),
        (
            "[server]\nmdns_interfaces = [\"eth0\", \"an interface\"]",
            "2: server.mdns_interfaces: found [\"eth0\", \"an interface\"], expected a list of network interfaces, such as \
             [\"eth0\", \"wlan0\"]",
        ),
        ("[server]\nexternal_port = 0", "2: server.external_port: found 0, expected a whole number from 1 to 65535"),
        (
            "[server]\nping_interval_ms = 30000.0",
            "2: server.ping_interval_ms: found 30000.0, expected a whole number from 100 to 3600000",
        ),
        (
            "[server]\nstall_close = 120",
            &format!("2: server.stall_close: found 120, expected {duration}, from 10ms to 1d"),
        ),
        (
            "[server]\nallow_write = [\"127.0.0.0/8\", \"boat\"]",
            "2: server.allow_write: found [\"127.0.0.0/8\", \"boat\"], expected a list of addresses and ranges, such as \
             [\"127.0.0.0/8\", \"192.168.1.7\"]",
        ),
        (
            "[server]\nclock = \"maybe\"",
            "2: server.clock: found \"maybe\", expected one of \"auto\", \"trusted\", \"untrusted\"",
        ),
        (
            "[vessel]\nmmsi = 230099999",
            "2: vessel.mmsi: found 230099999, expected nine digits in quotes, such as \"230099999\"",
        ),
        (
            "[vessel]\nuuid = \"urn:mrn:signalk:uuid:1\"",
            "2: vessel.uuid: found \"urn:mrn:signalk:uuid:1\", expected \"urn:mrn:signalk:uuid:\" and a version 4 UUID",
        ),
        ("[vessel]\ndraft = nan", "2: vessel.draft: found NaN, expected a number from 0 to 1000"),
        (
            "[vessel]\nflag = \"Finland\"",
            "2: vessel.flag: found \"Finland\", expected two capital letters, such as \"FI\"",
        ),
        ("[vessel]\nbeam = 1979-05-27", "2: vessel.beam: found 1979-05-27, expected a number from 0 to 1000"),
        (
            "[history]\nmax_size = \"8\"",
            "2: history.max_size: found \"8\", expected a size such as \"8 GiB\", \"500 MB\" or \"64 KiB\"",
        ),
        (
            "[history]\nmax_mb_per_day = 99999999999999999999",
            "2: history.max_mb_per_day: found 99999999999999999999, expected a whole number from 1 to 1000000",
        ),
        (
            "[ais]\nleave_after = \"1m\"\nlost_after = \"2m\"",
            "2: ais.leave_after: found \"1m\", expected not before ais.lost_after",
        ),
        ("[limits]\ndepth = 33", "2: limits.depth: found 33, expected a whole number from 4 to 32"),
        // keys and tables
        (
            "[vessel]\nnmea = 1",
            "2: vessel.nmea: unknown key, expected one of uuid, mmsi, name, callsign, flag, port, imo, draft, length, \
             beam, air_height, type, gps_from_bow, gps_from_center (did you mean name?)",
        ),
        (
            "[sever]\nhttp = 1",
            "1: sever: unknown table, expected one of server, vessel, input, priority, history, security, meta, ais, \
             limits (did you mean server?)",
        ),
        ("[[server]]", "1: server: found [{ }], expected a table [server]"),
        ("[input]\nname = \"gps\"", "1: input: found [input], expected [[input]], once for each"),
        ("[server]\nmdns = true\nmdns = true", "3: server.mdns: found a second time, expected each key once"),
        ("[server]\n[vessel]\n[server]", "3: server: found a second time, expected each key once"),
        // inputs
        ("[[input]]\ntype = \"stdin\"", "1: input.name: missing, expected name = \"gps\" or the like"),
        (
            "[[input]]\nname = \"a.b\"\ntype = \"stdin\"",
            "2: input.name: found \"a.b\", expected 1 to 32 letters, digits, - and _",
        ),
        (
            "[[input]]\nname = \"gps\"\ntype = \"usb\"",
            "3: input \"gps\".type: found \"usb\", expected one of \"serial\", \"tcp\", \"tcp-listen\", \"udp\", \"file\", \
             \"stdin\", \"demo\", \"signalk\"",
        ),
        (
            "\n[[input]]\nname = \"gps\"\ntype = \"serial\"",
            "2: input \"gps\".device: missing, expected device = \"/dev/ttyUSB0\" or the like",
        ),
        (
            "[[input]]\nname = \"gps\"\ntype = \"stdin\"\nbaud = 4800",
            "4: input \"gps\".baud: found 4800, expected only the keys of this type: name, type, format, checksum, talkers, \
             xdr",
        ),
        (
            "[[input]]\nname = \"gps\"\ntype = \"stdin\"\nchecksum = \"no\"",
            "4: input \"gps\".checksum: found \"no\", expected one of \"required\", \"optional\", \"ignored\"",
        ),
        (
            "[[input]]\nname = \"log\"\ntype = \"stdin\"\nformat = \"signalk\"\nchecksum = \"optional\"",
            "5: input \"log\".checksum: found \"optional\", expected only the keys of this type: name, type, format",
        ),
        (
            "[[input]]\nname = \"gps\"\ntype = \"stdin\"\ntalkers = { GP = \"a.b\" }",
            "4: input \"gps\".talkers: found { GP = \"a.b\" }, expected talkers and their groups of 1 to 15 letters, \
             digits, - and _, such as { GP = \"gnss\", GN = \"gnss\" }",
        ),
        (
            "[[input]]\nname = \"gps\"\ntype = \"stdin\"\nxdr = [{ name = \"A\" }]",
            "4: input.xdr \"A\".path: missing, expected path = \"environment.inside.refrigerator.temperature\" or the \
             like",
        ),
        (
            "[[input]]\nname = \"gps\"\ntype = \"stdin\"\n[[input.xdr]]\nname = \"A\"\npath = \"a.*\"",
            "6: input.xdr \"A\".path: found \"a.*\", expected a * only where the name has one",
        ),
        (
            "[[input]]\nname = \"gps\"\ntype = \"stdin\"\nxdr = [{ name = \"A\", path = \"a.b\", kind = \"temp\" }]",
            "4: input.xdr \"A\".kind: found \"temp\", expected one letter, such as \"C\"",
        ),
        (
            "[[input]]\nname = \"gps\"\ntype = \"serial\"\ndevice = \"/dev/a\"\nbaud = 1",
            "5: input \"gps\".baud: found 1, expected a whole number from 300 to 4000000, or \"auto\"",
        ),
        (
            "[[input]]\nname = \"sk\"\ntype = \"signalk\"\nurl = \"ftp://a\"",
            "4: input \"sk\".url: found \"ftp://a\", expected \"ws://HOST:PORT\", \"wss://HOST:PORT\", \"tcp://HOST:PORT\" or \"http://HOST:PORT\"",
        ),
        (
            "[[input]]\nname = \"a\"\ntype = \"demo\"\n[[input]]\nname = \"a\"\ntype = \"demo\"",
            "5: input.name: found a second input \"a\", expected a name of its own (the first one: boat.toml:2)",
        ),
        // what collides
        (
            "[server]\nhttp = \"0.0.0.0:8375\"",
            "2: server.tcp: found TCP 0.0.0.0:8375 by default, expected one that is free: server.http has TCP 0.0.0.0:8375 \
             (boat.toml:2)",
        ),
        (
            "[[input]]\nname = \"a\"\ntype = \"tcp-listen\"\naddress = \"127.0.0.1:3000\"",
            "4: input \"a\".address: found TCP 127.0.0.1:3000, expected one that is free: server.http has TCP 0.0.0.0:3000 \
             (default)",
        ),
        (
            "input = [{ name = \"a\", type = \"stdin\" },\n{ name = \"b\", type = \"stdin\" }]",
            "2: input \"b\".type: found standard input, expected one that is free: input \"a\".type has standard input \
             (boat.toml:1)",
        ),
        // rules
        (
            "[[priority]]\npath = \"a\"\nsources = []",
            "3: priority \"a\".sources: found [], expected a list of 1 to 100 tables in braces",
        ),
        (
            "[[priority]]\npath = \"a\"\nsources = [\n { source = \"x\" },\n { timeout = 1 } ]",
            "5: priority.sources.timeout: unknown key, expected one of source, timeout_ms (did you mean timeout_ms?)\n\
             5: priority.sources.source: missing, expected source = \"gps.GP\" or the like",
        ),
        (
            "[[meta]]\npath = \"a\"\nzones = [{ lower = 2, upper = 1, state = \"warn\" }]",
            "3: meta.zones.upper: found 1, expected more than lower, which is 2.0",
        ),
        (
            "[[meta]]\npath = \"a\"\n[[meta]]\npath = \"a\"",
            "4: meta.path: found \"a\" a second time, expected each once (the first one: boat.toml:2)",
        ),
        (
            "[[security.user]]\nname = \"a\"\nlevel = \"root\"\npassword = 12345",
            "3: security.user \"a\".level: found \"root\", expected one of \"readonly\", \"readwrite\", \"admin\"\n\
             4: security.user \"a\".password: found \"…\", expected a text of 1 to 255 characters, in quotes",
        ),
        // not TOML
        ("[server]\nhttp = ", "2: not TOML: string values must be quoted, expected literal string"),
    ];
    for (toml, lines) in cases {
        let lines: Vec<String> = lines.lines().map(|line| format!("boat.toml:{line}")).collect();
        refuses(toml, &[], &[], &lines.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

#[test]
fn all_problems_come_at_once_in_order_of_their_places() {
    refuses(
        "[vessel]\nmmsi = \"1\"\nflag = \"fi\"\n[server]\nmdns = 1",
        &["--mmsi", "2", "--input", "windlass"],
        &[("TAFFRAIL_VESSEL_MMSI", "3"), ("TAFFRAIL_SERVER_HTPP", "")],
        &[
            "boat.toml:2: vessel.mmsi: found \"1\", expected nine digits in quotes, such as \"230099999\"",
            "boat.toml:3: vessel.flag: found \"fi\", expected two capital letters, such as \"FI\"",
            "boat.toml:5: server.mdns: found 1, expected true or false",
            "TAFFRAIL_SERVER_HTPP: unknown variable, expected TAFFRAIL_<TABLE>_<KEY> with a table and a key of the \
             configuration (did you mean TAFFRAIL_SERVER_HTTP?)",
            "TAFFRAIL_VESSEL_MMSI: vessel.mmsi: found \"3\", expected nine digits in quotes, such as \"230099999\"",
            "--input: input: found \"windlass\", expected one of serial:, tcp:, tcp-listen:, udp:, file:, signalk:, stdin, \
             demo",
            "--mmsi: vessel.mmsi: found \"2\", expected nine digits in quotes, such as \"230099999\"",
        ],
    );
}
