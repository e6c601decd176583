#!/bin/sh
# Run once, when the database is made: SecAPI's database and its owner, who is no superuser; the API's role, to whom row-level
# security applies; and the role by which KEDA reads the length of queues. Migrations grant them what they need.
set -eu
psql --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<'SQL'
\set database `cat "$SECAPI_PASSWORDS/databasePassword"`
\set api `cat "$SECAPI_PASSWORDS/apiPassword"`
\set scaler `cat "$SECAPI_PASSWORDS/scalerPassword"`
CREATE ROLE secapi LOGIN PASSWORD :'database';
CREATE DATABASE secapi OWNER secapi;
CREATE ROLE secapi_api LOGIN PASSWORD :'api';
CREATE ROLE secapi_scaler LOGIN PASSWORD :'scaler';
SQL
