import { rmSync } from 'node:fs';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { project } from '#test/support/compose-project.ts';
import { asking, balanced, shop } from '#test/support/compose-shop.ts';
import { makeServices, noServices, SERVICES } from '#test/support/services.ts';
import { eventually, removeContainers, succeed, wherry } from '#test/support/wherry.ts';

describe.skipIf(noServices !== undefined)(`real services (${noServices ?? 'from Debian'})`, () => {
  beforeAll(async () => {
    const archive = await makeServices();
    await succeed('load', '-i', archive);
    rmSync(archive);
  });
  afterAll(() => removeContainers());

  const address = (name: string) => succeed('inspect', '--format', '{{.NetworkSettings.IPAddress}}', name);

  test('nginx serves on a published port', async () => {
    await succeed('run', '-d', '--name', 'web', '-p', '127.0.0.1::80', SERVICES, 'nginx', '-g', 'daemon off;');
    const port = Number((await succeed('port', 'web', '80/tcp')).split(':').at(-1));
    const page = await eventually(
      () =>
        fetch(`http://127.0.0.1:${port}/`)
          .then((response) => response.text())
          .catch(() => ''),
      (body) => body !== '',
    );
    expect(page).toContain('Welcome to nginx');
    await succeed('stop', 'web');
  });

  test('postgres initialises a volume as its own user, and answers psql from a second container', async () => {
    const script = `set -e; export PATH=$PATH:$(echo /usr/lib/postgresql/*/bin); cd /tmp
      [ -s /data/PG_VERSION ] || { chown postgres /data; setpriv --reuid postgres --regid postgres --clear-groups initdb -D /data --auth=trust >/dev/null; echo 'host all all all trust' >> /data/pg_hba.conf; }
      exec setpriv --reuid postgres --regid postgres --clear-groups postgres -D /data -k /tmp -c listen_addresses='*'`;
    await succeed('run', '-d', '--name', 'db', '-v', `pgdata-${process.pid}:/data`, SERVICES, 'bash', '-c', script);
    const at = await address('db');
    const ask = (sql: string) => wherry(['run', '--rm', SERVICES, 'psql', '-h', at, '-U', 'postgres', '-Atc', sql]);
    await eventually(
      () => ask('create table if not exists t (n int); insert into t values (42)'),
      ({ status }) => status === 0,
    );
    expect(await ask('select n from t')).toMatchObject({ status: 0, stdout: '42\n' });
    await succeed('restart', 'db');
    const again = await eventually(
      () => ask('select n from t'),
      ({ status }) => status === 0,
    );
    expect(again.stdout).toBe('42\n');
    await succeed('stop', 'db');
  });

  test('redis answers on a published port', async () => {
    await succeed('run', '-d', '--name', 'cache', '-p', '6379', SERVICES, 'redis-server', '--protected-mode', 'no');
    const port = Number((await succeed('port', 'cache', '6379')).split('\n')[0]?.split(':').at(-1));
    const ping = () => {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write('PING\r\nQUIT\r\n');
      return text(socket).catch(() => '');
    };
    expect(await eventually(ping, (answer) => answer !== '')).toMatch(/^\+PONG/);
    await succeed('stop', 'cache');
  });

  test('a project of web, database and cache waits for health, reaches each by name, and keeps its data until down -v', async () => {
    const { compose } = project(shop('shop'));
    await compose('up', '-d', '--wait');
    const states = await compose('ps', '--format', '{{.Service}} {{.Health}}');
    expect(states.split('\n').sort()).toEqual(['cache healthy', 'db healthy', 'web healthy']);
    expect(await (await fetch(`http://${await compose('port', 'web', '80')}/`)).text()).toContain('Welcome to nginx');
    expect(await compose('exec', '-T', 'web', 'cat', '/run/secrets/token')).toBe('abc');
    await compose(...asking('create table t (n int); insert into t values (42)'));
    const count = () => compose('exec', '-T', 'web', 'redis-cli', '-h', 'cache', 'incr', 'hits');
    expect([await count(), await count()]).toEqual(['1', '2']);
    await compose('restart', 'db');
    await compose('up', '-d', '--wait');
    expect(await compose(...asking('select n from t'))).toBe('42');
    await compose('down');
    await compose('up', '-d', '--wait');
    expect([await compose(...asking('select n from t')), await count()]).toEqual(['42', '1']);
    await compose('down', '-v');
    expect(await succeed('volume', 'ls', '-q', '--filter', 'label=com.docker.compose.project=shop')).toBe('');
    expect(await succeed('network', 'ls', '-q', '--filter', 'label=com.docker.compose.project=shop')).toBe('');
  });

  test('nginx spreads what comes over a scaled service, and goes on when that shrinks and grows', async () => {
    const { compose } = project(balanced('balanced'));
    await compose('up', '-d', '--scale', 'api=3', '--wait');
    const address = await compose('port', 'lb', '80');
    const answering = async () => {
      const pages = Array.from({ length: 12 }, () => fetch(`http://${address}/`).then((page) => page.text()));
      return new Set(await Promise.all(pages)).size;
    };
    expect(await eventually(answering, (count) => count === 3)).toBe(3);
    for (const wanted of [1, 2]) {
      await compose('up', '-d', '--scale', `api=${wanted}`, '--wait');
      expect(await eventually(answering, (found) => found === wanted)).toBe(wanted);
    }
    await compose('down', '-t', '1');
  });
});
