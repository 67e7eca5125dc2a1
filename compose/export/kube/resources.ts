/** Limits and reservations as limits and requests. */
import { given } from '#base/given.ts';
import { type Draft, filled, placeOf, quantity, tell } from '#compose/export/kube/draft.ts';
import type { Resources } from '#compose/export/kube/objects.ts';
import type { DeviceRequest, Service } from '#compose/model/project.ts';

/** What a device plugin calls the devices of a vendor. */
const PLUGINS: Record<string, string> = { nvidia: 'nvidia.com/gpu', amd: 'amd.com/gpu', intel: 'gpu.intel.com/i915' };

/** 1024 of Docker's shares are the weight of one processor, as the kubelet reckons, too. */
const SHARES = 1024;

export function resources(draft: Draft, service: Service): Resources | undefined {
  const { limits, reservations } = service.deploy?.resources ?? {};
  const place = placeOf(service);
  if (limits?.pids !== undefined || service.pids_limit !== undefined)
    tell(draft, place, 'a limit of processes is left out: Kubernetes has one a node (podPidsLimit)');
  if (reservations?.generic_resources !== undefined) tell(draft, place, 'generic_resources are left out');
  const devices = [...(reservations?.devices ?? []), ...(service.gpus ?? [])];
  const atMost = {
    ...processors(limits?.cpus ?? service.cpus),
    ...memory(limits?.memory ?? service.mem_limit),
    ...Object.assign({}, ...devices.map((device) => deviceLimit(draft, place, device))),
  };
  const shares = service.cpu_shares === undefined ? undefined : service.cpu_shares / SHARES;
  const atLeast = {
    ...processors(reservations?.cpus ?? shares),
    ...memory(reservations?.memory ?? service.mem_reservation),
  };
  return filled(given({ limits: filled(atMost), requests: filled(atLeast) }));
}

/** `0.5` as `500m`: thousandths are the least. */
function processors(count: number | string | undefined): Record<string, string> {
  const number = Number(count ?? 0);
  if (!(number > 0)) return {};
  return { cpu: Number.isInteger(number) ? String(number) : `${Math.max(1, Math.round(number * 1000))}m` };
}

function memory(bytes: string | number | undefined): Record<string, string> {
  return bytes === undefined || Number(bytes) === 0 ? {} : { memory: quantity(bytes) };
}

function deviceLimit(draft: Draft, place: string, { driver, count, device_ids: ids }: DeviceRequest) {
  const name = PLUGINS[driver ?? 'nvidia'];
  if (name === undefined) {
    tell(draft, place, `devices of driver "${driver}" are left out: no device plugin is known for it`);
    return {};
  }
  if (ids !== undefined) tell(draft, place, 'device_ids are counted: Kubernetes chooses the devices');
  if (ids === undefined && (count === undefined || count < 0))
    tell(draft, place, 'all GPUs becomes one: Kubernetes wants a number');
  return { [name]: String(ids?.length ?? (count === undefined || count < 0 ? 1 : count)) };
}
