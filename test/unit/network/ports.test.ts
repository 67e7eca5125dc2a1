import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { choosePorts, parseExpose, parsePublish, pastaPorts, publishLines, publishMaps } from '#network/ports.ts';
import { listen } from '#test/support/ports.ts';

/** `80/tcp <- 127.0.0.1:8080`, a line a port. */
const brief = (text: string) =>
  parsePublish(text).map(({ port, binding }) => `${port} <- ${binding.HostIp}:${binding.HostPort}`);

describe('-p is read as Docker 28.5 reads it', () => {
  test.each([
    ['80', ['80/tcp <- :']],
    ['8080:80', ['80/tcp <- :8080']],
    ['127.0.0.1:8080:80/udp', ['80/udp <- 127.0.0.1:8080']],
    ['[::1]:80:80', ['80/tcp <- ::1:80']],
    ['[::ffff:1.2.3.4]:80:80', ['80/tcp <- ::ffff:1.2.3.4:80']],
    ['[1.2.3.4]:80:80', ['80/tcp <- 1.2.3.4:80']],
    ['[]:80:80', ['80/tcp <- :80']],
    ['127.0.0.1::80', ['80/tcp <- 127.0.0.1:']],
    ['[::1]::80', ['80/tcp <- ::1:']],
    ['::80', ['80/tcp <- :']],
    [':80', ['80/tcp <- :']],
    ['8000-8002:80-82', ['80/tcp <- :8000', '81/tcp <- :8001', '82/tcp <- :8002']],
    ['8000-8002:80', ['80/tcp <- :8000-8002']],
    ['127.0.0.1:8000-8010:80', ['80/tcp <- 127.0.0.1:8000-8010']],
    ['80-81/udp', ['80/udp <- :', '81/udp <- :']],
    ['0:80', ['80/tcp <- :0']],
    ['0-2:80', ['80/tcp <- :0-2']],
    ['080', ['80/tcp <- :']],
    ['80-80:80', ['80/tcp <- :80']],
    ['80-81-82', ['80/tcp <- :', '81/tcp <- :']],
    ['80/', ['80/tcp <- :']],
    ['80/TCP', ['80/tcp <- :']],
    ['80/tcp/udp', ['80/tcp <- :']],
    ['published=80,target=90', ['90/tcp <- :80']],
    ['target=80,published=8080,protocol=udp', ['80/udp <- :8080']],
    ['target=80,mode=host,foo=1', ['80/tcp <- :']],
  ])('%s', (text, expected) => {
    expect(brief(text)).toEqual(expected);
  });

  test.each([
    ['', 'No port specified: <empty>'],
    [':', 'No port specified: :<empty>'],
    ['80:', 'No port specified: 80:<empty>'],
    ['/tcp', 'No port specified: /tcp<empty>'],
    ['published=8080', 'No port specified: 8080:/tcp<empty>'],
    ['x', 'Invalid containerPort: x'],
    ['80:x', 'Invalid containerPort: x'],
    ['65536', 'Invalid containerPort: 65536'],
    ['-1', 'Invalid containerPort: -1'],
    ['+80', 'Invalid containerPort: +80'],
    ['1e2', 'Invalid containerPort: 1e2'],
    ['80 ', 'Invalid containerPort: 80 '],
    ['82-80', 'Invalid containerPort: 82-80'],
    ['80--82', 'Invalid containerPort: 80--82'],
    ['80-', 'Invalid containerPort: 80-'],
    ['x:80', 'Invalid hostPort: x'],
    ['65536:80', 'Invalid hostPort: 65536'],
    ['127.0.0.1:80', 'Invalid hostPort: 127.0.0.1'],
    ['8002-8000:80', 'Invalid hostPort: 8002-8000'],
    ['8000-8003:80-82', 'Invalid ranges specified for container and host Ports: 80-82 and 8000-8003'],
    ['8000:80-82', 'Invalid ranges specified for container and host Ports: 80-82 and 8000'],
    ['80/foo', 'Invalid proto: foo'],
    ['localhost:80:80', 'Invalid ip address: localhost'],
    ['256.1.1.1:80:80', 'Invalid ip address: 256.1.1.1'],
    ['01.2.3.4:80:80', 'Invalid ip address: 01.2.3.4'],
    ['[fe80::1%eth0]:80:80', 'Invalid ip address: fe80::1%eth0'],
    ['[::1]:80', "Invalid ip address [:: address [::: missing ']' in address"],
    ['::1:80:80', 'Invalid ip address ::1: address ::1:: too many colons in address'],
    [':::', 'Invalid ip address :: address ::: too many colons in address'],
    ['target=80,foo', "invalid publish opts format (should be name=value but got 'foo')"],
  ])('%s is refused in its words', (text, message) => {
    expect(() => parsePublish(text)).toThrow(expect.objectContaining({ kind: 'invalid', message }));
  });

  test('sctp is refused with the reason', () => {
    expect(() => parsePublish('80/sctp')).toThrow(
      expect.objectContaining({ kind: 'unsupported', message: expect.stringContaining("can't be forwarded") }),
    );
  });
});

test('publishMaps() collects bindings of the same port, and exposes each', () => {
  expect(publishMaps(['80:80', '127.0.0.1:81:80', '53:53/udp'])).toEqual({
    bindings: {
      '80/tcp': [
        { HostIp: '', HostPort: '80' },
        { HostIp: '127.0.0.1', HostPort: '81' },
      ],
      '53/udp': [{ HostIp: '', HostPort: '53' }],
    },
    exposed: { '80/tcp': {}, '53/udp': {} },
  });
});

