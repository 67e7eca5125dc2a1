/** Whole projects on images that are made here, brought up and taken down. */
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { project, SLEEP } from '#test/support/compose-project.ts';
import { BUSYBOX, eventually, mendStore, readyStore, succeed, wherry } from '#test/support/wherry.ts';

beforeAll(readyStore);
afterAll(() => mendStore());

/** Serves a directory. */
const serve = (directory: string) => `["sh", "-c", "trap 'exit 0' TERM; httpd -f -p 80 -h ${directory} & wait"]`;

test('web, database and cache with checks and secrets: up waits for health, down leaves nothing', async () => {
  const { compose, root } = project({
    'compose.yaml': `
name: shop
services:
  web:
    build: web
    command: ${serve('/www')}
    depends_on:
      db: {condition: service_healthy}
      cache: {condition: service_started}
    healthcheck: {test: ["CMD", "wget", "-qO-", "http://127.0.0.1/"], interval: 200ms, retries: 50}
    configs: [{source: motd, target: /www/motd}]
  db:
    image: ${BUSYBOX}
    command: ["sh", "-c", "trap 'exit 0' TERM; sleep 1; test $$(cat /run/secrets/password) = s3cret && touch /data/ready; sleep 1000 & wait"]
    healthcheck: {test: test -f /data/ready, interval: 200ms, retries: 100}
    secrets: [password, {source: token, target: /etc/token, mode: 0400}]
    volumes: [data:/data]
  cache:
    image: ${BUSYBOX}
    command: ${SLEEP}
    networks: {default: {aliases: [redis]}}
secrets:
  password: {file: ./password.txt}
  token: {environment: TOKEN}
configs:
  motd: {content: "hello from \${GREETER:-compose}"}
volumes: {data: {}}
`,
    '.env': 'GREETER=tests\nTOKEN=abc\n',
    'password.txt': 's3cret',
    'web/Dockerfile': `FROM ${BUSYBOX}\nRUN mkdir /www && echo home > /www/index.html\n`,
  });
  await compose('up', '-d', '--wait');
  expect((await compose('ps', '--format', '{{.Name}} {{.Health}}')).split('\n').sort()).toEqual([
    'shop-cache-1 ',
    'shop-db-1 healthy',
    'shop-web-1 healthy',
  ]);
  expect(await compose('exec', '-T', 'cache', 'wget', '-qO-', 'http://web/motd')).toBe('hello from tests');
  expect(await compose('exec', '-T', 'db', 'sh', '-c', 'cat /etc/token; stat -c %a /etc/token')).toBe('abc400');
  expect(await compose('exec', '-T', 'web', 'sh', '-c', 'ping -c1 -W2 redis >/dev/null && echo there')).toBe('there');
  const again = await wherry(['compose', 'up', '-d'], { cwd: root });
  expect(again.stderr).not.toMatch(/Recreat|Creat|Starting/);
  await compose('down', '-v');
  expect(await succeed('ps', '-aq', '--filter', 'label=com.docker.compose.project=shop')).toBe('');
  expect(await succeed('volume', 'ls', '-q', '--filter', 'label=com.docker.compose.project=shop')).toBe('');
  expect(await succeed('network', 'ls', '-q', '--filter', 'label=com.docker.compose.project=shop')).toBe('');
});

test('a scaled service behind a proxy: each of its containers is reached by its one name', async () => {
  const { compose, root } = project({
    'compose.yaml': `
name: scaled
services:
  app:
    image: ${BUSYBOX}
    command: ["sh", "-c", "mkdir /www; hostname > /www/index.html; trap 'exit 0' TERM; httpd -f -p 80 -h /www & wait"]
    deploy: {replicas: 3}
  proxy:
    image: ${BUSYBOX}
    command: ${serve('/www')}
    volumes: ["./cgi:/www/cgi-bin:ro"]
    ports: ["127.0.0.1::80"]
    depends_on: [app]
`,
    'cgi/app': '#!/bin/sh\nprintf "Content-Type: text/plain\\r\\n\\r\\n"\nexec wget -qO- http://app/\n',
  });
  chmodSync(join(root, 'cgi/app'), 0o755);
  await compose('up', '-d');
  const place = await compose('port', 'proxy', '80');
  const seen = new Set<string>();
  const ask = async () => {
    const answer = await fetch(`http://${place}/cgi-bin/app`).catch(() => undefined);
    if (answer?.ok) seen.add((await answer.text()).trim());
    return seen.size;
  };
  await eventually(ask, (count) => count === 3);
  await compose('up', '-d', '--scale', 'app=1');
  expect(await compose('ps', '-q', 'app')).toMatch(/^[0-9a-f]{64}$/);
  await compose('down');
});

