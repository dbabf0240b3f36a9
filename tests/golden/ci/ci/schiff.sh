#!/bin/sh
# What the CI of this fleet does. GitLab and GitHub run these commands, and so can anybody, from any folder:
#
#   ci/schiff.sh merge-request REV   check against a commit, preview every environment, comment; delivers nothing
#   ci/schiff.sh deliver ENV         schiff up, when this is the newest commit of the default branch
#   ci/schiff.sh step ENV            schiff step, the same way: observe, decide and deliver, until it must wait
#
# Credentials come from variables alone and stay in the environment: nothing here writes or prints one.
set -eu

VERSION='<its own>'
FLEET='stacks/fleet'
REPORT='schiff-report'
ENVIRONMENTS='tst ref prd'

stop() {
    echo "$1" >&2
    exit "${2:-1}"
}

# A runner starts bare: state that is not elsewhere is lost with it.
require_state() {
    [ -n "${PULUMI_BACKEND_URL:-}" ] ||
        stop 'PULUMI_BACKEND_URL is not set: name the bucket of the state, e.g. s3://schiff-state?region=eu-central-1' 2
}

# Git asks a helper that reads the environment, and asks it for one server alone.
use_git_credentials() {
    [ -n "${SCHIFF_GIT_TOKEN:-}" ] || return 0
    server=${SCHIFF_GIT_SERVER:-${CI_SERVER_URL:-${GITHUB_SERVER_URL:-}}}
    [ -n "$server" ] || stop 'SCHIFF_GIT_SERVER is not set: name the server that SCHIFF_GIT_TOKEN is for' 2
    number=${GIT_CONFIG_COUNT:-0}
    # shellcheck disable=SC2016 # the helper's shell reads the variables
    helper='!answer() { printf "username=%s\npassword=%s\n" "${SCHIFF_GIT_USER:-oauth2}" "$SCHIFF_GIT_TOKEN"; }; answer'
    export GIT_CONFIG_COUNT=$((number + 1)) GIT_TERMINAL_PROMPT=0
    export "GIT_CONFIG_KEY_$number=credential.$server.helper" "GIT_CONFIG_VALUE_$number=$helper"
}

installed() {
    [ -x .venv/bin/python ] && .venv/bin/python -c 'import importlib.metadata as m; print(m.version("schiff"))' 2>&1
}

# Pulumi.yaml looks for the program's Python and for the plugin in .venv; pip knows the index.
install_schiff() {
    if [ "$(installed)" != "$VERSION" ]; then
        [ -x .venv/bin/python ] || python3 -m venv .venv
        .venv/bin/python -m pip install --quiet --disable-pip-version-check "schiff==$VERSION"
    fi
    PATH="$PWD/.venv/bin:$PATH"
    command -v pulumi >/dev/null || [ -x build/bin/pulumi ] ||
        python -c 'from pulumi.automation import PulumiCommand; PulumiCommand.install(root="build")'
}

# Everything is asked before anything ends the job, so that the comment and the artefact hold all there is.
merge_request() {
    unset KUBECONFIG
    rm -rf "$REPORT"
    mkdir "$REPORT"
    git rev-parse HEAD >"$REPORT/commit.txt"
    status=0
    schiff check --fleet "$FLEET" --against "$1" >"$REPORT/check.txt" 2>&1 || status=$?
    if [ "$status" -eq 0 ]; then
        for environment in $ENVIRONMENTS; do
            preview "$environment" || status=$?
        done
    fi
    python ci/comment.py "$REPORT" || [ "$status" -ne 0 ] || status=1
    return "$status"
}

# A stack that the backend lacks is no failure: the first delivery makes it, and the comment says so.
preview() {
    ended=0
    schiff preview -e "$1" --json >"$REPORT/$1.json" || ended=$?
    schiff preview -e "$1" --diff >"$REPORT/$1.txt" 2>&1 || :
    if [ "$ended" -ne 0 ] && grep -q '"code": "no-stack"' "$REPORT/$1.json"; then
        ended=0
    fi
    return "$ended"
}

# A run of an older commit, started again or kept waiting, would take back what a newer one delivered.
is_newest() {
    newest=$(git ls-remote --exit-code origin HEAD) || stop 'the head of the default branch cannot be read'
    newest=${newest%%[!0-9a-f]*}
    [ "$newest" = "$(git rev-parse HEAD)" ] && return 0
    echo "nothing done: the default branch is at $newest by now, and its own run delivers it"
    return 1
}

deliver() {
    is_newest || return 0
    tries=0
    while :; do
        status=0
        schiff up -e "$1" || status=$?
        tries=$((tries + 1))
        if [ "$status" -ne 10 ] || [ "$tries" -ge 60 ]; then
            return "$status"
        fi
        sleep $((3 + ($$ + tries) % 5)) # two that met do not meet again
    done
}

# To wait is how most steps end, and no failure.
step() {
    is_newest || return 0
    status=0
    schiff step -e "$1" || status=$?
    [ "$status" -eq 10 ] || return "$status"
}

main() {
    cd "$(dirname "$0")/.."
    case "${1:-} $#" in
    'merge-request 2' | 'deliver 2' | 'step 2') ;;
    *) stop 'usage: ci/schiff.sh merge-request REV | deliver ENV | step ENV' 2 ;;
    esac
    require_state
    use_git_credentials
    install_schiff
    case "$1" in
    merge-request) merge_request "$2" ;;
    deliver) deliver "$2" ;;
    step) step "$2" ;;
    esac
}

main "$@"
