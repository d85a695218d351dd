//! What is known of a path before anybody says anything about it: `schemas/paths.csv`, one row a path pattern.
//!
//! The table stays where it is, in the text of the program; what is built of it at the start is an index of about
//! 20 KiB: a tree by path segment, each level sorted. A row is taken apart only when somebody asks for it.

/// The table, as it lies in the source tree: path, units, kind, enum, fields, description. Sorted by path, quoted as
/// CSV wants it where a comma stands in a field, without quotes inside fields.
const TEXT: &str = include_str!("../../../schemas/paths.csv");

/// The segment of a pattern that stands for one segment of any text: a name or number that the boat chooses.
const ANY: &str = "*";

/// The deepest path that is looked up, in segments; the table itself has seven. A deeper one is not in it.
const SEGMENTS_MAX: usize = 16;

/// The rows and the way to them.
#[derive(Debug)]
pub struct Table {
    /// The line of each row.
    lines: Vec<&'static str>,
    /// The tree, the root first; the children of a node stand side by side, sorted by segment.
    nodes: Vec<Node>,
}

/// One segment at its place in the tree.
#[derive(Debug, Clone, Copy)]
struct Node {
    segment: &'static str,
    first_child: u16,
    children: u16,
    /// Index into the lines, [`NO_ROW`] for a segment that only leads on.
    row: u16,
}

const NO_ROW: u16 = u16::MAX;

/// What the table says about a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The path, with `*` for each segment that the boat chooses.
    pub pattern: &'static str,
    /// SI unit; empty where there is none (texts, counts, plain factors).
    pub units: &'static str,
    /// `number`, `string`, `enum`, `object`, `array`, `boolean` or `any`.
    pub kind: &'static str,
    /// What a text may be, separated by `|`; for objects with an `id` and a `name`, each as `id:name`.
    pub tokens: &'static str,
    /// The members of an object as `name:type`, `name:type:unit` or `name:type:token/token`, separated by `|`.
    pub fields: &'static str,
    /// What the value means.
    pub description: &'static str,
}

impl Default for Table {
    fn default() -> Self {
        Self::new()
    }
}

impl Table {
    /// Builds the index. Takes well under a millisecond; do it once and share it.
    pub fn new() -> Self {
        let lines: Vec<&'static str> = TEXT.lines().skip(1).filter(|line| !line.is_empty()).collect();
        let paths: Vec<&'static str> = lines.iter().map(|line| pattern(line)).collect();
        debug_assert!(paths.is_sorted(), "the table is sorted by path");
        let mut nodes = vec![Node { segment: "", first_child: 0, children: 0, row: NO_ROW }];
        // Level by level: each entry is a node and the rows below it, which stand together because they are sorted.
        let mut open = vec![(0_usize, 0_usize, paths.len(), 0_usize)];
        while let Some((node, from, to, at)) = open.pop() {
            let first_child = nodes.len();
            let mut row = from;
            while row < to {
                let segment = paths[row][at..].split('.').next().unwrap_or("");
                let below = at + segment.len() + 1;
                let same = |path: &str| path[at..].split('.').next() == Some(segment);
                let end = (row..to).find(|&i| !same(paths[i])).unwrap_or(to);
                let is_leaf = paths[row].len() < below;
                let own = if is_leaf { row as u16 } else { NO_ROW };
                open.push((nodes.len(), row + usize::from(is_leaf), end, below));
                nodes.push(Node { segment, first_child: 0, children: 0, row: own });
                row = end;
            }
            nodes[node].first_child = first_child as u16;
            nodes[node].children = (nodes.len() - first_child) as u16;
        }
        nodes.shrink_to_fit();
        Self { lines, nodes }
    }

    /// What is known of this path; where a name and a `*` both fit a segment, the name wins. `None` for paths outside
    /// the table.
    pub fn find(&self, path: &str) -> Option<Row> {
        self.descend(0, path, SEGMENTS_MAX).map(|row| Row::read(self.lines[usize::from(row)]))
    }

    /// All rows, sorted by pattern.
    pub fn rows(&self) -> impl Iterator<Item = Row> + '_ {
        self.lines.iter().map(|line| Row::read(line))
    }

    /// What the index takes on the heap, in bytes.
    pub fn heap_bytes(&self) -> usize {
        self.lines.capacity() * size_of::<&str>() + self.nodes.capacity() * size_of::<Node>()
    }

    fn descend(&self, node: u16, rest: &str, depth: usize) -> Option<u16> {
        let (segment, below) = match rest.as_bytes().iter().position(|&b| b == b'.') {
            Some(dot) => (&rest[..dot], Some(&rest[dot + 1..])),
            None => (rest, None),
        };
        if segment.is_empty() || depth == 0 {
            return None;
        }
        let parent = self.nodes[usize::from(node)];
        let first = usize::from(parent.first_child);
        let children = &self.nodes[first..first + usize::from(parent.children)];
        let enter = |child: usize| match below {
            Some(below) => self.descend((first + child) as u16, below, depth - 1),
            None => Some(children[child].row).filter(|&row| row != NO_ROW),
        };
        let by_name = children.binary_search_by(|child| child.segment.cmp(segment)).ok().and_then(enter);
        // `*` sorts before every letter and digit, so it is the first child if it is there at all.
        by_name.or_else(|| children.first().filter(|child| child.segment == ANY).and_then(|_| enter(0)))
    }
}

