#!/bin/sh
# The password between graphsvc and Neo4j, for docker-compose.yml: made of chance, once, in files that nobody else on this machine reaches.
set -eu
cd "$(dirname "$0")/.."
if [ -e secrets/neo4j_password ]; then
    echo "secrets/neo4j_password is there already; Neo4j keeps the one of its first start" >&2
    exit 1
fi
# The folder is closed. The files are open, since the containers' users, who are others, read them through a mount of theirs.
mkdir -p -m 700 secrets
password=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
printf '%s' "$password" > secrets/neo4j_password
printf 'neo4j/%s' "$password" > secrets/neo4j_auth
chmod 444 secrets/neo4j_password secrets/neo4j_auth
echo "made secrets/neo4j_password and secrets/neo4j_auth"
