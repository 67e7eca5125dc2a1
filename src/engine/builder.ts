/** What programs run on this machine, and what builds can be for. */

import { formatPlatform } from '#base/platform.ts';
import type { Platform } from '#oci/manifest.ts';
import { hostPlatform } from '#oci/platform.ts';
import type { Store } from '#store/store.ts';
import { emulated, processorLevel, registerEmulator } from '#sys/binfmt.ts';

/** `linux/amd64`, its variants, what the processor runs beside it, and what an emulator is registered for. */
export function builderPlatforms(): string[] {
  const host = hostPlatform();
  const own = formatPlatform(host);
  const variants =
    host.architecture === 'amd64'
      ? Array.from({ length: processorLevel() - 1 }, (_, index) => `${own}/v${index + 2}`)
      : [];
  const beside = host.architecture === 'amd64' ? ['linux/386'] : [];
  return [...new Set([own, ...variants, ...beside, ...emulated().map((architecture) => `linux/${architecture}`)])];
}

/** What this processor runs at most: `linux/amd64/v3`. */
export function processorPlatform(): Platform {
  const host = hostPlatform();
  const level = host.architecture === 'amd64' ? processorLevel() : 1;
  return level > 1 ? { ...host, variant: `v${level}` } : host;
}

/**
 * Are a platform's programs run here? An emulator that is there and not registered is, for our own namespace: on the host that
 * is root's decision.
 */
export async function canRun(store: Store, { os, architecture }: Platform): Promise<boolean> {
  const wanted = `${os}/${architecture}`;
  if (wanted === formatPlatform(hostPlatform())) return true;
  if (builderPlatforms().some((known) => known === wanted || known.startsWith(`${wanted}/`))) return true;
  return os === 'linux' && store.host.uid !== 0 && registerEmulator(architecture);
}
