#!/usr/bin/env bash
# Copies the primary, through the link that it will stream through, and follows it from then on.
set -euo pipefail

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  install -d -o postgres -g postgres -m 0700 "$PGDATA"
  gosu postgres pg_basebackup --pgdata="$PGDATA" --write-recovery-conf --wal-method=stream --checkpoint=fast \
    --dbname="host=toxiproxy port=21010 user=rulezero sslmode=disable gssencmode=disable application_name=standby"
fi
exec docker-entrypoint.sh postgres -c config_file=/etc/postgresql/postgresql.conf
