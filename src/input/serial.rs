//! Serial ports: opened for ourselves alone, 8 data bits, no parity, 1 stop bit, read only. A plug that is pulled is an
//! end of file or an I/O error; the supervisor opens the same path again until it is back.

use std::path::Path;

use super::ended::Ended;
use super::intake::Intake;

#[cfg(not(feature = "serial"))]
pub(super) async fn run(device: &Path, _baud: Option<u32>, _intake: &Intake) -> Ended {
    let text = format!("open serial {}: this build has no serial ports (feature serial)", device.display());
    Ended::new(super::ended::Why::Unsupported, text)
}

#[cfg(feature = "serial")]
pub(super) use port::{open, run};

#[cfg(feature = "serial")]
mod port {
    use std::io;

    use tokio::io::AsyncReadExt;
    use tokio::time::{Instant, timeout_at};
    use tokio_serial::{ClearBuffer, ErrorKind, SerialPort as _, SerialPortBuilderExt, SerialStream};

    use super::{Ended, Intake, Path};
    use crate::input::baud::{self, BAUDS, WRONG_RATE_BYTES};
    use crate::input::decoding::Decoding;
    use crate::input::ended::{Why, with_advice};
    use crate::input::holder;
    use crate::input::intake::{CHUNK_BYTES, OnJunk, Patience};

    /// An open port.
    pub(in crate::input) struct SerialPort {
        stream: SerialStream,
    }

    /// One connection to a port: open, find the rate where it is not given, read to the end.
    pub(in crate::input) async fn run(device: &Path, baud: Option<u32>, intake: &Intake) -> Ended {
        match read_to_the_end(device, baud, intake).await {
            Ok(ended) | Err(ended) => ended,
        }
    }

    async fn read_to_the_end(device: &Path, baud: Option<u32>, intake: &Intake) -> Result<Ended, Ended> {
        let mut port = open(device, baud.unwrap_or(BAUDS[0])).await?;
        let (baud, mut decoding, on_junk) = if let Some(baud) = baud {
            (baud, intake.decoding(), OnJunk::Report)
        } else {
            let (baud, decoding) = find_baud(&mut port, device, intake).await?;
            (baud, decoding, OnJunk::End)
        };
        let object = format!("serial {} at {baud}", device.display());
        intake.running(&object);
        intake.hand_over(&mut decoding, intake.now()).await?;
        let patience = Patience {
            silence: Some(intake.wiring.timing.silence),
            on_junk,
            junk_advice: "is this the right baud rate? baud = \"auto\" finds it",
        };
        Ok(intake.read_stream(&mut port.stream, decoding, &object, patience).await)
    }

    /// Opens a port for ourselves alone (TIOCEXCL, and a lock for programs that may ignore that).
    pub(in crate::input) async fn open(device: &Path, baud: u32) -> Result<SerialPort, Ended> {
        let operation = format!("open serial {} at {baud}", device.display());
        let in_use = |holder: &str| {
            let text = format!("{operation}: in use by {holder}");
            Ended::new(Why::Busy, with_advice(text, "stop it, or let it send to this server over the network"))
        };
        // Before it is opened: root may open what another program has for itself alone, and would take half of its bytes.
        if let Some(holder) = holder(device).await {
            return Err(in_use(&holder));
        }
        let builder = tokio_serial::new(device.to_string_lossy(), baud);
        match builder.open_native_async() {
            Ok(stream) => Ok(SerialPort { stream }),
            Err(error) => match error.kind() {
                ErrorKind::Io(kind) => Err(Ended::io(operation, &io::Error::from(kind), advice)),
                ErrorKind::NoDevice => Err(in_use("a program of another user, which `sudo taffrail ports` names")),
                ErrorKind::InvalidInput | ErrorKind::Unknown => {
                    Err(other(&operation, &error.description.to_lowercase()))
                }
            },
        }
    }

    /// Reads all of /proc, which is not for a thread that others wait for.
    async fn holder(device: &Path) -> Option<String> {
        let device = device.to_owned();
        tokio::task::spawn_blocking(move || holder::of(&device)).await.ok().flatten()
    }

    /// An error that the crate has no kind for, by its description. EPERM, unlike EACCES, is not about users and groups: it
    /// comes from the list of devices in the service's unit, and joining a group would not help.
    fn other(operation: &str, description: &str) -> Ended {
        let (why, advice) = match description {
            "operation not permitted" => (
                Why::Permission,
                "allow this kind of device: `systemctl edit taffrail`, see DeviceAllow in docs/serial.md",
            ),
            _ => (Why::Failed, "is it a serial port that exists?"),
        };
        Ended::new(why, with_advice(format!("{operation}: {description}"), advice))
    }

