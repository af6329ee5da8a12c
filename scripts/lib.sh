# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
# What the scripts share: where the repository is, which packages it needs, how to build. Sourced, not run.

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
export PENSTOCK_BIN="${PENSTOCK_BIN:-$root/.build/release/penstock}"

# The C libraries that the system targets of Package.swift name, as Debian 12 packages them.
build_packages=(
    libssl-dev libpcap-dev libcurl4-openssl-dev libzstd-dev libsnappy-dev libpcre2-dev liblz4-dev zlib1g-dev
    libsqlite3-dev pkg-config
)
# What the end-to-end tests and certs/make-certs use besides.
test_packages=(openssl python3 python3-venv rsyslog rsyslog-relp zstd lz4)

say() { printf '%s\n' "$*" >&2; }
fail() { say "error: $*"; exit 1; }

as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi; }

# Installs those of the packages named that are missing. The package lists are fetched only when apt cannot find one.
install_packages() {
    local missing=() package output
    command -v dpkg-query >/dev/null ||
        { say "note: not a Debian system; these have to be there already: $*"; return 0; }
    for package in "$@"; do
        case "$(dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null)" in
            ii*) ;;
            *) missing+=("$package") ;;
        esac
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    say "installing: ${missing[*]}"
    [ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null ||
        fail "that needs root, and sudo is not installed; run as root: apt-get install ${missing[*]}"
    # The password, where sudo wants one, is asked for here: below, its question would go to the log.
    [ "$(id -u)" -eq 0 ] || sudo -v
    local install=(env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}")
    if ! output="$(as_root "${install[@]}" 2>&1)"; then
        say "fetching the package lists"
        as_root apt-get update -qq >/dev/null 2>&1 || true
        output="$(as_root "${install[@]}" 2>&1)" || { say "$output"; fail "apt-get could not install: ${missing[*]}"; }
    fi
}

# Swift 6.3 or later.
require_swift() {
    local version
    command -v swift >/dev/null || fail "swift is not on the PATH; install Swift 6.3 (https://www.swift.org/install)"
    version="$(swift --version 2>/dev/null | sed -nE 's/.*Swift version ([0-9]+)\.([0-9]+).*/\1 \2/p' | head -n 1)"
    # shellcheck disable=SC2086
    set -- $version
    [ "${1:-0}" -gt 6 ] || { [ "${1:-0}" -eq 6 ] && [ "${2:-0}" -ge 3 ]; } ||
        fail "Swift 6.3 or later is needed, this is ${1:-unknown}.${2:-}"
}

# One configuration for running and testing, so that nothing is compiled twice. The flag makes an import that the
# target graph does not declare an error.
swift_build() {
    swift build --package-path "$root" -c release --explicit-target-dependency-import-check error "$@"
}
