/** Requests for devices by name: --device vendor.com/class=name and --gpus, which are CDI devices of their vendors. */
import type { DeviceRequest } from '#base/api.ts';
import { WherryError } from '#base/error.ts';
import { type CdiRegistry, cdiDirectories, editsFor, readCdi } from '#container/cdi.ts';
import type { CdiEdits } from '#container/cdi-format.ts';

/** What the devices that are asked for need, in order. Throws in Docker's words where there is none. */
export async function findRequested(requests: readonly DeviceRequest[], home: string): Promise<CdiEdits[]> {
  if (requests.length === 0) return [];
  const registry = await readCdi(cdiDirectories(home));
  return editsFor(
    registry,
    requests.flatMap((request) => deviceNames(request, registry)),
  );
}

/** --gpus by its driver; without one the first of these that there are files of. */
const GPU_KINDS: Record<string, string> = { nvidia: 'nvidia.com/gpu', amd: 'amd.com/gpu', intel: 'intel.com/gpu' };

/** The CDI names of a request. Throws kind `invalid` for GPUs that no file describes. */
export function deviceNames(request: DeviceRequest, { kinds }: Pick<CdiRegistry, 'kinds'>): string[] {
  const { Driver: driver, Count: count, DeviceIDs: ids, Capabilities: capabilities } = request;
  if (driver === 'cdi') return ids ?? [];
  const wanted = driver === '' ? Object.values(GPU_KINDS) : [GPU_KINDS[driver] ?? ''];
  const kind = wanted.find((one) => kinds.has(one));
  if (kind === undefined) {
    const listed = (capabilities ?? []).map((words) => `[${words.join(' ')}]`).join(' ');
    throw new WherryError('invalid', `could not select device driver "${driver}" with capabilities: [${listed}]`, {
      hint: 'Describe the GPUs in a CDI file (NVIDIA: nvidia-ctk cdi generate --output ~/.config/cdi/nvidia.yaml)',
    });
  }
  if (ids !== null && ids.length > 0) {
    if (count > 0) throw new WherryError('invalid', 'cannot set both Count and DeviceIDs on device request');
    return ids.map((id) => `${kind}=${id}`);
  }
  return count < 0 ? [`${kind}=all`] : Array.from({ length: count }, (_, index) => `${kind}=${index}`);
}
