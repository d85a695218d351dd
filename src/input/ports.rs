//! Which serial ports there are, and what talks on them: what `taffrail ports` shows.

#[cfg(feature = "serial")]
mod listening;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use compact_str::CompactString;

use super::ended::Ended;

#[cfg(feature = "serial")]
pub use listening::{listen, survey};

/// Ports listed at the most.
const PORTS_MAX: usize = 64;

/// A serial port of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// The device, such as `/dev/ttyUSB0`; which number it gets depends on the order of plugging in.
    pub device: PathBuf,
    /// Its lasting names, best first: by the adapter's serial number (`/dev/serial/by-id`), by the socket it is plugged
    /// into (`/dev/serial/by-path`).
    pub lasting: Vec<PathBuf>,
    /// What the adapter says that it is; empty for a port on the board.
    pub product: String,
}

impl Port {
    /// The name to write into the configuration.
    pub fn best_name(&self) -> &Path {
        self.lasting.first().unwrap_or(&self.device)
    }
}

/// The serial ports below `root`, which is `/` except in tests: adapters on USB, and the ports on the board that exist.
pub fn list(root: &Path) -> Vec<Port> {
    let mut names: Vec<String> = entries(&root.join("sys/class/tty")).filter(|n| is_port(root, n)).collect();
    names
        .sort_by_key(|name| (name.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned(), name.len(), name.clone()));
    names.truncate(PORTS_MAX);
    let lasting: Vec<PathBuf> = ["dev/serial/by-id", "dev/serial/by-path"]
        .iter()
        .flat_map(|dir| {
            let dir = root.join(dir);
            let mut links: Vec<PathBuf> = entries(&dir).map(|name| dir.join(name)).collect();
            links.sort();
            links
        })
        .chain(["dev/serial0", "dev/serial1"].iter().map(|link| root.join(link)))
        .collect();
    names
        .into_iter()
        .map(|name| {
            let device = root.join("dev").join(&name);
            let target = fs::canonicalize(&device).ok();
            let leads_here = |link: &&PathBuf| target.is_some() && fs::canonicalize(link).ok() == target;
            let lasting = lasting.iter().filter(leads_here).cloned().collect();
            Port { lasting, product: product(root, &name), device }
        })
        .collect()
}

fn entries(dir: &Path) -> impl Iterator<Item = String> {
    fs::read_dir(dir).into_iter().flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok())
}

/// Of `ttyS0` to `ttyS31` most exist in name only: their type is 0 (`PORT_UNKNOWN`).
fn is_port(root: &Path, name: &str) -> bool {
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    if starts(&["ttyUSB", "ttyACM", "ttyAMA", "ttySC", "ttymxc", "ttyTHS"]) {
        return true;
    }
    let kind = fs::read_to_string(root.join("sys/class/tty").join(name).join("type")).unwrap_or_default();
    name.starts_with("ttyS") && !matches!(kind.trim(), "" | "0")
}

/// The adapter's own words. The tty is an interface of an interface of the device that has them.
fn product(root: &Path, name: &str) -> String {
    /// From the tty up to its USB device.
    const LEVELS_MAX: usize = 4;
    let Ok(device) = fs::canonicalize(root.join("sys/class/tty").join(name).join("device")) else {
        return String::new();
    };
    let read = |dir: &Path, file: &str| fs::read_to_string(dir.join(file)).map(|text| text.trim().to_owned());
    device
        .ancestors()
        .take(LEVELS_MAX)
        .find_map(|dir| {
            let product = read(dir, "product").ok()?;
            Some(match read(dir, "manufacturer") {
                Ok(maker) if !product.starts_with(&maker) => format!("{maker} {product}"),
                _ => product,
            })
        })
        .unwrap_or_default()
}

/// What was heard on a port.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overheard {
    /// The rate at which it was understood.
    pub baud: Option<u32>,
    /// Sentences with a correct checksum.
    pub sentences: u64,
    /// Bytes at all rates, junk included.
    pub bytes: u64,
    /// Talker and formatter of each kind of sentence, such as `("GP", "RMC")`; the talker of a proprietary one is empty.
    pub kinds: BTreeSet<(CompactString, CompactString)>,
}

/// A port, and what was heard on it if anybody listened.
pub type Surveyed = (Port, Option<Result<Overheard, Ended>>);

