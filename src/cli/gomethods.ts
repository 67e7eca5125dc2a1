/** The methods of Docker's types that a template may call: `{{.HostConfig.NetworkMode.IsHost}}`, `{{$port.Proto}}`. */
import { BOOL, getter, INT, type Method, RAW, STRING, textOf } from '#cli/gotypes.ts';

type Table = Readonly<Record<string, Method>>;

const test = (matches: (text: string) => boolean): Method => getter(BOOL, (data) => matches(textOf(data)));
const word = (read: (text: string) => string): Method => getter(STRING, (data) => read(textOf(data)));
const is = (...names: readonly string[]): Method => test((text) => names.includes(text));
const isContainer = test((text) => text.startsWith('container:'));
const container = word((text) => (text.startsWith('container:') ? text.slice('container:'.length) : ''));
const isPrivate = (...others: readonly string[]): Method =>
  test((text) => !others.includes(text) && !text.startsWith('container:'));

const BUILT_IN = ['default', 'bridge', 'host', 'none'];
const isUserDefined = (text: string) => !BUILT_IN.includes(text) && !text.startsWith('container:');
const networkName = (text: string) => (text.startsWith('container:') ? 'container' : text);

/** nat.Port: `80/tcp`. */
const portOf = (text: string) => text.split('/')[0] ?? '';
const firstPort = (text: string) => Number(portOf(text).split('-')[0]) || 0;

const policy = (...names: readonly string[]): Method =>
  getter(BOOL, (data) => names.includes(textOf((data as { Name?: string } | null)?.Name)));

/** What imagetools inspect has beside the fields: not in its JSON. */
const kept = (key: string): Method => getter(RAW, (data) => (data as Record<string, unknown>)[key]);
const INPUT: Table = { Provenance: kept('provenance'), SBOM: kept('sbom') };

/** By the name of the type. */
export const METHODS: Readonly<Record<string, Table>> = {
  'container.NetworkMode': {
    ConnectedContainer: container,
    IsBridge: is('bridge'),
    IsContainer: isContainer,
    IsDefault: is('default'),
    IsHost: is('host'),
    IsNone: is('none'),
    IsPrivate: isPrivate('host'),
    IsUserDefined: test(isUserDefined),
    NetworkName: word((text) => (BUILT_IN.includes(text) || text.startsWith('container:') ? networkName(text) : text)),
    UserDefined: word((text) => (isUserDefined(text) ? text : '')),
  },
  'container.CgroupnsMode': { IsEmpty: is(''), IsHost: is('host'), IsPrivate: is('private') },
  'container.IpcMode': {
    Container: container,
    IsContainer: isContainer,
    IsEmpty: is(''),
    IsHost: is('host'),
    IsNone: is('none'),
    IsPrivate: is('private'),
    IsShareable: is('shareable'),
  },
  'container.PidMode': {
    Container: container,
    IsContainer: isContainer,
    IsHost: is('host'),
    IsPrivate: isPrivate('host'),
  },
  'container.UTSMode': { IsHost: is('host'), IsPrivate: isPrivate('host') },
  'container.UsernsMode': { IsHost: is('host'), IsPrivate: test((text) => text !== 'host') },
  'container.RestartPolicy': {
    IsAlways: policy('always'),
    IsNone: policy('no', ''),
    IsOnFailure: policy('on-failure'),
    IsUnlessStopped: policy('unless-stopped'),
  },
  'imagetools.tplInput': INPUT,
  'imagetools.tplInputs': INPUT,
  'nat.Port': {
    Int: getter(INT, (data) => firstPort(textOf(data))),
    Port: word(portOf),
    Proto: word((text) => text.split('/')[1] ?? 'tcp'),
  },
  'digest.Digest': {
    Algorithm: word((text) => text.split(':')[0] ?? ''),
    Encoded: word((text) => text.split(':')[1] ?? ''),
    Hex: word((text) => text.split(':')[1] ?? ''),
    String: word((text) => text),
  },
};
