/** What went wrong on the network, in the words of Docker, which are Go's. */
import { WherryError } from '#base/error.ts';

interface Failure {
  code?: string;
  address?: string;
  port?: number;
  hostname?: string;
  message?: string;
  reason?: string;
  errors?: Failure[];
  cause?: Failure;
}

type Sentence = { text: string; hint: string };

const CHECK = 'Check the name of the registry, and that it can be reached from here';
const PROXY = 'Check the network connection, and HTTPS_PROXY where this network needs a proxy';
const TRUST = "Have the registry's authority in ~/.config/docker/certs.d/HOST[:PORT]/ca.crt, or among the system's";

const OWN = 'Have a certificate that it knows in ~/.config/docker/certs.d/HOST[:PORT]/client.cert and client.key';

/** Where it was going to: Go writes `dial tcp 127.0.0.1:5000: connect: connection refused`. */
const dial = ({ address, port }: Failure) => (address === undefined ? 'dial tcp' : `dial tcp ${at(address, port)}`);
const at = (address: string, port: number | undefined) =>
  `${address.includes(':') ? `[${address}]` : address}${port === undefined ? '' : `:${port}`}`;

const SENTENCES: Record<string, (failure: Failure, url: URL) => Sentence> = {
  ECONNREFUSED: (failure) => ({ text: `${dial(failure)}: connect: connection refused`, hint: CHECK }),
  ENETUNREACH: (failure) => ({ text: `${dial(failure)}: connect: network is unreachable`, hint: PROXY }),
  EHOSTUNREACH: (failure) => ({ text: `${dial(failure)}: connect: no route to host`, hint: PROXY }),
  ETIMEDOUT: (failure) => ({ text: `${dial(failure)}: i/o timeout`, hint: PROXY }),
  UND_ERR_CONNECT_TIMEOUT: (failure, url) => ({
    text: `${dial(failure)}: i/o timeout`,
    hint: `${PROXY} (${url.host})`,
  }),
  ENOTFOUND: (_, url) => ({ text: `dial tcp: lookup ${url.hostname}: no such host`, hint: CHECK }),
  EAI_AGAIN: (_, url) => ({
    text: `dial tcp: lookup ${url.hostname}: temporary failure in name resolution`,
    hint: PROXY,
  }),
  UND_ERR_HEADERS_TIMEOUT: () => ({ text: 'timeout awaiting response headers', hint: 'Try again later' }),
  UND_ERR_BODY_TIMEOUT: () => ({ text: 'timeout while reading the body', hint: 'Try again later' }),
  ECONNRESET: () => ({ text: 'read: connection reset by peer', hint: 'Try again later' }),
  EPIPE: () => ({ text: 'write: broken pipe', hint: 'Try again later' }),
  UND_ERR_SOCKET: () => ({ text: 'EOF', hint: 'Try again later' }),
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: () => ({ text: 'unexpected EOF', hint: 'Try again later' }),
  ERR_SSL_WRONG_VERSION_NUMBER: () => ({
    text: 'http: server gave HTTP response to HTTPS client',
    hint: 'Registries elsewhere may speak plain HTTP only where registries.conf says insecure = true of them',
  }),
  ERR_TLS_CERT_ALTNAME_INVALID: (failure) => ({
    text: `tls: failed to verify certificate: x509: ${failure.reason ?? 'certificate is valid for another name'}`,
    hint: CHECK,
  }),
  CERT_HAS_EXPIRED: () => ({
    text: 'tls: failed to verify certificate: x509: certificate has expired or is not yet valid',
    hint: "Check this machine's clock",
  }),
};
SENTENCES.ERR_SSL_PACKET_LENGTH_TOO_LONG = SENTENCES.ERR_SSL_WRONG_VERSION_NUMBER as never;

/** Alerts that Go has other words for than OpenSSL (RFC 8446, section 6). */
const ALERTS: Record<string, string> = {
  CERTIFICATE_EXPIRED: 'expired certificate',
  CERTIFICATE_REVOKED: 'revoked certificate',
  CERTIFICATE_UNKNOWN: 'unknown certificate',
  PROTOCOL_VERSION: 'protocol version not supported',
  UNKNOWN_CA: 'unknown certificate authority',
};

const UNTRUSTED = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
]);

/** Makes a WherryError of kind `unavailable` of what undici, the sockets or TLS threw; one line, with a hint. */
export function networkError(error: unknown, method: string, url: URL): WherryError {
  const failure = innermost(error as Failure);
  const { text, hint } = sentence(failure, url);
  // Docker asks a registry's front door first; where that can't be reached, it is what people know.
  const path = text.startsWith('dial tcp') && url.pathname.startsWith('/v2/') ? '/v2/' : url.pathname;
  return new WherryError('unavailable', `${verbOf(method)} "${url.origin}${path}": ${text}`, { hint, cause: error });
}

interface Proxied {
  proxy: URL;
  url: URL;
  method: string;
}

/** What went wrong on the way through a proxy: an error that may pass (a broken connection) stays as it is. */
export function proxyError(error: unknown, { proxy, url, method }: Proxied): unknown {
  const failure = innermost(error as Failure);
  const say = (text: string, hint: string) =>
    new WherryError('unavailable', `${verbOf(method)} "${url.origin}${url.pathname}": ${text}`, { hint, cause: error });
  const [, refused] = /Proxy response \(([0-9]+)\)|\((407)\)/.exec(failure.message ?? '')?.filter(Boolean) ?? [];
  if (refused === '407') {
    return say('Proxy Authentication Required', `Give ${nameOf(url)} as http://name:password@${proxy.host}`);
  }
  if (refused !== undefined) {
    const { STATUS_CODES } = process.getBuiltinModule('node:http');
    return say(
      `${STATUS_CODES[refused] ?? `status ${refused}`} (from the proxy ${proxy.host})`,
      `Check ${nameOf(url)} and NO_PROXY`,
    );
  }
  const { text } = sentence(failure, proxy);
  return text.startsWith('dial tcp') ? say(`proxyconnect tcp: ${text}`, `Check ${nameOf(url)}`) : error;
}

const nameOf = ({ protocol }: URL) => (protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY');

/** GET as Go's errors write it: Get. */
export function verbOf(method: string): string {
  return method.slice(0, 1) + method.slice(1).toLowerCase();
}

/** Node tries all addresses of a name and throws them together; the last one is what was left. */
function innermost(failure: Failure): Failure {
  const deeper = failure.errors?.at(-1) ?? (failure.code === undefined ? failure.cause : undefined);
  return deeper === undefined ? failure : innermost(deeper);
}

function sentence(failure: Failure, url: URL): Sentence {
  const code = failure.code ?? '';
  const known = SENTENCES[code]?.(failure, url);
  if (known !== undefined) return known;
  const [, alert] = /^ERR_SSL_.*ALERT_([A-Z_]+)$/.exec(code) ?? [];
  if (alert !== undefined) {
    const words = ALERTS[alert] ?? alert.toLowerCase().replaceAll('_', ' ');
    return { text: `remote error: tls: ${words}`, hint: OWN };
  }
  if (UNTRUSTED.has(code)) {
    return { text: 'tls: failed to verify certificate: x509: certificate signed by unknown authority', hint: TRUST };
  }
  return { text: (failure.message ?? code).split('\n', 1)[0] ?? code, hint: CHECK };
}
