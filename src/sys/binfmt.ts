/** Which programs the kernel runs here that are for other processors (binfmt_misc, Documentation/admin-guide/binfmt-misc.rst). */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { hasCode } from '#base/error.ts';
import { readText } from '#sys/file.ts';

const FOLDER = '/proc/sys/fs/binfmt_misc';

/**
 * By Go's names: QEMU's name of the processor, and what the header of its programs has (ELF specification, "ELF header"):
 * 32 or 64 bits, the order of bytes, e_machine.
 */
const EMULATORS: Readonly<Record<string, [qemu: string, bits: 32 | 64, order: 'little' | 'big', machine: number]>> = {
  '386': ['i386', 32, 'little', 3],
  amd64: ['x86_64', 64, 'little', 62],
  arm: ['arm', 32, 'little', 40],
  arm64: ['aarch64', 64, 'little', 183],
  loong64: ['loongarch64', 64, 'little', 258],
  mips64: ['mips64', 64, 'big', 8],
  mips64le: ['mips64el', 64, 'little', 8],
  ppc64le: ['ppc64le', 64, 'little', 21],
  riscv64: ['riscv64', 64, 'little', 243],
  s390x: ['s390x', 64, 'big', 22],
};

const GO_NAMES = new Map(Object.entries(EMULATORS).map(([architecture, [qemu]]) => [qemu, architecture]));

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
    const architecture = GO_NAMES.get(/^qemu-(.+?)(?:-static)?$/.exec(name)?.[1] ?? '');
    if (architecture === undefined) return [];
    return readText(`${folder}/${name}`)?.startsWith('enabled') ? [architecture] : [];
  });
}

/**
 * Registers a static QEMU of the PATH for the user namespace that we are in, which has formats of its own since Linux 6.7; for
 * as long as the namespace lives. @returns whether the kernel runs the architecture's programs now
 */
export async function registerEmulator(architecture: string): Promise<boolean> {
  const { mount } = await import('#sys/ffi.ts');
  const line = registration(architecture, process.env.PATH ?? '');
  if (line === undefined) return false;
  try {
    // The host's belongs to nobody here. Ours would hide what it has.
    if (statSync(`${FOLDER}/register`, { throwIfNoEntry: false })?.uid !== 0) {
      if (emulated().length > 0) return false;
      mount('binfmt_misc', FOLDER, 'binfmt_misc', 0, null);
    }
    writeFileSync(`${FOLDER}/register`, line);
    return true;
  } catch (error) {
    // EEXIST: another command has just done it. Else an older kernel (EPERM), or one without binfmt_misc (ENODEV, ENOENT).
    if (hasCode(error, 'EEXIST')) return true;
    if (hasCode(error, 'EPERM', 'EACCES', 'ENODEV', 'ENOENT', 'EINVAL')) return false;
    throw error;
  }
}

/** The kernel's line for it; undefined where the PATH has no such QEMU. F: it is opened now, so that containers need none. */
export function registration(architecture: string, path: string): string | undefined {
  const [qemu, bits, order, machine] = EMULATORS[architecture] ?? [];
  if (qemu === undefined || machine === undefined) return undefined;
  const folder = path.split(':').find((place) => place.startsWith('/') && existsSync(`${place}/qemu-${qemu}-static`));
  if (folder === undefined || folder.includes('\n')) return undefined;
  const half = (value: number) => (order === 'big' ? [value >> 8, value & 255] : [value & 255, value >> 8]);
  const ident = [0x7f, 0x45, 0x4c, 0x46, bits === 64 ? 2 : 1, order === 'big' ? 2 : 1, 1, ...Array<number>(9).fill(0)];
  // Any OS ABI; executables and shared objects, as position-independent ones are.
  const magic = [...ident, ...half(2), ...half(machine)];
  const mask = [...ident.map((_, at) => (at === 7 ? 0 : 0xff)), ...half(0xfffe), 0xff, 0xff];
  const hex = (bytes: readonly number[]) => bytes.map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
  return `:qemu-${qemu}:M::${hex(magic)}:${hex(mask)}:${folder}/qemu-${qemu}-static:F`;
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
