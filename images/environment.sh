# shellcheck shell=bash
# Virtual environments of images, for the scripts beside this one, which source it.
set -euo pipefail

# The build's pip fills environments that have none. Its own python3, as /opt/secapi/bin comes first in PATH.
install_into() { # HOME PIP-ARGUMENT...
  /usr/bin/python3 -m pip --python "$1/bin/python" install --quiet --disable-pip-version-check --no-cache-dir \
    --root-user-action=ignore --no-warn-script-location --no-deps --no-compile "${@:2}"
}

# Bytecode that is never compared with its source: containers cannot write any, and copying may change file times.
compile_below() { # DIRECTORY ROOT: paths in tracebacks are relative to ROOT
  /usr/bin/python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash -s "$2" -p / "$1"
}
