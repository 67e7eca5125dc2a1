/** All that a build is asked for before anything is read, and what of it can't be done: said before anything is done. */
import { isIP } from 'node:net';
import { WherryError } from '#base/error.ts';
import { checkCaches } from '#build/cache-options.ts';
import type { BuildRequest } from '#build/request.ts';
import { needsIndex, requestFor } from '#engine/build-index.ts';

/** A request without the Dockerfile and the contexts, which are opened later. */
export type Wanted = Omit<BuildRequest, 'dockerfile' | 'contexts'>;

const ENTITLEMENTS = ['network.host', 'security.insecure', 'device'];

/** Throws kind `invalid` and `unsupported`, in buildx's words where it has them. @returns warnings */
export function checkWanted(wanted: Wanted): string[] {
  checkAllowed(wanted);
  checkOutputs(wanted);
  checkHosts(wanted);
  return checkCaches(wanted);
}

/** A device may be named behind `device=`. */
function checkAllowed({ allow }: Wanted): void {
  for (const name of allow) {
    if (ENTITLEMENTS.includes(name) || /^device=./.test(name)) continue;
    throw new WherryError('invalid', `unknown entitlement ${name}`, { hint: `Use ${ENTITLEMENTS.join(', ')}` });
  }
}

function checkOutputs(wanted: Wanted): void {
  const { outputs, platforms, annotations, provenance } = wanted;
  const sent = outputs.filter((output) => output.type === 'oci' || (output.type === 'image' && output.push));
  const isIndexed = sent.some((output) => needsIndex(requestFor(wanted, output)));
  if (provenance !== undefined && !provenance.inlineOnly && sent.length === 0) {
    throw new WherryError('unsupported', 'Attestation is not supported for the docker driver.', {
      hint: 'Provenance stands in an index beside the image: use --push, or --output type=oci,dest=FILE',
    });
  }
  if (outputs.some(({ type }) => type === 'docker') && (platforms.length > 1 || provenance !== undefined)) {
    throw new WherryError('unsupported', 'docker exporter does not currently support exporting manifest lists', {
      hint: 'Use --output type=oci,dest=FILE',
    });
  }
  if (!isIndexed && annotations.some(({ scope }) => scope === 'index' || scope === 'index-descriptor')) {
    throw new WherryError('invalid', 'index annotations not supported for single platform export');
  }
}

/** `name:ip` or `name=ip`, as buildx reads them. */
function checkHosts({ hosts }: Wanted): void {
  for (const text of hosts) {
    const [, name = '', address = ''] = /^([^:=]*)[:=](.*)$/.exec(text) ?? [];
    const ip = address.replace(/^\[(.*)\]$/, '$1');
    if (name !== '' && (ip === 'host-gateway' || isIP(ip) !== 0)) continue;
    throw new WherryError('invalid', `invalid host ${text}`, {
      hint: 'Give a name and an address: --add-host name:10.0.0.1',
    });
  }
}
