/** The short form of a service's ports: one text may be several ports. */
import { type Change, invalid, isMap, type Tree, type TreeMap, typeName } from '#compose/model/tree.ts';
import { parsePublish } from '#network/ports.ts';

/** A list of ports in long form. Throws kind `invalid` in the words of go-connections. */
export const parsePorts: Change = (value, path) => {
  if (!Array.isArray(value)) throw invalid(`${path}: invalid type for port`);
  return value.flatMap((item): Tree[] => {
    if (isMap(item)) return [item];
    if (typeof item === 'string' || Number.isInteger(item)) return parsePort(String(item));
    throw invalid(`${path}: invalid type ${typeName(item)} for port`);
  });
};

function parsePort(text: string): TreeMap[] {
  // That this machine can't publish sctp is for whoever publishes it.
  const isSctp = /\/sctp$/i.test(text);
  if (text.includes('=')) throw invalid(`invalid containerPort: ${text}`);
  const published = parsePublish(isSctp ? text.replace(/sctp$/i, 'tcp') : text);
  const keyed = published.map(({ port, binding }) => {
    const [target = '', protocol = ''] = port.split('/');
    return { key: port, target: Number(target), protocol: isSctp ? 'sctp' : protocol, binding };
  });
  keyed.sort((one, other) => (one.key < other.key ? -1 : one.key > other.key ? 1 : 0));
  return keyed.map(({ target, protocol, binding }) => ({
    mode: 'ingress',
    ...(binding.HostIp === '' ? {} : { host_ip: binding.HostIp }),
    target,
    ...(binding.HostPort === '' ? {} : { published: binding.HostPort }),
    protocol,
  }));
}
