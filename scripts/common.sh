# Shared by the scripts; sourced, not run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '%s\n' "$*"; }
fail() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# Debian packages: what the build links against, what a node runs, what the tests and examples use.
packages=(mariadb-server-core mariadb-client mariadb-backup libmariadb-dev libedit-dev libssl-dev zlib1g-dev libxxhash-dev pkg-config netcat-openbsd)

# Installs those packages that are missing.
install_packages() {
    local missing=() name
    for name in "${packages[@]}"; do
        dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'install ok installed' || missing+=("$name")
    done
    [ ${#missing[@]} -eq 0 ] && return
    command -v apt-get >/dev/null || fail "these Debian packages are missing and apt-get is not here: ${missing[*]}"
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || fail "these packages are missing: ${missing[*]}; install them as root: apt-get install ${missing[*]}"
        as_root=(sudo)
    fi
    say "installing ${missing[*]}"
    "${as_root[@]}" apt-get update -qq || fail "apt-get update failed"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
        fail "apt-get install ${missing[*]} failed"
}

need_swift() { command -v swift >/dev/null || fail "swift is not in PATH; install Swift 6.2 or later from swift.org"; }

# The release binary, built when a source is newer.
build_release() {
    need_swift
    say "building ddbnode (release; the first time takes a few minutes)"
    (cd "$root" && swift build -c release --static-swift-stdlib --product ddbnode 2>&1 | tail -n 20) || fail "the build failed"
    binary=$(cd "$root" && swift build -c release --static-swift-stdlib --product ddbnode --show-bin-path)/ddbnode
}
