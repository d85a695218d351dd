//! The engine and the battery it charges.

/// Amperes that instruments, fridge and lights take.
const HOUSE_LOAD_A: f64 = 7.0;
/// Capacity of the battery in ampere-hours.
const BATTERY_AH: f64 = 220.0;
/// The engine is started to charge below this state of charge, and stopped above the other.
const CHARGE_BETWEEN: (f64, f64) = (0.55, 0.85);
/// Engine speeds: pushing the boat, and charging in neutral.
const DRIVE_RPM: f64 = 2150.0;
const CHARGE_RPM: f64 = 1350.0;

/// Engine and battery at one time.
#[derive(Debug, Clone)]
pub struct Machinery {
    /// Revolutions per minute.
    pub rpm: f64,
    /// Temperature of the coolant in degrees Celsius.
    pub coolant_c: f64,
    /// State of charge of the battery, 0 to 1.
    pub charge: f64,
    charging: bool,
}

impl Default for Machinery {
    /// An engine just started, still cold, and a battery that is mostly full.
    fn default() -> Self {
        Self { rpm: DRIVE_RPM, coolant_c: 31.0, charge: 0.78, charging: false }
    }
}

impl Machinery {
    /// Goes on by `dt_s` seconds; `drive`: the engine pushes the boat.
    pub fn step(&mut self, drive: bool, dt_s: f64) {
        self.charging = self.charge < CHARGE_BETWEEN.0 || (self.charging && self.charge < CHARGE_BETWEEN.1);
        let wanted_rpm = match (drive, self.charging) {
            (true, _) => DRIVE_RPM,
            (false, true) => CHARGE_RPM,
            (false, false) => 0.0,
        };
        self.rpm += (wanted_rpm - self.rpm) * dt_s / 2.0;
        // Below idle a diesel stops.
        if wanted_rpm == 0.0 && self.rpm < 400.0 {
            self.rpm = 0.0;
        }
        // The thermostat holds a running engine; a stopped one cools down within the hour.
        let (settles_c, within_s) = if self.rpm > 0.0 { (74.0 + self.rpm / 250.0, 170.0) } else { (19.0, 2_600.0) };
        self.coolant_c += (settles_c - self.coolant_c) * dt_s / within_s;
        self.charge = (self.charge + self.battery_a() * dt_s / 3600.0 / BATTERY_AH).clamp(0.0, 1.0);
    }

    /// Current into the battery in amperes; negative when it is drawn from.
    pub fn battery_a(&self) -> f64 {
        // A full battery takes less and less.
        let alternator = if self.rpm > 700.0 { 90.0 * (1.02 - self.charge).min(0.5) } else { 0.0 };
        alternator - HOUSE_LOAD_A
    }

    /// Voltage of the battery.
    pub fn battery_v(&self) -> f64 {
        let rest = 11.9 + 0.95 * self.charge;
        rest + self.battery_a() * if self.battery_a() > 0.0 { 0.04 } else { 0.012 }
    }

    /// Oil pressure of the engine in bar.
    pub fn oil_bar(&self) -> f64 {
        if self.rpm > 0.0 { 1.2 + self.rpm / 900.0 - (self.coolant_c - 60.0) / 100.0 } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_engine_warms_up_and_charges() {
        let mut machinery = Machinery { rpm: 0.0, ..Machinery::default() };
        let (cold, rest) = (machinery.coolant_c, machinery.battery_v());
        (0..2400).for_each(|_| machinery.step(true, 0.25));
        assert!((machinery.rpm - DRIVE_RPM).abs() < 1.0);
        assert!(machinery.coolant_c > cold + 40.0 && machinery.coolant_c < 85.0);
        assert!(machinery.battery_v() > rest + 0.5 && machinery.battery_v() < 14.6);
        (0..2400).for_each(|_| machinery.step(false, 0.25));
        assert_eq!(machinery.rpm, 0.0);
        assert!(machinery.battery_v() < 12.9);
    }

    #[test]
    fn the_battery_never_runs_flat() {
        let mut machinery = Machinery::default();
        let mut lowest = 1.0_f64;
        for _ in 0..3 * 86_400 {
            machinery.step(false, 1.0);
            lowest = lowest.min(machinery.charge);
        }
        assert!((0.5..0.56).contains(&lowest), "{lowest}");
    }
}
