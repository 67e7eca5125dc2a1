/** Which programs the kernel runs here that are for other processors (binfmt_misc, Documentation/admin-guide/binfmt-misc.rst). */
import { readdirSync, readFileSync } from 'node:fs';
import { hasCode } from '#base/error.ts';
import { readText } from '#sys/file.ts';

const FOLDER = '/proc/sys/fs/binfmt_misc';

/** QEMU's names of processors, as Go's. */
const GO_NAMES: Readonly<Record<string, string>> = {
  aarch64: 'arm64',
  arm: 'arm',
  i386: '386',
  loongarch64: 'loong64',
  mips64: 'mips64',
  mips64el: 'mips64le',
  ppc64le: 'ppc64le',
  riscv64: 'riscv64',
  s390x: 's390x',
  x86_64: 'amd64',
};

/** The architectures that an emulator is registered and switched on for. */
export function emulated(folder = FOLDER): string[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EACCES', 'ELOOP')) return [];
    throw error;
  }
  return names.flatMap((name) => {
    const architecture = GO_NAMES[/^qemu-(.+?)(?:-static)?$/.exec(name)?.[1] ?? ''];
    if (architecture === undefined) return [];
    return readText(`${folder}/${name}`)?.startsWith('enabled') ? [architecture] : [];
  });
}

/** What the levels of x86-64 need beyond those below (x86-64 psABI, section 3.1.1), as /proc/cpuinfo names it. */
const LEVELS: readonly (readonly string[])[] = [
  ['cx16', 'lahf_lm', 'popcnt', 'sse4_1', 'sse4_2', 'ssse3'],
  ['avx', 'avx2', 'bmi1', 'bmi2', 'f16c', 'fma', 'abm', 'movbe', 'xsave'],
  ['avx512f', 'avx512bw', 'avx512cd', 'avx512dq', 'avx512vl'],
];

/** The highest level of x86-64 that this processor has: 1 to 4. */
export function processorLevel(cpuinfo = readFileSync('/proc/cpuinfo', 'utf8')): number {
  const flags = new Set(/^flags\s*:\s*(.*)$/m.exec(cpuinfo)?.[1]?.split(' ') ?? []);
  const missing = LEVELS.findIndex((level) => level.some((flag) => !flags.has(flag)));
  return missing === -1 ? LEVELS.length + 1 : missing + 1;
}