    fn advice(why: Why) -> &'static str {
        match why {
            Why::NotFound => "is it plugged in? `taffrail ports` lists what is there",
            Why::Permission => "add the user to the group dialout",
            _ => "",
        }
    }

    /// What came at one rate.
    pub(in crate::input) enum Heard {
        /// Good lines.
        Sentences,
        /// Bytes, and no good line among them.
        Junk,
        /// Not a byte.
        Nothing,
    }

    impl SerialPort {
        /// Changes the rate and forgets what came at the old one.
        pub(in crate::input) fn set_baud(&mut self, device: &Path, baud: u32) -> Result<(), Ended> {
            let set = self.stream.set_baud_rate(baud).and_then(|()| self.stream.clear(ClearBuffer::Input));
            set.map_err(|error| {
                Ended::io(format_args!("set serial {} to {baud}", device.display()), &error.into(), |_| "")
            })
        }

        /// Reads what there is, at least one byte.
        pub(in crate::input) async fn read(&mut self, device: &Path, buffer: &mut [u8]) -> Result<usize, Ended> {
            match self.stream.read(buffer).await {
                Ok(0) | Err(_) => {
                    Err(Ended::new(Why::Disconnected, format!("read serial {}: disconnected", device.display())))
                }
                Ok(count) => Ok(count),
            }
        }

        /// Listens until the first good line, until it is plain that none will come, or until the deadline.
        async fn listen(
            &mut self,
            device: &Path,
            decoding: &mut Decoding,
            intake: &Intake,
            deadline: Instant,
        ) -> Result<Heard, Ended> {
            let mut buffer = vec![0; CHUNK_BYTES];
            while let Ok(read) = timeout_at(deadline, self.read(device, &mut buffer)).await {
                decoding.feed(&buffer[..read?], intake.now());
                if decoding.good_lines() > 0 {
                    return Ok(Heard::Sentences);
                }
                if decoding.bytes_since_good() > WRONG_RATE_BYTES {
                    break;
                }
            }
            Ok(if decoding.bytes_since_good() > 0 { Heard::Junk } else { Heard::Nothing })
        }
    }

    /// Tries the rates until one gives a good line. What was decoded at wrong rates is thrown away, uncounted.
    async fn find_baud(port: &mut SerialPort, device: &Path, intake: &Intake) -> Result<(u32, Decoding), Ended> {
        let memory = &intake.wiring.baud_memory;
        let recalled = memory.recall(device);
        let mut came_at_all = false;
        for baud in baud::order(recalled) {
            tracing::debug!(input = %intake.name, "listening to {} at {baud}", device.display());
            port.set_baud(device, baud)?;
            let mut decoding = intake.decoding();
            let deadline = Instant::now() + intake.wiring.timing.baud_window;
            match port.listen(device, &mut decoding, intake, deadline).await? {
                Heard::Sentences => {
                    if recalled != Some(baud) {
                        memory.remember(device, baud);
                    }
                    return Ok((baud, decoding));
                }
                Heard::Junk => came_at_all = true,
                Heard::Nothing => {}
            }
        }
        let device = device.display();
        Err(if came_at_all {
            let text = format!("read serial {device}: bytes come, and no good line at any of {BAUDS:?} baud");
            Ended::new(
                Why::Malformed,
                with_advice(text, "does it speak NMEA 0183? are both wires the right way round?"),
            )
        } else {
            let text = format!("read serial {device}: not a byte at any baud rate");
            Ended::new(Why::Silent, with_advice(text, "is the instrument switched on?"))
        })
    }

    #[cfg(test)]
    mod tests {
        use super::{Why, other};

        #[test]
        fn a_device_that_the_unit_forbids_is_not_a_matter_of_groups() {
            let ended = other("open serial /dev/ttymxc1 at 4800", "operation not permitted");
            assert_eq!(ended.why, Why::Permission);
            assert!(ended.message.contains("DeviceAllow") && !ended.message.contains("dialout"), "{}", ended.message);
            let ended = other("open serial /dev/null at 4800", "inappropriate ioctl for device");
            assert_eq!(ended.why, Why::Failed);
        }
    }
}