/// Ports and what was heard on them, for people: a paragraph each.
pub fn describe(ports: &[Surveyed]) -> String {
    if ports.is_empty() {
        return "no serial ports (is the adapter plugged in?)\n".to_owned();
    }
    let mut out = String::new();
    for (port, heard) in ports {
        let _ = write!(out, "{}", port.best_name().display());
        let mut notes = Vec::new();
        if port.best_name() != port.device {
            notes.push(port.device.display().to_string());
        }
        if !port.product.is_empty() {
            notes.push(port.product.clone());
        }
        if !notes.is_empty() {
            let _ = write!(out, " ({})", notes.join(", "));
        }
        out.push('\n');
        match heard {
            None => {}
            Some(Err(ended)) => {
                let _ = writeln!(out, "  {ended}");
            }
            Some(Ok(overheard)) => describe_overheard(overheard, &mut out),
        }
    }
    out
}

fn describe_overheard(overheard: &Overheard, out: &mut String) {
    let Some(baud) = overheard.baud else {
        out.push_str(if overheard.bytes == 0 {
            "  silent: is the instrument switched on?\n"
        } else {
            "  bytes come, but no sentence at any usual rate: is it NMEA 0183?\n"
        });
        return;
    };
    let _ = writeln!(out, "  {baud} baud, {} sentences", overheard.sentences);
    let talkers: BTreeSet<&str> = overheard.kinds.iter().map(|(talker, _)| talker.as_str()).collect();
    for talker in talkers {
        let own = overheard.kinds.iter().filter(|(t, _)| t == talker);
        let formatters: Vec<&str> = own.map(|(_, formatter)| formatter.as_str()).collect();
        let who = if talker.is_empty() { "proprietary" } else { talker };
        let _ = writeln!(out, "  {who}: {}", formatters.join(", "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::ended::Why;
    use std::os::unix::fs::symlink;

    fn write(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn ports_are_listed_with_their_lasting_names() {
        let dir = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(dir.path()).unwrap();
        for (name, kind) in [("ttyUSB10", ""), ("ttyUSB2", ""), ("ttyS0", "4\n"), ("ttyS1", "0\n"), ("tty7", "")] {
            write(&root.join("dev").join(name), "");
            write(&root.join("sys/class/tty").join(name).join("type"), kind);
        }
        let usb = root.join("sys/devices/usb1/1-1");
        write(&usb.join("product"), "USB-Serial Controller\n");
        write(&usb.join("manufacturer"), "Prolific\n");
        fs::create_dir_all(usb.join("1-1:1.0/ttyUSB2")).unwrap();
        symlink(usb.join("1-1:1.0/ttyUSB2"), root.join("sys/class/tty/ttyUSB2/device")).unwrap();
        for link in ["by-path/pci-1", "by-id/usb-Prolific"] {
            let link = root.join("dev/serial").join(link);
            fs::create_dir_all(link.parent().unwrap()).unwrap();
            symlink("../../ttyUSB2", link).unwrap();
        }
        let ports = list(&root);
        let names: Vec<&str> = ports.iter().map(|p| p.device.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["ttyS0", "ttyUSB2", "ttyUSB10"]);
        assert_eq!(
            ports[1].lasting,
            [root.join("dev/serial/by-id/usb-Prolific"), root.join("dev/serial/by-path/pci-1")]
        );
        assert_eq!(ports[1].product, "Prolific USB-Serial Controller");
        assert_eq!(ports[2].best_name(), root.join("dev/ttyUSB10"));
        assert_eq!(list(&root.join("nowhere")), []);
    }

    #[test]
    fn the_list_reads_well() {
        let port = |device: &str, lasting: &[&str], product: &str| Port {
            device: device.into(),
            lasting: lasting.iter().map(Into::into).collect(),
            product: product.to_owned(),
        };
        let kinds = [("II", "MTW"), ("AI", "VDM")].map(|(talker, formatter)| (talker.into(), formatter.into()));
        let overheard = Overheard { baud: Some(4800), sentences: 3, bytes: 900, kinds: kinds.into() };
        let busy = Ended::new(Why::Busy, "open serial /dev/ttyACM0 at 4800: in use by gpsd (process 612)");
        let text = describe(&[
            (port("/dev/ttyUSB0", &["/dev/serial/by-id/usb-A"], "Prolific"), Some(Ok(overheard))),
            (port("/dev/ttyACM0", &[], ""), Some(Err(busy))),
            (port("/dev/ttyAMA0", &[], ""), Some(Ok(Overheard::default()))),
        ]);
        let expected = "\
/dev/serial/by-id/usb-A (/dev/ttyUSB0, Prolific)
  4800 baud, 3 sentences
  AI: VDM
  II: MTW
/dev/ttyACM0
  open serial /dev/ttyACM0 at 4800: in use by gpsd (process 612)
/dev/ttyAMA0
  silent: is the instrument switched on?
";
        assert_eq!(text, expected);
    }
}
