# Shared by ./moat and ./test: what the build needs, and the build itself. POSIX shell; sourced.

say() { printf 'moat: %s\n' "$*" >&2; }

# Installs the named Debian packages when root, otherwise prints the one command that does.
moat_install() {
    [ $# -eq 0 ] && return 0
    if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
        say "installing $* (apt)"
        log=$(mktemp)
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; } >"$log" 2>&1 && { rm -f "$log"; return 0; }
        tail -n 5 "$log" >&2; rm -f "$log"
        say "apt could not install: $*"
        return 1
    fi
    say "missing: $*"
    say "install it with: sudo apt-get install -y $*"
    return 1
}

# What is needed to build and to run: prints the packages that are missing.
moat_missing() {
    command -v bwrap >/dev/null 2>&1 || printf 'bubblewrap '
    command -v clang >/dev/null 2>&1 || printf 'clang '
    command -v ld.lld >/dev/null 2>&1 || printf 'lld '
    [ -e /usr/include/bpf/bpf_helpers.h ] || printf 'libbpf-dev '
    [ -e /usr/include/zlib.h ] || printf 'zlib1g-dev '
}

# moat_publish ROOT PROJECT OUT: publishes one project natively; prints a line and, on failure, the end of the log.
moat_publish() {
    say "building $(basename "$2") (native, one to three minutes the first time)"
    log=$(mktemp)
    if dotnet publish "$1/src/$2" -c Release -r "$(moat_rid)" -o "$3" -v quiet -nologo >"$log" 2>&1; then
        rm -f "$log"; return 0
    fi
    tail -n 30 "$log" >&2; rm -f "$log"
    say "the build of $2 failed; the end of its log stands above"
    return 1
}

moat_rid() {
    case $(uname -m) in
        aarch64 | arm64) echo linux-arm64 ;;
        *) echo linux-x64 ;;
    esac
}

# moat_build ROOT: publishes moat and moat-init beside each other into ROOT/artifacts/moat, whole or not at all.
moat_build() {
    command -v dotnet >/dev/null 2>&1 || { say "the .NET SDK 10 is missing; install the package dotnet-sdk-10.0, then run this again"; return 1; }
    # shellcheck disable=SC2046 # one word a package is meant
    moat_install $(moat_missing) || return 1
    mkdir -p "$1/artifacts"
    stage=$1/artifacts/stage.$$
    moat_publish "$1" Moat.Init "$stage" && moat_publish "$1" Moat.Cli "$stage" || { rm -rf "$stage"; return 1; }
    rm -rf "$1/artifacts/moat"
    mv "$stage" "$1/artifacts/moat"
}
