/** A web server, a database and a cache as one project of compose, on the image of services.ts. */
import { SERVICES } from '#test/support/services.ts';

/** As a container's one process. */
const NGINX = '[nginx, -g, "daemon off;"]';

const DATABASE = `set -e
export PATH=$PATH:$(echo /usr/lib/postgresql/*/bin)
cd /tmp
as="setpriv --reuid postgres --regid postgres --clear-groups"
if [ ! -s /data/PG_VERSION ]; then
  chown postgres /data
  $as initdb -D /data --auth-local=trust --auth-host=scram-sha-256 --pwfile=/run/secrets/db_password >/dev/null
  echo 'host all all all scram-sha-256' >>/data/pg_hba.conf
fi
exec $as postgres -D /data -k /tmp -c listen_addresses='*' -c fsync=off
`;

/** The files of the project NAME: the cache is asked for by the web's own check, the database's password is in a file. */
export const shop = (name: string): Record<string, string> => ({
  'compose.yaml': `
name: ${name}
x-check: &check {interval: 500ms, timeout: 10s, retries: 60}
services:
  web:
    image: ${SERVICES}
    command: ${NGINX}
    ports: ["127.0.0.1::80"]
    secrets: [db_password, token]
    depends_on:
      db: {condition: service_healthy, restart: true}
      cache: {condition: service_healthy}
    healthcheck: {test: [CMD, redis-cli, -h, cache, ping], <<: *check}
  db:
    image: ${SERVICES}
    command: [bash, /init.sh]
    stop_signal: SIGINT
    configs: [{source: init, target: /init.sh}]
    secrets: [db_password]
    volumes: [data:/data]
    healthcheck: {test: [CMD, psql, -h, /tmp, -U, postgres, -c, select 1], <<: *check}
  cache:
    image: ${SERVICES}
    command: [redis-server, --protected-mode, "no", --save, ""]
    healthcheck: {test: redis-cli ping, <<: *check}
configs: {init: {file: ./init.sh}}
secrets:
  db_password: {file: ./password.txt}
  token: {environment: SHOP_TOKEN}
volumes: {data: {}}
`,
  '.env': 'SHOP_TOKEN=abc\n',
  'password.txt': 's3cret',
  'init.sh': DATABASE,
});

/** Asks the database from the web, with the password that it has as a secret. */
export const asking = (sql: string): string[] => [
  ...['exec', '-T', 'web', 'sh', '-c'],
  `PGPASSWORD=$(cat /run/secrets/db_password) psql -h db -U postgres -Atqc "${sql}"`,
];

/** nginx, which leads to whichever containers the name of a scaled service stands for, now and later. */
export const balanced = (name: string): Record<string, string> => ({
  'compose.yaml': `
name: ${name}
services:
  api:
    image: ${SERVICES}
    command: [sh, -c, "hostname >/var/www/html/index.html; exec nginx -g 'daemon off;'"]
    healthcheck: {test: [CMD, test, -s, /run/nginx.pid], interval: 200ms, retries: 50}
  lb:
    image: ${SERVICES}
    command: ${NGINX}
    ports: ["127.0.0.1::80"]
    volumes: ["./lb.conf:/etc/nginx/nginx.conf:ro"]
    depends_on: {api: {condition: service_healthy}}
`,
  'lb.conf': `events {}
http {
  resolver 127.0.0.11 valid=1s ipv6=off;
  server { listen 80; location / { set $there api; proxy_pass http://$there; proxy_connect_timeout 1s; } }
}
`,
});
