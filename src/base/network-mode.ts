/** HostConfig.NetworkMode: Docker's words, and podman's for networks that are one container's alone. */

/** What a mode is. `own`: the name or id of a network. */
export type NetworkMode =
  | { kind: 'none' | 'host' }
  | { kind: 'container'; name: string }
  /** A network namespace by its path. */
  | { kind: 'path'; path: string }
  /** The container's own way out, with the program's options. */
  | { kind: 'pasta' | 'slirp4netns'; options: string[] }
  | { kind: 'own'; name: string };

export function parseNetworkMode(mode: string): NetworkMode {
  const [, word = '', rest] = /^([^:]*)(?::(.*))?$/s.exec(mode) ?? [];
  if (rest === undefined && (word === 'none' || word === 'host')) return { kind: word };
  if (word === 'container' && rest !== undefined) return { kind: 'container', name: rest };
  if (word === 'ns' && rest !== undefined) return { kind: 'path', path: rest };
  if (word === 'pasta' || word === 'slirp4netns')
    return { kind: word, options: (rest ?? '').split(',').filter(Boolean) };
  if (mode === '' || mode === 'default') return { kind: 'own', name: 'bridge' };
  return { kind: 'own', name: mode };
}

/** Is it a network that the user has made? (Docker: NetworkMode.IsUserDefined.) */
export function isUserDefined(mode: string): boolean {
  const { kind } = parseNetworkMode(mode);
  return kind === 'own' && mode !== 'default' && mode !== 'bridge';
}

/** What a container is called on a network that knows names (Engine API DNSNames): Docker's list, in its order. */
export function dnsNames(
  { name, id, hostname }: { name: string; id: string; hostname: string },
  aliases: readonly string[],
): string[] {
  return [...new Set([name, ...aliases, id.slice(0, 12), hostname])].filter((one) => one !== '');
}
