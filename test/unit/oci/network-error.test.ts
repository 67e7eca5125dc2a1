import { describe, expect, test } from 'vitest';
import { networkError } from '#oci/network-error.ts';

const URL_OF = new URL('https://registry.example/v2/a/manifests/1?token=secret');
const front = 'Get "https://registry.example/v2/"';
const whole = 'Get "https://registry.example/v2/a/manifests/1"';

describe('what goes wrong on the network is said in one line, in the words of Docker', () => {
  test.each([
    [
      { code: 'ECONNREFUSED', address: '127.0.0.1', port: 5000 },
      `${front}: dial tcp 127.0.0.1:5000: connect: connection refused`,
    ],
    [
      { code: 'ECONNREFUSED', address: '::1', port: 5000 },
      `${front}: dial tcp [::1]:5000: connect: connection refused`,
    ],
    [{ code: 'ENOTFOUND' }, `${front}: dial tcp: lookup registry.example: no such host`],
    [{ code: 'EAI_AGAIN' }, `${front}: dial tcp: lookup registry.example: temporary failure in name resolution`],
    [
      { code: 'ENETUNREACH', address: '1.2.3.4', port: 443 },
      `${front}: dial tcp 1.2.3.4:443: connect: network is unreachable`,
    ],
    [{ code: 'UND_ERR_CONNECT_TIMEOUT' }, `${front}: dial tcp: i/o timeout`],
    [{ code: 'ECONNRESET' }, `${whole}: read: connection reset by peer`],
    [{ code: 'UND_ERR_SOCKET' }, `${whole}: EOF`],
    [{ code: 'ERR_SSL_WRONG_VERSION_NUMBER' }, `${whole}: http: server gave HTTP response to HTTPS client`],
    [
      { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
      `${whole}: tls: failed to verify certificate: x509: certificate signed by unknown authority`,
    ],
    [
      { code: 'CERT_HAS_EXPIRED' },
      `${whole}: tls: failed to verify certificate: x509: certificate has expired or is not yet valid`,
    ],
    [
      { errors: [{ code: 'ENETUNREACH' }, { code: 'ECONNREFUSED', address: '127.0.0.1', port: 1 }] },
      `${front}: dial tcp 127.0.0.1:1: connect: connection refused`,
    ],
    [{ cause: { code: 'ENOTFOUND' } }, `${front}: dial tcp: lookup registry.example: no such host`],
    [{ message: 'odd\nstory' }, `${whole}: odd`],
  ])('%j', (failure, message) => {
    expect(networkError(failure, 'GET', URL_OF)).toMatchObject({
      kind: 'unavailable',
      message,
      hint: expect.any(String),
    });
  });
});
