//! `taffrail man`, for packages.

use std::io::{self, Write as _};

use clap::CommandFactory as _;

/// What the command line cannot tell about itself.
const MORE: &str = r".SH FILES
.TP
\fI/etc/taffrail/taffrail.toml\fR
The configuration of the service, with every key there is. Flags go over environment variables, these over the file.
.TP
\fI/var/lib/taffrail\fR
The state directory of the service, with the history in it. Without a service: \fI~/.local/state/taffrail\fR.
.TP
\fI/dev/marine\fR
Serial adapters under names that stay the same.
.SH EXIT STATUS
.TP
0
All is well; the server was stopped by SIGTERM or SIGINT.
.TP
1
Something went wrong, or \fBself\-check\fR found something.
.TP
64
The command line or the configuration was refused; standard error says where and why.
.SH ENVIRONMENT
.TP
\fBTAFFRAIL_CONFIG\fR, \fBTAFFRAIL_LOG\fR
As \fB\-\-config\fR and \fB\-\-log\fR.
.TP
\fBTAFFRAIL_\fITABLE\fB_\fIKEY\fR
A key of the configuration, such as \fBTAFFRAIL_SERVER_HTTP\fR.
.SH EXAMPLES
.TP
\fBtaffrail\fR
A server with a simulated boat, on http://localhost:3000/signalk.
.TP
\fBtaffrail \-\-input serial:/dev/ttyUSB0@4800 \-\-input udp:0.0.0.0:10110\fR
What comes by a serial port and by the network.
.SH SEE ALSO
.BR systemctl (1),
.BR journalctl (1)
";

/// The manual page in roff, the commands in it.
pub fn page() -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out).expect("writing to a vector does not fail");
    out
}

fn write(out: &mut Vec<u8>) -> io::Result<()> {
    let command = super::Arguments::command();
    let page = clap_mangen::Man::new(command.clone());
    page.render_title(out)?;
    page.render_name_section(out)?;
    page.render_synopsis_section(out)?;
    writeln!(out, ".SH COMMANDS")?;
    for subcommand in command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set()) {
        let about = subcommand.get_about().map(ToString::to_string).unwrap_or_default();
        writeln!(out, ".TP\n\\fB{}\\fR\n{about}", subcommand.get_name().replace('-', "\\-"))?;
    }
    page.render_options_section(out)?;
    out.write_all(MORE.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_that_the_help_shows_is_in_it_and_no_hidden_one() {
        let page = String::from_utf8(page()).unwrap();
        for name in ["run", "check\\-config", "self\\-check"] {
            assert!(page.contains(&format!(".TP\n\\fB{name}\\fR\n")), "{name}: {page}");
        }
        assert!(!page.contains("completions"));
        let lines = page.lines().filter(|line| line.starts_with(".SH "));
        assert_eq!(lines.map(|line| &line[4..]).collect::<Vec<_>>()[..4], ["NAME", "SYNOPSIS", "COMMANDS", "OPTIONS"]);
    }
}
