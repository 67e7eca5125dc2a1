/** A proxy as companies have them: it forwards http, tunnels https, may want a password, and knows names that no DNS does. */
import { createServer, type IncomingMessage, request as send } from 'node:http';
import { connect, createServer as createSocketServer } from 'node:net';
import { onTestFinished } from 'vitest';
import { listen } from '#test/support/ports.ts';

export interface TestProxy {
  /** 127.0.0.1:port */
  readonly host: string;
  /** `CONNECT host:port`, `GET http://host/path`. */
  readonly asked: string[];
}

interface ProxyOptions {
  /** Where requests for host:port go instead. */
  names: Record<string, string>;
  /** name:password, which it insists on. */
  login?: string;
}

/** Starts a proxy on a free port of loopback; it goes when the test ends. */
export async function startProxy({ names, login }: ProxyOptions): Promise<TestProxy> {
  const asked: string[] = [];
  const wanted = login === undefined ? undefined : `Basic ${Buffer.from(login).toString('base64')}`;
  const mayPass = (request: IncomingMessage) => {
    asked.push(`${request.method} ${request.url}`);
    return wanted === undefined || request.headers['proxy-authorization'] === wanted;
  };
  const target = (host: string) => {
    const [hostname = '', port = '80'] = (names[host] ?? host).split(':');
    return { hostname, host: hostname, port: Number(port) };
  };
  const server = createServer((request, response) => {
    if (!mayPass(request)) return void response.writeHead(407, { 'proxy-authenticate': 'Basic' }).end();
    const url = new URL(request.url ?? '');
    const { 'proxy-authorization': _secret, ...headers } = request.headers;
    const onward = send(
      { ...target(`${url.hostname}:${url.port || 80}`), path: url.pathname + url.search, headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    onward.on('error', () => response.writeHead(502).end());
    request.pipe(onward);
  });
  server.on('connect', (request, socket) => {
    socket.on('error', () => undefined);
    if (!mayPass(request)) return void socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    const onward = connect(target(request.url ?? ''), () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n'));
  });
  const port = await listen(server);
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { host: `127.0.0.1:${port}`, asked };
}

/** A SOCKS5 proxy (RFC 1928, 1929) that leads every name to one place; gives host:port and the names asked for. */
export async function startSocks(place: string): Promise<TestProxy> {
  const asked: string[] = [];
  const [host = '', port = ''] = place.split(':');
  const server = createSocketServer((socket) => {
    const steps = [
      (data: Buffer) => {
        const wantsName = data.includes(2, 2);
        if (!wantsName) steps.shift();
        socket.write(Buffer.from([5, wantsName ? 2 : 0]));
      },
      () => void socket.write(Buffer.from([1, 0])),
      (data: Buffer) => {
        asked.push(`${data.subarray(5, -2).toString()}:${data.readUInt16BE(data.length - 2)}`);
        socket.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
        socket.removeAllListeners('data');
        const onward = connect(Number(port), host);
        onward.on('error', () => socket.destroy());
        socket.pipe(onward).pipe(socket);
      },
    ];
    socket.on('error', () => undefined);
    socket.on('data', (data: Buffer) => steps.shift()?.(data));
  });
  const own = await listen(server);
  onTestFinished(() => void server.close());
  return { host: `127.0.0.1:${own}`, asked };
}
