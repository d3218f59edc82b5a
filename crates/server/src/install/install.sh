#!/bin/sh
# Installs the Yunhai agent on this machine and lets it join; run again, it brings it up to date.
#
#   curl -fsSL https://yunhai.example.com:8420/install.sh | sh -s -- \
#     --server https://yunhai.example.com:8420 --token ye_…
#
# Everything comes from your own server: the program is the one that it runs itself.

set -eu

usage() {
    cat <<'USAGE'
Usage: install.sh --server URL [--token TOKEN] [options]
       install.sh --uninstall

  --server URL        the address of your Yunhai server
  --token TOKEN       an enrolment token; not needed again once the machine has joined
  --pin sha256//HASH  trust the server's own certificate, whose key has this hash
  --ca-file FILE      trust this certificate (PEM)
  --name NAME         what the machine is called; its host name, or its name in the cloud
  --interval TIME     how often it is measured: 10s, 60s
  --binary FILE       install this program instead of the server's
  --no-start          install only
  --allow-plain-http  send the key in the clear to a server beyond this machine
  --root DIR          install below this folder, and start nothing
  --uninstall         stop the agent and remove everything of it
USAGE
}

fail() {
    printf 'error: %s\n' "$1" >&2
    [ $# -lt 2 ] || printf 'hint: %s\n' "$2" >&2
    exit 1
}

say() {
    printf '%s\n' "$1"
}

# Values go into a file that systemd and the shell read.
check_value() {
    case $2 in
    *[\"\\\$\`]* | *"
"*) fail "$1 must not hold quotes, \\, \$ or line breaks" ;;
    esac
}

# What an earlier run has set, so that it need not be said again.
set_before() {
    [ ! -f "$environment" ] || sed -n "s/^$1=\"\(.*\)\"\$/\1/p" "$environment"
}

fetch() {
    if [ -n "$pin" ]; then
        # Whose certificate it is does not matter while the key is the one that was told.
        curl --fail --silent --show-error --location --retry 3 --insecure --pinnedpubkey "$pin" \
            --output "$2" "$server$1"
    elif [ -n "$trusted" ]; then
        curl --fail --silent --show-error --location --retry 3 --cacert "$trusted" \
            --output "$2" "$server$1"
    else
        curl --fail --silent --show-error --location --retry 3 --output "$2" "$server$1"
    fi
}

hash_of() {
    if command -v sha256sum >/dev/null 2>&1; then
        sha256sum "$1" | cut -d ' ' -f 1
    elif command -v shasum >/dev/null 2>&1; then
        shasum -a 256 "$1" | cut -d ' ' -f 1
    elif command -v openssl >/dev/null 2>&1; then
        openssl dgst -sha256 -r "$1" | cut -d ' ' -f 1
    else
        fail "there is no sha256sum to check the program with" "install coreutils"
    fi
}

has_systemd() {
    [ -z "$root" ] && [ -d /run/systemd/system ] && command -v systemctl >/dev/null 2>&1
}

uninstall() {
    if has_systemd; then
        systemctl disable --now yunhai-agent >/dev/null 2>&1 || true
    fi
    rm -rf "$state" "$root/var/lib/private/yunhai-agent"
    rm -f "$unit" "$environment" "$folder/agent-token" "$folder/agent-ca.pem"
    rmdir "$folder" 2>/dev/null || true
    # The server itself may run on this machine.
    if [ ! -f "$root/etc/systemd/system/yunhai.service" ]; then
        rm -f "$program"
    fi
    if has_systemd; then
        systemctl daemon-reload
    fi
    say "The agent is gone from this machine. Revoke its key on the server: yunhai agent revoke NAME"
}

install_program() {
    if [ -n "$binary" ]; then
        cp "$binary" "$program.new" || fail "cannot copy $binary"
    else
        fetch /install/architecture "$work/architecture" ||
            fail "cannot fetch from $server" "check the address; for a server with a certificate of its own give --pin or --ca-file"
        theirs=$(cat "$work/architecture")
        [ "$theirs" = "$architecture" ] ||
            fail "the server runs on $theirs and cannot hand out a program for $architecture" \
                "build one for $architecture and give it with --binary"
        fetch /install/yunhai.sha256 "$work/hash" || fail "cannot fetch the program's hash from $server"
        wanted=$(cut -d ' ' -f 1 "$work/hash")
        if [ -f "$program" ] && [ "$(hash_of "$program")" = "$wanted" ]; then
            say "The program is up to date."
            return
        fi
        say "Fetching the program from $server"
        fetch /install/yunhai "$program.new" || fail "cannot fetch the program from $server"
        found=$(hash_of "$program.new")
        if [ "$found" != "$wanted" ]; then
            rm -f "$program.new"
            fail "the program arrived damaged: its SHA-256 is $found and not $wanted" "run the script again"
        fi
    fi
    chmod 755 "$program.new"
    if ! "$program.new" --version >/dev/null 2>"$work/said"; then
        said=$(head -n 3 "$work/said")
        rm -f "$program.new"
        fail "the program does not run on this machine: $said" "build one for it and give it with --binary"
    fi
    mv -f "$program.new" "$program"
}

install_settings() {
    if [ -n "$token" ]; then
        (umask 077 && printf '%s\n' "$token" >"$folder/agent-token.new")
        mv -f "$folder/agent-token.new" "$folder/agent-token"
    elif [ ! -f "$folder/agent-token" ]; then
        fail "this machine has not joined yet, and --token is missing" \
            "yunhai agent-token create, or the button Add server in the browser"
    fi
    if [ -n "$pin" ]; then
        fetch /install/ca.pem "$folder/agent-ca.pem" || fail "cannot fetch the certificate from $server"
        trusted=/etc/yunhai/agent-ca.pem
    elif [ -n "$trusted" ]; then
        [ "$trusted" = "$folder/agent-ca.pem" ] || cp "$trusted" "$folder/agent-ca.pem"
        trusted=/etc/yunhai/agent-ca.pem
    fi
    {
        printf 'YUNHAI_SERVER="%s"\n' "$server"
        [ -z "$trusted" ] || printf 'YUNHAI_CA_FILE="%s"\n' "$trusted"
        [ -z "$name" ] || printf 'YUNHAI_SERVER_NAME="%s"\n' "$name"
        [ -z "$interval" ] || printf 'YUNHAI_AGENT_INTERVAL="%s"\n' "$interval"
        [ -z "$plain" ] || printf 'YUNHAI_AGENT_ALLOW_PLAIN_HTTP="%s"\n' "$plain"
    } >"$environment.new"
    mv -f "$environment.new" "$environment"
}

start() {
    if [ -z "$starts" ]; then
        say "Installed. Start it with: systemctl enable --now yunhai-agent"
    elif has_systemd; then
        systemctl daemon-reload
        systemctl enable yunhai-agent >/dev/null 2>&1
        systemctl restart yunhai-agent
        sleep 3
        if ! systemctl is-active --quiet yunhai-agent; then
            journalctl --unit yunhai-agent --lines 5 --no-pager --output cat >&2 || true
            fail "the agent does not run" "what it says stands above"
        fi
        say "The agent runs; this machine will be in the list of servers in a few seconds."
    else
        say "Installed. There is no systemd to start it; run it as root, and have it started with the machine:"
        say "  (set -a; . $environment; exec $program agent --token-file $folder/agent-token --buffer $state)"
    fi
}

main() {
    server='' token='' pin='' trusted='' name='' interval='' binary='' root='' plain='' starts=yes removes=''
    while [ $# -gt 0 ]; do
        case $1 in
        --server | --token | --pin | --ca-file | --name | --interval | --binary | --root)
            [ $# -ge 2 ] || fail "$1 needs a value"
            check_value "$1" "$2"
            ;;
        esac
        case $1 in
        --server) server=${2%/}; shift ;;
        --token) token=$2; shift ;;
        --pin) pin=$2; shift ;;
        --ca-file) trusted=$2; shift ;;
        --name) name=$2; shift ;;
        --interval) interval=$2; shift ;;
        --binary) binary=$2; shift ;;
        --root) root=${2%/}; shift ;;
        --allow-plain-http) plain=true ;;
        --no-start) starts='' ;;
        --uninstall) removes=yes ;;
        --help | -h) usage; exit 0 ;;
        *) usage >&2; fail "unknown option $1" ;;
        esac
        shift
    done
    program=$root/usr/local/bin/yunhai
    folder=$root/etc/yunhai
    environment=$folder/agent.env
    unit=$root/etc/systemd/system/yunhai-agent.service
    state=$root/var/lib/yunhai-agent

    [ "$(uname -s)" = Linux ] || fail "the agent runs on Linux only"
    [ -n "$root" ] || [ "$(id -u)" = 0 ] || fail "this needs root" "put sudo before sh"
    if [ -n "$removes" ]; then
        uninstall
        return
    fi
    [ -n "$server" ] || server=$(set_before YUNHAI_SERVER)
    [ -n "$name" ] || name=$(set_before YUNHAI_SERVER_NAME)
    [ -n "$interval" ] || interval=$(set_before YUNHAI_AGENT_INTERVAL)
    [ -n "$plain" ] || plain=$(set_before YUNHAI_AGENT_ALLOW_PLAIN_HTTP)
    if [ -z "$trusted" ] && [ -n "$(set_before YUNHAI_CA_FILE)" ]; then
        trusted=$folder/agent-ca.pem
    fi
    case $server in
    https://* | http://*) ;;
    '') usage >&2; fail "--server is missing" ;;
    *) fail "$server is no address of a server" "it begins with https://" ;;
    esac
    command -v curl >/dev/null 2>&1 || fail "there is no curl" "install curl"
    case $(uname -m) in
    x86_64 | amd64) architecture=x86_64 ;;
    aarch64 | arm64) architecture=aarch64 ;;
    *) architecture=$(uname -m) ;;
    esac

    umask 022
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    mkdir -p "${program%/*}" "$folder" "${unit%/*}"
    install_program
    install_settings
    fetch /install/yunhai-agent.service "$unit.new" || fail "cannot fetch the unit from $server"
    mv -f "$unit.new" "$unit"
    start
}

# Nothing happens before the last line has arrived.
main "$@"
