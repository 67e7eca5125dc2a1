/** What builds can be for, on this machine. */
import { formatPlatform, hostPlatform } from '#oci/platform.ts';
import { emulated, processorLevel } from '#sys/binfmt.ts';

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