test('a job runs to its end before who needs it starts; one that fails keeps that from starting', async () => {
  const { compose, root } = project({
    'compose.yaml': `
name: jobs
services:
  migrate:
    image: ${BUSYBOX}
    command: ["sh", "-c", "sleep 1; echo done > /data/schema; exit \${STATUS:-0}"]
    volumes: [data:/data]
  app:
    image: ${BUSYBOX}
    command: ["sh", "-c", "cat /data/schema; trap 'exit 0' TERM; sleep 1000 & wait"]
    volumes: [data:/data]
    depends_on: {migrate: {condition: service_completed_successfully}}
volumes: {data: {}}
`,
  });
  await compose('up', '-d');
  await eventually(
    () => compose('logs', '--no-log-prefix', 'app'),
    (text) => text === 'done',
  );
  await compose('down', '-v');
  const failed = await wherry(['compose', 'up', '-d'], { cwd: root, env: { STATUS: '3' } });
  expect(failed.status).toBe(1);
  expect(failed.stderr).toContain('service "migrate" didn\'t complete successfully: exit 3');
  expect(await compose('ps', '-a', '--format', '{{.Service}} {{.State}}')).toMatch(/app created/);
});

test('profiles: a service is there when its profile is, or when it is named', async () => {
  const { compose } = project({
    'compose.yaml': `
name: profiled
services:
  web: {image: ${BUSYBOX}, command: ${SLEEP}}
  debug: {image: ${BUSYBOX}, command: ${SLEEP}, profiles: [dev]}
`,
  });
  const running = async () => (await compose('ps', '--format', '{{.Service}}')).split('\n').sort();
  await compose('up', '-d');
  expect(await running()).toEqual(['web']);
  await compose('--profile', 'dev', 'up', '-d');
  expect(await running()).toEqual(['debug', 'web']);
  await compose('--profile', 'dev', 'down', '-t', '0');
  await compose('up', '-d', 'debug');
  expect(await running()).toEqual(['debug']);
});

test('extends and include across folders: paths are those of the file that names them', async () => {
  const { compose } = project({
    'compose.yaml': `
name: across
include: [infra/compose.yaml]
services:
  web:
    extends: {file: common/base.yaml, service: base}
    environment: {ROLE: web}
    depends_on: [db]
`,
    'common/base.yaml': `
services:
  base:
    image: ${BUSYBOX}
    command: ${SLEEP}
    environment: {ROLE: base, KIND: common}
    env_file: [base.env]
    volumes: ["./files:/files:ro"]
`,
    'common/base.env': 'FROM_FILE=yes\n',
    'common/files/a': 'common file',
    'infra/compose.yaml': `
services:
  db:
    image: ${BUSYBOX}
    command: ${SLEEP}
    environment: {LEVEL: "\${LEVEL}"}
    volumes: ["./conf:/conf:ro"]
`,
    'infra/.env': 'LEVEL=infra\n',
    'infra/conf/b': 'infra file',
  });
  await compose('up', '-d');
  expect(await compose('exec', '-T', 'web', 'sh', '-c', 'echo $ROLE $KIND $FROM_FILE; cat /files/a')).toBe(
    'web common yes\ncommon file',
  );
  expect(await compose('exec', '-T', 'db', 'sh', '-c', 'echo $LEVEL; cat /conf/b')).toBe('infra\ninfra file');
  await compose('down', '-t', '0');
});

test('hooks run in the container when it has started, and before it stops', async () => {
  const { compose } = project({
    'compose.yaml': `
name: hooked
services:
  web:
    image: ${BUSYBOX}
    command: ${SLEEP}
    volumes: [data:/data]
    post_start: [{command: [sh, -c, "echo up $$WHO >> /data/told"], environment: [WHO=hook]}]
    pre_stop: [{command: [sh, -c, "echo down >> /data/told"], user: "0"}]
volumes: {data: {}}
`,
  });
  await compose('up', '-d');
  expect(await compose('exec', '-T', 'web', 'cat', '/data/told')).toBe('up hook');
  await compose('stop');
  await compose('start');
  expect(await compose('exec', '-T', 'web', 'cat', '/data/told')).toBe('up hook\ndown\nup hook');
});
