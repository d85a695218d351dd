//! Which serial ports there are, and what talks on them: what `taffrail ports` shows.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use compact_str::CompactString;

use super::ended::Ended;
use crate::nmea0183::sentence::{self, Sentence};

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

/// Kinds of sentences remembered at the most; junk with a correct checksum is rare, but not impossible.
const KINDS_MAX: usize = 128;

impl Overheard {
    /// Takes one line; false when it is no sentence.
    fn take(&mut self, line: &[u8]) -> bool {
        let Some((talker, formatter)) = address(line) else { return false };
        self.sentences += 1;
        if self.kinds.len() < KINDS_MAX {
            self.kinds.insert((talker, formatter));
        }
        true
    }
}

/// Talker (empty for a proprietary one) and formatter of a sentence with a correct checksum.
fn address(line: &[u8]) -> Option<(CompactString, CompactString)> {
    let start = line.iter().rposition(|b| matches!(b, b'$' | b'!'))?;
    let checked = sentence::check(line[start..].trim_ascii_end(), sentence::Demand::Right).ok()?;
    let text = sentence::text(checked.body);
    let sentence = Sentence::parse(checked.encapsulated, &text);
    Some((CompactString::new(sentence.talker), CompactString::new(sentence.formatter)))
}

/// Listens to a port: at each usual rate for `window`, or, once a sentence came, until that window is over.
#[cfg(feature = "serial")]
pub async fn listen(device: &Path, window: Duration) -> Result<Overheard, Ended> {
    use super::baud::{BAUDS, WRONG_RATE_BYTES};
    use super::lines::Lines;
    use super::serial;
    use tokio::time::{Instant, timeout_at};

    /// Far longer than any sentence with its tag block.
    const LINE_BYTES_MAX: usize = 1024;

    let mut port = serial::open(device, BAUDS[0]).await?;
    let mut overheard = Overheard::default();
    let mut buffer = vec![0; 4096];
    for baud in BAUDS {
        port.set_baud(device, baud)?;
        let mut lines = Lines::new(LINE_BYTES_MAX);
        let deadline = Instant::now() + window;
        let mut junk_bytes = 0;
        while let Ok(read) = timeout_at(deadline, port.read(device, &mut buffer)).await {
            let mut rest = &buffer[..read?];
            overheard.bytes += rest.len() as u64;
            junk_bytes += rest.len() as u64;
            while let Some(line) = lines.next(&mut rest) {
                if overheard.take(line.bytes) {
                    overheard.baud = Some(baud);
                }
            }
            if overheard.baud.is_none() && junk_bytes > WRONG_RATE_BYTES {
                break;
            }
        }
        if overheard.baud.is_some() {
            break;
        }
    }
    Ok(overheard)
}

/// A port, and what was heard on it if anybody listened.
pub type Surveyed = (Port, Option<Result<Overheard, Ended>>);

/// Lists the ports below `root` and listens to all of them at once.
#[cfg(feature = "serial")]
pub async fn survey(root: &Path, window: Duration) -> Vec<Surveyed> {
    let listened = list(root).into_iter().map(|port| async move {
        let heard = listen(port.best_name(), window).await;
        (port, Some(heard))
    });
    futures_util::future::join_all(listened).await
}

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
    fn sentences_are_told_from_junk() {
        let sentences: [(&[u8], _); 4] = [
            (b"$IIMTW,16.8,C*1C\r\n", ("II", "MTW")),
            (b"junk$IIMTW,16.8,C*1C\r\n", ("II", "MTW")),
            (b"!AIVDM,2,2,9,B,`88888888888880,2*76", ("AI", "VDM")),
            (b"$PFEC,AIcmd,0,35,A,01062011,130711*05", ("", "PFEC")),
        ];
        for (line, expected) in sentences {
            let (talker, formatter) = address(line).unwrap();
            assert_eq!((&*talker, &*formatter), expected, "{}", String::from_utf8_lossy(line));
        }
        for line in [&b"$IIMTW,16.8,C*1D"[..], b"$IIMTW,16.8,C", b"\xff$\xfe*00", b""] {
            assert_eq!(address(line), None, "{}", String::from_utf8_lossy(line));
        }
    }

    #[test]
    fn the_list_reads_well() {
        let port = |device: &str, lasting: &[&str], product: &str| Port {
            device: device.into(),
            lasting: lasting.iter().map(Into::into).collect(),
            product: product.to_owned(),
        };
        let mut overheard = Overheard { baud: Some(4800), bytes: 900, ..Overheard::default() };
        for line in [&b"$IIMTW,16.8,C*1C"[..], b"!AIVDM,2,2,9,B,`88888888888880,2*76", b"$IIMTW,16.8,C*1C"] {
            assert!(overheard.take(line));
        }
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
