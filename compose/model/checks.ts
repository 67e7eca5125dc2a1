/** What a tree in long form may not say, and the schema can't tell. */
import { ipVersion } from '#base/address.ts';
import { type Change, changes, invalid, isMap } from '#compose/model/tree.ts';

/** Throws kind `invalid` in compose's words; changes nothing. */
export const checkTree = changes({
  'volumes.*': (value, path) => {
    if (!isMap(value) || value.external !== true) return value;
    const other = Object.keys(value).find((key) => key !== 'name' && key !== 'external' && !key.startsWith('x-'));
    if (other === undefined) return value;
    throw invalid(`${path}: conflicting parameters "external" and ${JSON.stringify(other)} specified`);
  },
  'configs.*': fileObject('file', 'environment', 'content'),
  'secrets.*': fileObject('file', 'environment'),
  'services.*.ports.*': (value, path) => {
    if (!isMap(value) || value.host_ip === undefined) return value;
    const address = String(value.host_ip);
    if (ipVersion(address) === 0) throw invalid(`${path}: invalid ip address: ${address}`);
    return value;
  },
  'services.*.develop.watch.*.path': (value, path) => {
    if (value === '') throw invalid(`${path}: value can't be blank`);
    return value;
  },
  'services.*.deploy.resources.reservations.devices.*': deviceRequest,
  'services.*.gpus.*': deviceRequest,
});

function fileObject(...sources: string[]): Change {
  return (value, path) => {
    if (!isMap(value)) return value;
    const count = sources.filter((source) => source in value).length;
    if (count > 1) throw invalid(`${path}: ${sources.join('|')} attributes are mutually exclusive`);
    if (count === 0 && !('driver' in value) && !('external' in value)) {
      throw invalid(`${path}: one of ${sources.join('|')} must be set`);
    }
    return value;
  };
}

function deviceRequest(...[value, path]: Parameters<Change>): ReturnType<Change> {
  if (isMap(value) && value.count !== undefined && value.device_ids !== undefined) {
    throw invalid(`${path}: "count" and "device_ids" attributes are exclusive`);
  }
  return value;
}
