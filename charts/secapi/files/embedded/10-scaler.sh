#!/bin/sh
# Run once, when the database is made: the role by which KEDA reads the length of queues. Migrations grant it the view.
set -eu
psql --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
  --set password="$(cat /run/secrets/secapi/scalerPassword)" <<'SQL'
CREATE ROLE secapi_scaler LOGIN CONNECTION LIMIT 10 PASSWORD :'password';
SQL
