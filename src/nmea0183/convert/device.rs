//! The families of single devices: instruments, radars, radios, gateways. Which converter reads which formatter, what
//! they remember, and the sentences of the standard that are known and say nothing here.

use super::alerts::{self, Texts};
use super::attitude::{self, Attitude};
use super::cruzpro::{self, Gauges};
use super::distress::{self, Calls};
use super::gnss_quality::{self, Datums};
use super::seatalk::{self, SeaTalk};
use super::transducer::{self, Transducers};
use super::waypoints::{self, Routes};
use super::{Converter, autopilot, barometer, engine, motion, proprietary, targets};

/// What the sentences of these families need of each other. Each part is bounded and forgets by itself.
#[derive(Debug, Default)]
pub struct DeviceState {
    /// Halves of SeaTalk positions and times.
    pub seatalk: SeaTalk,
    /// Members of the attitude that come one by one.
    pub attitude: Attitude,
    /// Rules for XDR.
    pub transducers: Transducers,
    /// Thresholds of CruzPro gauges.
    pub gauges: Gauges,
    /// Datums other than WGS 84.
    pub datums: Datums,
    /// DSC calls that wait for their expansion.
    pub calls: Calls,
    /// Waypoints, and routes of several sentences.
    pub routes: Routes,
    /// Texts for the log.
    pub texts: Texts,
}

/// The converter of a formatter of these families.
pub(super) fn converter(formatter: &str) -> Option<Converter> {
    Some(match formatter {
        "AAM" => alerts::aam,
        "ALF" => alerts::alf,
        "ALR" => alerts::alr,
        "BOD" => waypoints::bod,
        "DSC" => distress::dsc,
        "DSE" => distress::dse,
        "DTM" => gnss_quality::dtm,
        "GBS" => gnss_quality::gbs,
        "GSA" => gnss_quality::gsa,
        "GST" => gnss_quality::gst,
        "HSC" => autopilot::hsc,
        "HTC" => autopilot::htc,
        "HTD" => autopilot::htd,
        "MHU" => barometer::mhu,
        "MMB" => barometer::mmb,
        "MOB" => distress::mob,
        "OSD" => motion::osd,
        "RPM" => engine::rpm,
        "RTE" => waypoints::rte,
        "THS" => attitude::ths,
        "TLL" => targets::tll,
        "TTM" => targets::ttm,
        "TXT" => alerts::txt,
        "VBW" => motion::vbw,
        "VDR" => motion::vdr,
        "VPW" => motion::vpw,
        "WCV" => waypoints::wcv,
        "WPL" => waypoints::wpl,
        "XDR" => transducer::xdr,
        "ZTG" => waypoints::ztg,
        "ALK" | "STALK" | "PSMDST" => seatalk::seatalk,
        "PASHR" => attitude::pashr,
        "PBVE" => cruzpro::pbve,
        "PFEC" => attitude::pfec,
        "PGRME" => proprietary::pgrme,
        "PGRMM" => proprietary::pgrmm,
        "PGRMZ" => proprietary::pgrmz,
        "PNKEP" => proprietary::pnkep,
        "PRDID" => attitude::prdid,
        "PSAT" => attitude::psat,
        "PTNTHPR" => attitude::ptnthpr,
        "PUBX" => proprietary::pubx,
        _ => return None,
    })
}

/// Standard sentences that carry no value for a boat's model (commands, acknowledgements, settings, equipment reports,
/// waypoints of no active route), and the settings and reports of the makers whose data sentences are read above.
/// Formatters from NMEA 0183 4.11 and IEC 61162-1.
const IGNORED: &[&str] = &[
    "ABK", "ABM", "ACA", "ACF", "ACG", "ACK", "ACM", "ACN", "ACS", "ADS", "AFB", "AGA", "AID", "AIR", "AKD", "ALA",
    "ALC", "ALM", "ARC", "ARP", "ASD", "ASN", "BBM", "BCG", "BCL", "BRM", "BWW", "CBR", "CEK", "COP", "CUR", "DCM",
    "DCN", "DCR", "DDC", "DLM", "DMF", "DOR", "DSI", "DSM", "DSR", "ECB", "EFB", "EPV", "ETL", "EVE", "FIR", "FSI",
    "FSR", "GFA", "GLC", "GMP", "GRS", "HBT", "HCR", "HMR", "HMS", "HRM", "LCD", "LR1", "LR2", "LR3", "LRF", "LRI",
    "LTI", "MEB", "MLA", "MSK", "MSS", "MTR", "NAK", "NLS", "NRM", "NRX", "NSR", "OLN", "OOB", "OSR", "PCM", "POS",
    "PRC", "RDS", "ROM", "ROO", "ROR", "RRT", "RSD", "RST", "SEL", "SFI", "SID", "SM1", "SM2", "SM3", "SM4", "SMB",
    "SMV", "SPO", "SPS", "SPW", "SSA", "SSD", "STN", "SXR", "TBR", "TBS", "TDS", "TFI", "TFR", "TLB", "TPC", "TPR",
    "TPT", "TRC", "TRD", "TRF", "TRL", "TRP", "TSA", "TSP", "TSR", "TTD", "TUT", "UID", "VER", "VLB", "VMB", "VSD",
    "VSI", "WAT", "WDC", "WDR", "WNC", "ZDL", "ZFO",
];

/// Beginnings of proprietary addresses whose other sentences are settings and reports of the receiver itself.
const IGNORED_MAKERS: &[&str] = &["PAMT", "PGRM", "PMGN", "PMTK", "PSRF", "PSMD", "PTNT"];

/// Whether a formatter is known to carry nothing for us.
pub fn is_ignored(formatter: &str) -> bool {
    IGNORED.binary_search(&formatter).is_ok() || IGNORED_MAKERS.iter().any(|maker| formatter.starts_with(maker))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ignored_formatters_can_be_searched() {
        assert!(IGNORED.is_sorted());
    }
}
