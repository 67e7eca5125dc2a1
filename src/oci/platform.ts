/** Platforms as containerd and Docker compare them: spellings made one, and what else a machine of one kind can run. */

import { WherryError } from '#base/error.ts';
import { formatPlatform } from '#base/platform.ts';
import type { Descriptor, Platform } from '#oci/manifest.ts';

const ARCHITECTURES: Record<string, [string, string?]> = {
  i386: ['386'],
  x86_64: ['amd64'],
  'x86-64': ['amd64'],
  aarch64: ['arm64'],
  armhf: ['arm', 'v7'],
  armel: ['arm', 'v6'],
  mipsle: ['mipsle'],
};

const KNOWN_OS = new Set(
  'aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris windows zos'.split(
    ' ',
  ),
);
const KNOWN_ARCH = new Set(
  '386 amd64 amd64p32 arm armbe arm64 arm64be ppc64 ppc64le loong64 mips mipsle mips64 mips64le mips64p32 mips64p32le ppc riscv riscv64 s390 s390x sparc sparc64 wasm'.split(
    ' ',
  ),
);

/** One spelling: aarch64 is arm64, arm64/v8 is arm64, arm is arm/v7, amd64/v1 is amd64. */
export function normalize({ os, architecture, variant = '' }: Platform): Platform {
  const lower = architecture.toLowerCase();
  const [arch, implied] = ARCHITECTURES[lower] ?? [lower];
  const given = (implied ?? variant).toLowerCase();
  const exact = normalVariant(arch, given);
  const system = os.toLowerCase() === 'macos' ? 'darwin' : os.toLowerCase();
  return { os: system, architecture: arch, ...(exact === '' ? {} : { variant: exact }) };
}

function normalVariant(architecture: string, variant: string): string {
  if (architecture === 'amd64') return variant === 'v1' ? '' : variant;
  if (architecture === 'arm64') return variant === '8' || variant === 'v8' ? '' : variant;
  if (architecture !== 'arm') return variant;
  if (variant === '') return 'v7';
  return /^[5-8]$/.test(variant) ? `v${variant}` : variant;
}

const HOST_ARCH: Record<string, string> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' };

/** What this machine runs. */
export function hostPlatform(): Platform {
  return normalize({ os: 'linux', architecture: HOST_ARCH[process.arch] ?? process.arch });
}

const COMPONENT = /^[A-Za-z0-9_.-]+$/;

/** Reads os[/arch[/variant]], or an architecture alone. Throws kind `invalid` in containerd's words. */
export function parsePlatform(text: string): Platform {
  const wrong = (why: string) => new WherryError('invalid', `${why}: invalid argument`);
  if (text.includes('*')) throw wrong(`"${text}": wildcards not yet supported`);
  const parts = text.split('/');
  for (const part of parts) {
    if (COMPONENT.test(part)) continue;
    throw wrong(
      `"${part}" is an invalid component of "${text}": platform specifier component must match "${COMPONENT.source}"`,
    );
  }
  const [first = '', architecture, variant] = parts;
  if (parts.length > 3) throw wrong(`"${text}": cannot parse platform specifier`);
  if (architecture !== undefined) return normalize({ os: first, architecture, ...(variant ? { variant } : {}) });
  const host = hostPlatform();
  const alone = normalize({ os: first, architecture: first });
  if (KNOWN_OS.has(alone.os)) return { ...host, os: alone.os };
  if (KNOWN_ARCH.has(alone.architecture)) return { ...alone, os: host.os };
  throw wrong(`"${text}": unknown operating system or architecture`);
}

/** parsePlatform() for the flag of commands that Docker's client reads it for. */
export function parsePlatformFlag(text: string): Platform {
  try {
    return parsePlatform(text);
  } catch (error) {
    if (!(error instanceof WherryError)) throw error;
    throw new WherryError('invalid', `invalid platform: ${error.message}`, { cause: error });
  }
}

/** Is what is said of one platform (`manifest-descriptor[linux/arm64]:…`), or of all, said of this one? */
export const isMeant = (said: string | undefined, platform: Platform | undefined): boolean =>
  said === undefined || (platform !== undefined && said === formatPlatform(platform));

/** In the order of Go's structure, and nothing else. */
export function inOrder(platform: Partial<Platform>): Platform {
  const { architecture = '', os = '', variant } = platform;
  const version = platform['os.version'];
  const features = platform['os.features'];
  return {
    architecture,
    os,
    ...(version ? { 'os.version': version } : {}),
    ...(features?.length ? { 'os.features': features } : {}),
    ...(variant ? { variant } : {}),
  };
}

/** What a machine of this platform runs, best first (containerd's platformVector). */
function runnable(wanted: Platform): Platform[] {
  const { os, architecture, variant } = wanted;
  if (architecture === 'amd64') {
    return [...older(wanted, 1), { os, architecture: '386' }];
  }
  if (architecture === 'arm') return older(wanted, 5);
  if (architecture === 'arm64') {
    return [...older(wanted, 9), { os, architecture }, ...older({ os, architecture: 'arm', variant: 'v8' }, 5)];
  }
  return [{ os, architecture, ...(variant === undefined ? {} : { variant }) }];
}

/** The platform itself, and the variants of its architecture below its own, down to v<least>. */
function older(platform: Platform, least: number): Platform[] {
  const version = /^v([0-9]{1,2})$/.exec(platform.variant ?? '');
  const below: Platform[] = [];
  for (let next = Number(version?.[1] ?? 0) - 1; next >= least; next -= 1) {
    below.push(normalize({ ...platform, variant: `v${next}` }));
  }
  return [platform, ...below];
}

const same = (a: Platform, b: Platform) =>
  a.os === b.os && a.architecture === b.architecture && (a.variant ?? '') === (b.variant ?? '');

/** May this be run where `wanted` is asked for? 0 is the best answer, -1 is no. */
function rank(wanted: Platform, offered: Platform): number {
  const exact = normalize(offered);
  return runnable(normalize(wanted)).findIndex((one) => same(one, exact));
}

export function matches(wanted: Platform, offered: Platform): boolean {
  return rank(wanted, offered) >= 0;
}

/**
 * The entries of an index that can run here, best first; equals stay in the order of the index. Attestations, which
 * BuildKit files under unknown/unknown, never match. An entry without a platform comes last: nested indexes may be so.
 */
export function choose(manifests: readonly Descriptor[], wanted: Platform): Descriptor[] {
  const ranked = manifests.map((entry) => ({
    entry,
    // The last resort ranks behind all that are known to match.
    rank: entry.platform === undefined ? 1000 : rank(wanted, entry.platform),
  }));
  return ranked
    .filter((one) => one.rank >= 0)
    .sort((a, b) => a.rank - b.rank)
    .map((one) => one.entry);
}
