import { describe, expect, test } from 'vitest';
import { openHttp } from '#oci/http.ts';
import { fetchToken, parseChallenges } from '#oci/token.ts';
import { startRegistry } from '#test/support/registry.ts';

describe('challenges are read', () => {
  test.each([
    ['', []],
    ['Basic realm="x"', [['basic', { realm: 'x' }]]],
    [
      'Bearer realm="https://auth.example/token",service="reg",scope="repository:a/b:pull,push"',
      [['bearer', { realm: 'https://auth.example/token', service: 'reg', scope: 'repository:a/b:pull,push' }]],
    ],
    ['Bearer realm="a \\"b\\", c" , error=invalid_token', [['bearer', { realm: 'a "b", c', error: 'invalid_token' }]]],
    [
      'Negotiate, Basic realm="x"',
      [
        ['negotiate', {}],
        ['basic', { realm: 'x' }],
      ],
    ],
    ['BEARER Realm=x', [['bearer', { realm: 'x' }]]],
  ])('%s', (header, expected) => {
    const read = parseChallenges(header).map(({ scheme, parameters }) => [scheme, parameters]);
    expect(read).toEqual(expected);
  });
});

const bearer = (realm: string) => ({ scheme: 'bearer', parameters: { realm, service: 'test' } });

test('an anonymous token is asked for with service and scope, without a name', async () => {
  const server = await startRegistry();
  server.auth = { kind: 'bearer', user: 'u', password: 'p', anonymous: true };
  const http = await openHttp({ insecure: true, host: server.host });
  const challenge = bearer(`http://${server.host}/token`);
  const registry = new URL(`http://${server.host}/v2/`);
  const given = await fetchToken(http, { challenge, scope: 'repository:a:pull', credentials: undefined, registry });
  expect(given.token).toBe('good-token');
  expect(server.asked[0]).toMatchObject({
    path: '/token?service=test&scope=repository%3Aa%3Apull',
    authorization: undefined,
  });
  await http.close();
});

test('a kept token is sent by POST, never as a password', async () => {
  const server = await startRegistry();
  let body = '';
  server.misbehave = (request, response) => {
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => response.end('{"access_token":"fresh"}'));
    return true;
  };
  const http = await openHttp({ insecure: true, host: server.host });
  const credentials = { username: '', password: '', identityToken: 'kept' };
  const challenge = bearer(`http://${server.host}/token`);
  const registry = new URL(`http://${server.host}/v2/`);
  expect((await fetchToken(http, { challenge, scope: 'x', credentials, registry })).token).toBe('fresh');
  expect(Object.fromEntries(new URLSearchParams(body))).toMatchObject({
    grant_type: 'refresh_token',
    refresh_token: 'kept',
    scope: 'x',
  });
  expect(server.asked[0]?.authorization).toBeUndefined();
  await http.close();
});

test('a password is never sent over plain HTTP for a registry that has TLS', async () => {
  const http = await openHttp({ insecure: true, host: 'x' });
  const request = {
    challenge: bearer('http://evil.example/token'),
    scope: undefined,
    credentials: { username: 'u', password: 'p' },
    registry: new URL('https://registry.example/v2/'),
  };
  await expect(fetchToken(http, request)).rejects.toThrow('it asks for the password over plain HTTP');
  await http.close();
});
