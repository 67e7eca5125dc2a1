/** native/monitor/ports.c, tcp.c, udp.c: published ports. The test is the service in the container, on the loopback. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createSocket, type Socket as Datagrams } from 'node:dgram';
import { once } from 'node:events';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { collect, describeMonitor, makePlace, type Settings, startMonitor } from '#test/support/monitor.ts';
import { freePort, listen } from '#test/support/ports.ts';

const SLEEP = 'exec sleep 1000';
const MIB = 1 << 20;

/** A service that HANDLE answers for; its port. */
async function serve(handle: (socket: Socket) => void, host = '127.0.0.1'): Promise<number> {
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    handle(socket);
  });
  onTestFinished(() => void server.close());
  return listen(server, host);
}

const echo = (socket: Socket) => void socket.pipe(socket);

async function connect(port: number, host = '127.0.0.1'): Promise<Socket> {
  const socket = createConnection({ port, host, allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  socket.on('error', () => undefined);
  return socket;
}

/** Somebody is there who closes the connection at once, or while it is made; nobody would be a refusal. */
async function hangsUp(port: number): Promise<void> {
  const socket = createConnection({ port, host: '127.0.0.1' });
  const codes: unknown[] = [];
  socket.on('error', (error: NodeJS.ErrnoException) => void codes.push(error.code));
  socket.resume().write('anybody?');
  await new Promise((resolve) => socket.once('close', resolve));
  expect(codes).not.toContain('ECONNREFUSED');
}

async function datagrams(port = 0, host = '127.0.0.1'): Promise<Datagrams> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  socket.bind(port, host);
  await once(socket, 'listening');
  onTestFinished(() => void socket.close());
  return socket;
}

/** Sends until an answer comes: the way is open only once the container runs. */
async function ask(socket: Datagrams, text: string, port: number, host = '127.0.0.1'): Promise<string> {
  const answer = once(socket, 'message') as Promise<[Buffer, { address: string; port: number }]>;
  socket.send(text, port, host);
  const [data, { address, port: from }] = await answer;
  expect([address, from]).toEqual([host, port]);
  return data.toString();
}

describeMonitor((build) => {
  /** A running container that publishes these. */
  async function publish(lines: string[], settings: Settings = {}, script = SLEEP) {
    const monitor = startMonitor({ build, script, settings: { publish: lines, ...settings } });
    await monitor.hear('started');
    return monitor;
  }

  test('a TCP port carries any bytes in both directions', async () => {
    const [inside, outside] = [await serve(echo), await freePort()];
    await publish([`tcp 127.0.0.1 ${outside} 127.0.0.1 ${inside}`]);
    const data = randomBytes((build.name === 'plain' ? 100 : 20) * MIB);
    const socket = await connect(outside);
    const answer = collect(socket);
    socket.end(data);
    expect((await answer).equals(data)).toBe(true);
  });

  test('each side of a connection ends by itself', async () => {
    const outside = await freePort();
    const inside = await serve((socket) => {
      // Answers only when the question has ended: HTTP/1.0 and rsh live by that.
      void collect(socket).then((question) => socket.end(`you said ${question}`));
    });
    await publish([`tcp 127.0.0.1 ${outside} 127.0.0.1 ${inside}`]);
    const socket = await connect(outside);
    socket.end('hello');
    expect((await collect(socket)).toString()).toBe('you said hello');

    const speaksFirst = await serve((server) => {
      server.end('welcome');
      void collect(server).then(received);
    });
    let received: (data: Buffer) => void = () => undefined;
    const heard = new Promise<Buffer>((resolve) => {
      received = resolve;
    });
    const other = await freePort();
    await publish([`tcp 127.0.0.1 ${other} 127.0.0.1 ${speaksFirst}`]);
    const second = await connect(other);
    expect((await collect(second)).toString()).toBe('welcome');
    second.end('thanks');
    expect((await heard).toString()).toBe('thanks');
  });

  test('a service that does not listen, and one that hangs up, is a closed connection', async () => {
    const [nobody, outside, other] = [await freePort(), await freePort(), await freePort()];
    const rude = await serve((socket) => socket.resetAndDestroy());
    await publish([`tcp 127.0.0.1 ${outside} 127.0.0.1 ${nobody}`, `tcp 127.0.0.1 ${other} 127.0.0.1 ${rude}`]);
    for (const port of [outside, other]) {
      await hangsUp(port);
    }
  });

  test('a client that reads slowly loses nothing and keeps nobody waiting', async () => {
    const data = randomBytes(16 * MIB);
    const [inside, quick, outside] = [await serve((socket) => socket.end(data)), await serve(echo), await freePort()];
    const other = await freePort();
    await publish([`tcp 127.0.0.1 ${outside} 127.0.0.1 ${inside}`, `tcp 127.0.0.1 ${other} 127.0.0.1 ${quick}`]);
    const slow = await connect(outside);
    slow.pause();
    const lively = await connect(other);
    lively.end('ping');
    expect((await collect(lively)).toString()).toBe('ping');
    expect((await collect(slow)).equals(data)).toBe(true);
  });

  test('a thousand connections at once', async () => {
    const [inside, outside] = [await serve(echo), await freePort()];
    await publish([`tcp 127.0.0.1 ${outside} 127.0.0.1 ${inside}`]);
    const sockets = await Promise.all(Array.from({ length: 1000 }, () => connect(outside)));
    const answers = await Promise.all(
      sockets.map(async (socket, at) => {
        socket.end(`number ${at}`);
        return (await collect(socket)).toString();
      }),
    );
    expect(answers).toEqual(sockets.map((_, at) => `number ${at}`));
  });

  test('more connections than a process may have descriptors for are held by several', async () => {
    const [inside, outside] = [await serve(echo), await freePort()];
    const lines = [`tcp 127.0.0.1 ${outside} 127.0.0.1 ${inside}`];
    const monitor = startMonitor({
      build,
      script: SLEEP,
      settings: { publish: lines },
      through: ['prlimit', '--nofile=256:256'],
    });
    await monitor.hear('started');
    const sockets = await Promise.all(Array.from({ length: 300 }, () => connect(outside)));
    const answers = await Promise.all(
      sockets.map(async (socket, at) => {
        socket.write(`number ${at}`);
        return String((await once(socket, 'data'))[0]);
      }),
    );
    expect(answers).toEqual(sockets.map((_, at) => `number ${at}`));
  });

  test('what a service said before it broke off still arrives, and so does the break', async () => {
    const inside = await serve((socket) => {
      socket.write('last words');
      setTimeout(() => socket.resetAndDestroy(), 20);
    });
    const outside = await freePort();
    await publish([`tcp 127.0.0.1 ${outside} 127.0.0.1 ${inside}`]);
    const socket = createConnection({ port: outside, host: '127.0.0.1' });
    let said = '';
    socket.on('data', (data) => {
      said += data;
    });
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    expect([said, error.code]).toEqual(['last words', 'ECONNRESET']);
  });

  test('IPv6 outside leads to IPv4 inside, beside the same port of IPv4', async () => {
    const [inside, outside] = [await serve(echo), await freePort('::')];
    await publish([`tcp 0.0.0.0 ${outside} 127.0.0.1 ${inside}`, `tcp :: ${outside} 127.0.0.1 ${inside}`]);
    for (const host of ['127.0.0.1', '::1']) {
      const socket = await connect(outside, host);
      socket.end(host);
      expect((await collect(socket)).toString()).toBe(host);
    }
  });

  test('a UDP port answers each client from the address that it asked', async () => {
    const service = await datagrams();
    const senders = new Set<number>();
    service.on('message', (data, { port, address }) => {
      senders.add(port);
      service.send(`${data}!`, port, address);
    });
    const outside = await freePort();
    const lines = ['0.0.0.0', '::'].map((host) => `udp ${host} ${outside} 127.0.0.1 ${service.address().port}`);
    await publish(lines);
    const [one, two, six] = [await datagrams(), await datagrams(), await datagrams(0, '::1')];
    expect(await ask(one, 'one', outside)).toBe('one!');
    expect(await ask(two, 'two', outside, '127.0.0.2')).toBe('two!');
    expect(await ask(six, 'six', outside, '::1')).toBe('six!');
    expect(await ask(one, 'again', outside)).toBe('again!');
    expect(senders.size).toBe(3);
  });

  test('large and empty datagrams are passed on as they are, and a service that is away for a while is no end', async () => {
    const inside = await freePort();
    const outside = await freePort();
    await publish([`udp 127.0.0.1 ${outside} 127.0.0.1 ${inside}`]);
    const client = await datagrams();
    // Nobody listens: the kernel tells the monitor so with its next call.
    for (const text of ['lost', 'lost, too']) client.send(text, outside, '127.0.0.1');
    const service = await datagrams(inside);
    service.on('message', (data, { port, address }) => service.send(data, port, address));
    let answer = '';
    client.on('message', (data) => {
      answer = data.toString();
    });
    while (answer !== 'found') {
      client.send('found', outside, '127.0.0.1');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    client.removeAllListeners('message');
    const sizes = Promise.withResolvers<void>();
    const seen = new Set<number>();
    client.on('message', (data) => {
      seen.add(data.length);
      if (seen.has(0) && seen.has(60_000)) sizes.resolve();
    });
    client.send(Buffer.alloc(0), outside, '127.0.0.1');
    client.send(Buffer.alloc(60_000), outside, '127.0.0.1');
    await sizes.promise;
  });

  test.each(['tcp', 'udp'])('a %s port that is taken keeps the container from starting', async (protocol) => {
    const taken = protocol === 'tcp' ? await serve(echo) : (await datagrams()).address().port;
    const place = makePlace();
    const free = await freePort();
    const lines = [`tcp 127.0.0.1 ${free} 127.0.0.1 1`, `${protocol} 127.0.0.1 ${taken} 127.0.0.1 1`];
    const monitor = startMonitor({ build, place, script: SLEEP, settings: { publish: lines } });
    expect(await monitor.hear('error')).toBe(`error 125 bind ${protocol} 127.0.0.1 ${taken} EADDRINUSE`);
    monitor.say('done');
    expect(await monitor.ended).toBe(0);
  });

  test('an address that this host does not have is told as such', async () => {
    const monitor = startMonitor({ build, script: SLEEP, settings: { publish: ['tcp 192.0.2.1 8080 127.0.0.1 1'] } });
    expect(await monitor.hear('error')).toBe('error 125 bind tcp 192.0.2.1 8080 EADDRNOTAVAIL');
  });

  test.each(['', 'tcp', 'sctp 0.0.0.0 1 127.0.0.1 1', 'tcp localhost 1 127.0.0.1 1', 'tcp 0.0.0.0 65536 127.0.0.1 1'])(
    'a line that is none is an error: "%s"',
    async (line) => {
      const monitor = startMonitor({ build, script: SLEEP, settings: { publish: [line] } });
      expect(await monitor.hear('error')).toBe(`error 125 cannot publish "${line}": no valid addresses and ports`);
    },
  );

  test('while the container restarts its port is kept, and connections are closed', async () => {
    const [inside, outside] = [await serve(echo), await freePort()];
    const lines = [`tcp 127.0.0.1 ${outside} 127.0.0.1 ${inside}`];
    const monitor = await publish(lines, { restart: 'always' }, 'exit 0');
    for (let count = 0; count < 4; count++) await monitor.hear('restarting');
    await hangsUp(outside);
  });

  test('the service is reached in the network of the user, the port is on the host', async () => {
    // A user namespace with a network of its own, as the holder and pasta make it; busybox is the service.
    const inside = 7007;
    const outside = await freePort();
    const place = makePlace();
    const network = spawn(
      'unshare',
      ['-Urn', '--kill-child', 'sh', '-c', `ip link set lo up; echo $$; exec busybox nc -ll -p ${inside} -e cat`],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    onTestFinished(() => void network.kill('SIGKILL'));
    const pid = Number(String((await once(network.stdout, 'data'))[0]));
    const monitor = startMonitor({
      build,
      place,
      script: SLEEP,
      settings: {
        netns: `/proc/${pid}/ns/net`,
        publish: [`tcp 127.0.0.1 ${outside} 127.0.0.1 ${inside}`],
      },
      through: ['nsenter', '-t', String(pid), '-U', '--preserve-credentials'],
    });
    await monitor.hear('started');
    let answer = '';
    // busybox may need a moment until it listens.
    while (answer !== 'over there') {
      const socket = await connect(outside);
      socket.end('over there');
      answer = (await collect(socket).catch(() => Buffer.alloc(0))).toString();
    }
  });

  test('a network that is not there is an error', async () => {
    const outside = await freePort();
    const settings = { netns: '/nowhere/net', publish: [`tcp 127.0.0.1 ${outside} 127.0.0.1 1`] };
    const monitor = startMonitor({ build, script: SLEEP, settings });
    expect(await monitor.hear('error')).toBe(
      'error 125 cannot enter the network namespace "/nowhere/net": No such file or directory',
    );
  });
});
