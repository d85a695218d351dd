//! Names of aids to navigation (ITU-R M.1371-5 table 74) as the Signal K schema spells them in `atonType`.

/// Names by number; empty for "not specified" and for 2 (a racon), which the schema leaves without a name.
#[rustfmt::skip]
const NAMES: [&str; 32] = [
    "",
    "Reference Point",
    "",
    "Fixed Structure Off Shore",
    "Emergency Wreck Marking Buoy",
    "Light, Without Sectors",
    "Light, With Sectors",
    "Leading Light Front",
    "Leading Light Rear",
    "Beacon, Cardinal N",
    "Beacon, Cardinal E",
    "Beacon, Cardinal S",
    "Beacon, Cardinal W",
    "Beacon, Port Hand",
    "Beacon, Starboard Hand",
    "Beacon, Preferred Channel Port Hand",
    "Beacon, Preferred Channel Starboard Hand",
    "Beacon, Isolated Danger",
    "Beacon, Safe Water",
    "Beacon, Special Mark",
    "Cardinal Mark N",
    "Cardinal Mark E",
    "Cardinal Mark S",
    "Cardinal Mark W",
    "Port Hand Mark",
    "Starboard Hand Mark",
    "Preferred Channel Port Hand",
    "Preferred Channel Starboard Hand",
    "Isolated danger",
    "Safe Water",
    "Special Mark",
    "Light Vessel/LANBY/Rigs",
];

/// The name of a kind of aid; `None` where the schema has none.
pub fn name(aid_type: u8) -> Option<&'static str> {
    NAMES.get(usize::from(aid_type)).copied().filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn numbers_and_names_agree() {
        let table = [
            (0, None),
            (1, Some("Reference Point")),
            (2, None),
            (14, Some("Beacon, Starboard Hand")),
            (23, Some("Cardinal Mark W")),
            (31, Some("Light Vessel/LANBY/Rigs")),
            (32, None),
        ];
        for (number, expected) in table {
            assert_eq!(name(number), expected, "{number}");
        }
    }
}