impl Row {
    fn read(line: &'static str) -> Self {
        let mut fields = Fields(line);
        let mut next = || fields.next().unwrap_or("");
        Self { pattern: next(), units: next(), kind: next(), tokens: next(), fields: next(), description: next() }
    }

    /// Calls `each` with the name and the JSON of every member of the row's metadata.
    pub fn members(&self, mut each: impl FnMut(&'static str, &str)) {
        let mut json = String::with_capacity(256);
        let mut emit = |name, write: &dyn Fn(&Self, &mut String)| {
            json.clear();
            write(self, &mut json);
            each(name, &json);
        };
        emit("description", &|row, out| super::push_text(row.description, out));
        if !self.units.is_empty() {
            emit("units", &|row, out| super::push_text(row.units, out));
        }
        if !self.tokens.is_empty() {
            emit("enum", &|row, out| push_tokens(row.tokens, '|', row.kind == "object", out));
        }
        if !self.fields.is_empty() {
            emit("properties", &|row, out| push_fields(row.fields, out));
        }
    }
}

/// The path of a line; paths are never quoted.
fn pattern(line: &'static str) -> &'static str {
    line.split(',').next().unwrap_or("")
}

/// The fields of one CSV line without quotes inside fields.
struct Fields(&'static str);

impl Iterator for Fields {
    type Item = &'static str;

    fn next(&mut self) -> Option<&'static str> {
        let (field, rest) = match self.0.strip_prefix('"') {
            Some(quoted) => {
                let (field, rest) = quoted.split_once('"')?;
                (field, rest.strip_prefix(',').unwrap_or(rest))
            }
            None => self.0.split_once(',').unwrap_or((self.0, "")),
        };
        self.0 = rest;
        Some(field)
    }
}

/// `["a","b"]`, or `[{"id":1,"name":"a"}]` where the tokens carry ids.
fn push_tokens(tokens: &str, separator: char, with_id: bool, out: &mut String) {
    out.push('[');
    for (i, token) in tokens.split(separator).enumerate() {
        if i > 0 {
            out.push(',');
        }
        match token.split_once(':') {
            Some((id, name)) if with_id => {
                out.push_str("{\"id\":");
                out.push_str(id);
                out.push_str(",\"name\":");
                super::push_text(name, out);
                out.push('}');
            }
            _ => super::push_text(token, out),
        }
    }
    out.push(']');
}

/// `{"pitch":{"type":"number","units":"rad"}}`.
fn push_fields(fields: &str, out: &mut String) {
    out.push('{');
    for (i, field) in fields.split('|').enumerate() {
        let mut parts = field.splitn(3, ':');
        let (name, kind, detail) = (parts.next().unwrap_or(""), parts.next().unwrap_or("any"), parts.next());
        if i > 0 {
            out.push(',');
        }
        super::push_text(name, out);
        out.push_str(":{\"type\":");
        super::push_text(if kind == "enum" { "string" } else { kind }, out);
        match (kind, detail) {
            ("number", Some(units)) => {
                out.push_str(",\"units\":");
                super::push_text(units, out);
            }
            ("enum", Some(tokens)) => {
                out.push_str(",\"enum\":");
                push_tokens(tokens, '/', false, out);
            }
            ("array", Some(tokens)) => {
                out.push_str(",\"items\":{\"type\":\"string\",\"enum\":");
                push_tokens(tokens, '/', false, out);
                out.push('}');
            }
            _ => {}
        }
        out.push('}');
    }
    out.push('}');
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn check(path: &str, pattern: Option<&str>) {
        assert_eq!(Table::new().find(path).map(|row| row.pattern), pattern, "{path}");
    }

    #[test]
    fn a_name_beats_a_wildcard_and_a_wildcard_is_one_segment() {
        check("navigation.speedOverGround", Some("navigation.speedOverGround"));
        check("environment.inside.temperature", Some("environment.inside.temperature"));
        check("environment.inside.engineRoom.temperature", Some("environment.inside.*.temperature"));
        check("propulsion.port.oilPressure", Some("propulsion.*.oilPressure"));
        check("propulsion.a.b.oilPressure", None);
        check("electrical.batteries.1.voltage", Some("electrical.batteries.*.voltage"));
        check("electrical.batteries.1.voltage.ripple", Some("electrical.batteries.*.voltage.ripple"));
        check("electrical.ac.shore.phase.A.current", Some("electrical.ac.*.phase.*.current"));
        check("notifications.mob", Some("notifications.mob"));
        check("notifications.lowFuel", Some("notifications.*"));
        // `ais` leads on by name to some members only; the others come from the wildcard.
        check("sensors.ais.functionalId", Some("sensors.ais.functionalId"));
        check("sensors.ais.fromBow", Some("sensors.*.fromBow"));
        check("electrical.switches.bank.2.1.state", Some("electrical.switches.bank.*.*.state"));
        check("electrical.switches.bank.state", Some("electrical.switches.*.state"));
        for outside in ["", ".", "navigation", "foo.bar", "navigation.", ".navigation", "propulsion..oilPressure", "*"]
        {
            check(outside, None);
        }
        check(&"a.".repeat(50_000), None);
    }

    #[test]
    fn every_row_finds_itself() {
        let table = Table::new();
        for row in table.rows() {
            assert_eq!(table.find(row.pattern), Some(row));
            assert_eq!(table.find(&row.pattern.replace('*', "x7")).map(|r| r.pattern), Some(row.pattern));
        }
    }

    #[test]
    fn every_row_says_what_it_means_and_no_two_say_the_same() {
        let mut seen = HashMap::new();
        for row in Table::new().rows() {
            assert!(row.description.len() > 10, "{row:?}");
            assert!(row.description.starts_with(char::is_uppercase) && !row.description.ends_with('.'), "{row:?}");
            assert_eq!(seen.insert(row.description, row.pattern), None, "{row:?}");
        }
        assert!(seen.len() > 550);
    }

    #[test]
    fn the_table_is_well_formed() {
        let table = Table::new();
        assert!(table.rows().map(|row| row.pattern).is_sorted());
        for (row, line) in table.rows().zip(TEXT.lines().skip(1)) {
            assert!(["number", "string", "enum", "object", "array", "boolean", "any"].contains(&row.kind), "{row:?}");
            assert_eq!(row.kind == "enum", !row.tokens.is_empty() && row.kind != "object", "{row:?}");
            assert_eq!(Fields(line).take(7).filter(|f| !f.is_empty()).last(), Some(row.description));
            row.members(|name, json| {
                assert!(serde_json::from_str::<serde_json::Value>(json).is_ok(), "{name}: {json}");
            });
        }
    }

    /// Numbers that are counts, codes and plain factors. Every other number has a unit.
    const WITHOUT_UNIT: &[&str] = &[
        "design.rigging.masts",
        "electrical.switches.*.state",
        "electrical.switches.bank.*.*.order",
        "electrical.switches.bank.*.*.state",
        "environment.outside.precipitationValue",
        "environment.outside.pressureTendencyValue",
        "environment.time.timezoneOffset",
        "environment.water.iceValue",
        "environment.water.levelTendencyValue",
        "environment.water.seaStateValue",
        "navigation.gnss.differentialReference",
        "navigation.gnss.horizontalDilution",
        "navigation.gnss.positionDilution",
        "navigation.gnss.satellites",
        "navigation.gnss.verticalDilution",
        "sails.inventory.*.reducedState.reefs",
        "sensors.ais.designatedAreaCode",
        "sensors.ais.functionalId",
        "server.clients",
        "steering.autopilot.gain",
    ];

    #[test]
    fn every_measured_number_has_a_unit() {
        let bare: Vec<_> =
            Table::new().rows().filter(|r| r.kind == "number" && r.units.is_empty()).map(|r| r.pattern).collect();
        assert_eq!(bare, WITHOUT_UNIT);
    }

    #[test]
    fn members_are_written_as_json() {
        let members = |path| {
            let mut out = Vec::new();
            Table::new().find(path).unwrap().members(|name, json| out.push(format!("{name}={json}")));
            out[1..].join(" ")
        };
        assert_eq!(members("environment.wind.speedTrue"), r#"units="m/s""#);
        assert_eq!(members("environment.mode"), r#"enum=["day","night","restricted visibility"]"#);
        assert_eq!(
            members("environment.current"),
            concat!(
                r#"properties={"drift":{"type":"number","units":"m/s"},"setMagnetic":{"type":"number","units":"rad"},"#,
                r#""setTrue":{"type":"number","units":"rad"}}"#
            )
        );
        assert!(members("design.aisShipType").contains(r#"{"id":36,"name":"Sailing"},{"id":37,"name":"Pleasure"}"#));
        assert!(members("notifications.x").contains(r#""items":{"type":"string","enum":["visual","sound"]}"#));
    }

    #[test]
    fn the_index_stays_small() {
        let bytes = Table::new().heap_bytes() + TEXT.len();
        assert!(bytes < 150 * 1024, "{bytes} bytes");
    }
}
