# `just` without a name lists what there is. Nothing here is magic: each line is a command that can be typed.

export CROSS_CONFIG := "cross.toml"

_list:
    @just --list

# Everything that a change has to pass
check: && deny
    cargo fmt --check
    cargo clippy --all-targets --locked -- -D warnings
    cargo test --locked
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --locked
    # A build without features keeps the signatures of what it lacks.
    cargo clippy --no-default-features --locked -- -D warnings -A clippy::unused_async -A clippy::unused_self

# Licences, advisories and doubled crates, where cargo-deny is installed
deny:
    @if cargo deny --version >/dev/null 2>&1; then cargo deny check; else echo "skipped: cargo-deny is not installed"; fi

# A server with a simulated boat on http://localhost:3000
demo *FLAGS:
    cargo run --release -- --input demo {{FLAGS}}

# Looks at the page in a browser: live values, a busy harbour, screenshots in target/page; needs Chromium and Node
page:
    cargo build --locked
    node tests/page/check.mjs

# Feeds a parser with nonsense: `just fuzz framer`, `just fuzz sentence 600`; needs nightly and cargo-fuzz
fuzz TARGET SECONDS="60":
    cargo +nightly fuzz run {{TARGET}} -- -max_total_time={{SECONDS}}

# All of them, each until it has had so many seconds of the processor; goes on where it was stopped
fuzz-all SECONDS="3600":
    cargo +nightly fuzz build
    scripts/fuzz.py --seconds {{SECONDS}}

# Measures: all, or one such as `just bench ais`
bench *NAME:
    cargo bench {{ if NAME == "" { "" } else { "--bench " + NAME } }}

# A release binary for another machine, in a container: cross.toml lists the targets
cross TARGET:
    cross build --release --locked --target {{TARGET}}

# Release binaries for aarch64 and armv7 without containers, run under emulation
arm-check *ARCH:
    scripts/arm.sh {{ARCH}}

# Compiles with the oldest Rust that is promised
msrv:
    scripts/msrv.sh

# A Debian package for this machine, or for another: `just deb aarch64-unknown-linux-gnu`
deb *TARGET:
    scripts/deb.sh {{TARGET}}

# Checks the package, and installs, upgrades, removes and purges it in a folder of its own
deb-check FILE:
    scripts/check-deb.sh {{FILE}}

# Announces itself beside a running avahi, in a network namespace; needs root and avahi-daemon
avahi-check:
    cargo build --release --locked
    scripts/check-avahi.sh

# Installs the package in a small Debian that boots a real systemd, and watches the service live, hang, be upgraded and roll back
systemd-check FILE:
    scripts/check-systemd.sh {{FILE}}

# Boots a whole emulated machine with the package, plugs instruments in and out, and cuts its power
machine-check FILE:
    scripts/check-machine.py {{FILE}}
