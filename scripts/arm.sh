#!/bin/sh
# Builds the release binary for ARM boards without a container, and runs it: `scripts/arm.sh [aarch64|armv7]...`
#
# aarch64 serves the Raspberry Pi 3, 4, 5 and Zero 2 with a 64-bit system, armv7 the same and the Pi 2 with a 32-bit one.
# The Pi Zero and Pi 1 (ARMv6) cannot be built this way, since Debian's armhf library is made for ARMv7: use
# `just cross arm-unknown-linux-gnueabihf` on a machine with a container engine.
#
# Rust 1.85 and the cross compilers come from Debian 12 (scripts/debian-toolchain.sh). The binaries want glibc 2.34 or later,
# which Raspberry Pi OS has since 12 (bookworm). They are run under qemu's user emulation, demo boat included, where python3 and
# curl are there; ARM_RUN=0 leaves that out.
set -eu
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- aarch64 armv7

dir=$(scripts/debian-toolchain.sh arm) || exit $?
export RUSTC="$dir/rustc"
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER="$dir/aarch64-cc"
export CARGO_TARGET_ARMV7_UNKNOWN_LINUX_GNUEABIHF_LINKER="$dir/armv7-cc"
export CC_aarch64_unknown_linux_gnu="$dir/aarch64-cc" AR_aarch64_unknown_linux_gnu="$dir/aarch64-ar"
export CC_armv7_unknown_linux_gnueabihf="$dir/armv7-cc" AR_armv7_unknown_linux_gnueabihf="$dir/armv7-ar"
target_dir=${CARGO_TARGET_DIR:-target}

for arch in "$@"; do
    case $arch in
    aarch64) target=aarch64-unknown-linux-gnu qemu=$dir/qemu-aarch64 ;;
    armv7) target=armv7-unknown-linux-gnueabihf qemu=$dir/qemu-arm ;;
    *) echo "aarch64 or armv7, not $arch" >&2 && exit 64 ;;
    esac
    cargo build --locked --release --target "$target"
    binary=$target_dir/$target/release/taffrail
    cp "$binary" "$binary.stripped"
    "$dir/$arch-strip" --strip-all "$binary.stripped"
    echo "$target: $(stat -c %s "$binary") bytes, $(stat -c %s "$binary.stripped") stripped"
    rm "$binary.stripped"
    [ "${ARM_RUN-1}" = 0 ] || scripts/smoke.sh "$qemu" "$binary"
done