describe('--expose is read as Docker 28.5 reads it', () => {
  test.each([
    ['90', ['90/tcp']],
    ['90-92/udp', ['90/udp', '91/udp', '92/udp']],
    ['0', ['0/tcp']],
    ['80/sctp', ['80/sctp']],
  ])('%s', (text, expected) => {
    expect(parseExpose(text)).toEqual(expected);
  });

  const range = 'invalid range format for --expose';
  test.each([
    ['90:80', 'invalid port format for --expose: 90:80'],
    ['', `${range}: , error: Empty string specified for ports.`],
    ['x', `${range}: x, error: strconv.ParseUint: parsing "x": invalid syntax`],
    ['80-x', `${range}: 80-x, error: strconv.ParseUint: parsing "x": invalid syntax`],
    ['65536', `${range}: 65536, error: strconv.ParseUint: parsing "65536": value out of range`],
    ['92-90', `${range}: 92-90, error: Invalid range specified for the Port: 92-90`],
  ])('%s is refused in its words', (text, message) => {
    expect(() => parseExpose(text)).toThrow(expect.objectContaining({ kind: 'invalid', message }));
  });
});

/** A TCP port of the loopback that is taken until the test ends. */
async function takenPort(): Promise<number> {
  const server = createServer();
  onTestFinished(() => void server.close());
  return listen(server);
}

describe('choosePorts()', () => {
  const at = (HostIp: string, HostPort: string) => ({ HostIp, HostPort });

  test('keeps what was asked for, on both families where no address was given', async () => {
    const chosen = await choosePorts({ '80/tcp': [at('', '8080')], '81/udp': [at('127.0.0.1', '8081')] });
    expect(chosen['80/tcp']?.[0]).toEqual(at('0.0.0.0', '8080'));
    expect(chosen['80/tcp']?.slice(1)).toEqual(chosen['80/tcp']?.length === 2 ? [at('::', '8080')] : []);
    expect(chosen['81/udp']).toEqual([at('127.0.0.1', '8081')]);
  });

  test('gives a port of the range for clients where none was asked for, the same on both families', async () => {
    const { '80/tcp': bindings } = await choosePorts({ '80/tcp': [at('', '')] });
    const ports = new Set(bindings?.map(({ HostPort }) => Number(HostPort)));
    expect(ports.size).toBe(1);
    expect([...ports][0]).toBeGreaterThan(1023);
  });

  test('takes the first free port of a range', async () => {
    const port = await takenPort();
    const range = `${port}-${Math.min(port + 20, 65535)}`;
    const { '80/tcp': bindings } = await choosePorts({ '80/tcp': [at('127.0.0.1', range)] });
    expect(Number(bindings?.[0]?.HostPort)).toBeGreaterThan(port);
  });

  test('never gives one port twice', async () => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    onTestFinished(() => void socket.close());
    await once(socket, 'listening');
    const { port } = socket.address();
    const range = at('127.0.0.1', `${port}-${port + 30}`);
    const chosen = await choosePorts({ '80/udp': [range], '81/udp': [range], '82/udp': [range] });
    const ports = Object.values(chosen).map((bindings) => bindings?.[0]?.HostPort);
    expect(new Set([...ports, `${port}`]).size).toBe(4);
  });

  test('says so when a range has no free port', async () => {
    const port = await takenPort();
    const only = at('127.0.0.1', `${port}-${port}`);
    await expect(choosePorts({ '80/tcp': [only] })).rejects.toThrow('all ports are allocated');
  });

  test('publishes exposed ports only with --publish-all; else they are there without a binding', async () => {
    expect(await choosePorts({}, { '80/tcp': {} })).toEqual({ '80/tcp': null });
    const chosen = await choosePorts({ '80/tcp': [at('127.0.0.1', '8080')] }, { '80/tcp': {}, '53/udp': {} }, true);
    expect(chosen['80/tcp']).toEqual([at('127.0.0.1', '8080')]);
    expect(chosen['53/udp']?.[0]?.HostPort).toMatch(/^\d+$/);
  });
});

test('pastaPorts() gives the options of pasta', () => {
  const at = (HostIp: string, HostPort: string) => ({ HostIp, HostPort });
  const all = ['0.0.0.0', '::'].map((address) => at(address, '8080'));
  const map = { '80/tcp': [...all, at('127.0.0.1', '81')], '53/udp': [at('::', '5353')], '9/tcp': null };
  expect(pastaPorts(map)).toEqual(['-t', '8080:80', '-t', '127.0.0.1/81:80', '-u', '::/5353:53']);
});

test("publishLines() gives the values of the monitor's publish keys", () => {
  const map = {
    '80/tcp': [
      { HostIp: '0.0.0.0', HostPort: '8080' },
      { HostIp: '::', HostPort: '8080' },
    ],
    '53/udp': [{ HostIp: '127.0.0.1', HostPort: '53' }],
    '81/tcp': null,
  };
  expect(publishLines(map, { 4: '172.17.0.2' })).toEqual([
    'tcp 0.0.0.0 8080 172.17.0.2 80',
    'tcp :: 8080 172.17.0.2 80',
    'udp 127.0.0.1 53 172.17.0.2 53',
  ]);
  expect(publishLines(map, { 4: '172.17.0.2', 6: 'fd00::2' })[1]).toBe('tcp :: 8080 fd00::2 80');
  expect(publishLines(map, { 6: 'fd00::2' })[2]).toBe('udp 127.0.0.1 53 fd00::2 53');
});
