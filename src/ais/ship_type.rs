//! Names of ship types (ITU-R M.1371-5 table 53) as the Signal K schema spells them in `design.aisShipType`.

/// The first number that has a name.
const FIRST: u8 = 20;

/// Names from [`FIRST`] on; empty for a number that is reserved.
#[rustfmt::skip]
const NAMES: [&str; 80] = [
    "Wing In Ground",
    "Wing In Ground hazard cat A",
    "Wing In Ground hazard cat B",
    "Wing In Ground hazard cat C",
    "Wing In Ground hazard cat D",
    "Wing In Ground",
    "Wing In Ground",
    "Wing In Ground",
    "Wing In Ground",
    "Wing In Ground (no other information)",
    "Fishing",
    "Towing",
    "Towing exceeds 200m or wider than 25m",
    "Engaged in dredging or underwater operations",
    "Engaged in diving operations",
    "Engaged in military operations",
    "Sailing",
    "Pleasure",
    "",
    "",
    "High speed craft",
    "High speed craft carrying dangerous goods",
    "High speed craft hazard cat B",
    "High speed craft hazard cat C",
    "High speed craft hazard cat D",
    "High speed craft",
    "High speed craft",
    "High speed craft",
    "High speed craft",
    "High speed craft (no additional information)",
    "Pilot vessel",
    "SAR",
    "Tug",
    "Port tender",
    "Anti-pollution",
    "Law enforcement",
    "Spare",
    "Spare #2",
    "Medical",
    "RR Resolution No.18",
    "Passenger ship",
    "Passenger ship hazard cat A",
    "Passenger ship hazard cat B",
    "Passenger ship hazard cat C",
    "Passenger ship hazard cat D",
    "Passenger ship",
    "Passenger ship",
    "Passenger ship",
    "Passenger ship",
    "Passenger ship (no additional information)",
    "Cargo ship",
    "Cargo ship carrying dangerous goods",
    "Cargo ship hazard cat B",
    "Cargo ship hazard cat C",
    "Cargo ship hazard cat D",
    "Cargo ship",
    "Cargo ship",
    "Cargo ship",
    "Cargo ship",
    "Cargo ship (no additional information)",
    "Tanker",
    "Tanker carrying dangerous goods",
    "Tanker hazard cat B",
    "Tanker hazard cat C",
    "Tanker hazard cat D",
    "Tanker",
    "Tanker",
    "Tanker",
    "Tanker",
    "Tanker (no additional information)",
    "Other",
    "Other carrying dangerous goods",
    "Other hazard cat B",
    "Other hazard cat C",
    "Other hazard cat D",
    "Other",
    "Other",
    "Other",
    "Other",
    "Other (no additional information)",
];

/// The name of a type of ship and cargo; `None` for "not available" and reserved numbers.
pub fn name(ship_type: u8) -> Option<&'static str> {
    let at = usize::from(ship_type.checked_sub(FIRST)?);
    NAMES.get(at).copied().filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn numbers_and_names_agree() {
        let table = [
            (0, None),
            (19, None),
            (20, Some("Wing In Ground")),
            (36, Some("Sailing")),
            (38, None),
            (52, Some("Tug")),
            (84, Some("Tanker hazard cat D")),
            (99, Some("Other (no additional information)")),
            (100, None),
            (255, None),
        ];
        for (number, expected) in table {
            assert_eq!(name(number), expected, "{number}");
        }
    }
}
