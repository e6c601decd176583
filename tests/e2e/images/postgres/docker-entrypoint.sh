#!/bin/sh
# Make the database at the first start, as the official image does: by a server that listens on its socket only.
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  initdb --username="$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE" --auth-local=trust --auth-host=scram-sha-256 >/dev/null
  echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
  pg_ctl start --wait --silent --options="-c listen_addresses="
  for script in /docker-entrypoint-initdb.d/*; do
    PGUSER=$POSTGRES_USER "$script"
  done
  pg_ctl stop --wait --silent --mode=fast
fi
exec postgres -c listen_addresses='*'
