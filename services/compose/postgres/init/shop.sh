#!/usr/bin/env bash
# Fills the new primary as the lab without containers does (rulezero/lab/postgres.py): one user, who owns the shop.
set -euo pipefail

# Only the unprivileged user may come in over the network, without a password: a superuser can run programs.
cat > "$PGDATA/pg_hba.conf" <<'HBA'
local all all trust
host all rulezero all trust
host replication rulezero all trust
HBA

psql -v ON_ERROR_STOP=1 --no-psqlrc -U postgres -d shop <<'SQL'
CREATE ROLE rulezero LOGIN REPLICATION;
GRANT pg_monitor TO rulezero;
ALTER DATABASE shop OWNER TO rulezero;
ALTER SCHEMA public OWNER TO rulezero;
GRANT EXECUTE ON FUNCTION pg_stat_reset() TO rulezero;
SELECT pg_reload_conf();
SQL
psql -v ON_ERROR_STOP=1 --no-psqlrc -U rulezero -d shop -f /etc/shop/schema.sql
psql -v ON_ERROR_STOP=1 --no-psqlrc -U postgres -d shop -c 'VACUUM (FREEZE, ANALYZE)'
