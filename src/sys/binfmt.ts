/** Which programs the kernel runs here that are for other processors (binfmt_misc, Documentation/admin-guide/binfmt-misc.rst). */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { hasCode } from '#base/error.ts';
import { readText } from '#sys/file.ts';

const FOLDER = '/proc/sys/fs/binfmt_misc';

/** A processor's name to QEMU, and what the header of its programs has (ELF specification, "ELF header"). */
interface Processor {
  qemu: string;
  bits: 32 | 64;
  order: 'little' | 'big';
  /** e_machine. */
  machine: number;
}

/** By Go's names. */
const PROCESSORS: Readonly<Record<string, Processor>> = {
  '386': { qemu: 'i386', bits: 32, order: 'little', machine: 3 },
  amd64: { qemu: 'x86_64', bits: 64, order: 'little', machine: 62 },
  arm: { qemu: 'arm', bits: 32, order: 'little', machine: 40 },
  arm64: { qemu: 'aarch64', bits: 64, order: 'little', machine: 183 },
  loong64: { qemu: 'loongarch64', bits: 64, order: 'little', machine: 258 },
  mips64: { qemu: 'mips64', bits: 64, order: 'big', machine: 8 },
  mips64le: { qemu: 'mips64el', bits: 64, order: 'little', machine: 8 },
  ppc64le: { qemu: 'ppc64le', bits: 64, order: 'little', machine: 21 },
  riscv64: { qemu: 'riscv64', bits: 64, order: 'little', machine: 243 },
  s390x: { qemu: 's390x', bits: 64, order: 'big', machine: 22 },
};

/** The beginning of its executables: e_ident, e_type, e_machine. */
function headerOf({ bits, order, machine }: Processor): number[] {
  const half = (value: number) => (order === 'big' ? [value >> 8, value & 255] : [value & 255, value >> 8]);
  const ident = [0x7f, 0x45, 0x4c, 0x46, bits === 64 ? 2 : 1, order === 'big' ? 2 : 1, 1, ...Array<number>(9).fill(0)];
  return [...ident, ...half(2), ...half(machine)];
}

/** The architectures that an emulator is registered and switched on for, whatever it is called: it may be Rosetta or FEX. */
export function emulated(folder = FOLDER): string[] {
  const formats = enabledFormats(folder);
  const isTaken = (header: readonly number[]) => formats.some((format) => takes(format, header));
  return Object.entries(PROCESSORS).flatMap(([architecture, one]) => (isTaken(headerOf(one)) ? [architecture] : []));
}

/**
 * Has root registered an emulator that containers can have? A user namespace has its own formats, or those of the next one
 * around it (load_binfmt_misc() in fs/binfmt_misc.c): ours would hide it. One without F would have to be in the container.
 */
export function isOffered(folder = FOLDER): boolean {
  return !isOurs(folder) && enabledFormats(folder).some(({ isFixed }) => isFixed);
}

/** The host's belong to nobody here. */
const isOurs = (folder: string) => statSync(`${folder}/register`, { throwIfNoEntry: false })?.uid === 0;

interface Format {
  /** F: its program was opened when it was registered. */
  isFixed: boolean;
  /** Of a file: what is at this place, and which of its bits count. By the end of a name, there is none. */
  offset: number;
  magic: Buffer;
  mask: Buffer;
}

/** As the kernel tells them, in lines: `enabled`, `flags: OCF`, `offset 0`, `magic 7f45…`, `mask ff…`. */
function enabledFormats(folder: string): Format[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EACCES', 'ELOOP')) return [];
    throw error;
  }
  if (readText(`${folder}/status`)?.startsWith('disabled')) return [];
  return names
    .filter((name) => name !== 'register' && name !== 'status')
    .map((name) => readText(`${folder}/${name}`) ?? '')
    .filter((text) => text.startsWith('enabled'))
    .map((text) => {
      const after = (word: string) => new RegExp(`^${word} (.*)$`, 'm').exec(text)?.[1] ?? '';
      const bytes = (word: string) => Buffer.from(after(word), 'hex');
      return {
        isFixed: after('flags:').includes('F'),
        offset: Number(after('offset')),
        magic: bytes('magic'),
        mask: bytes('mask'),
      };
    });
}

function takes({ offset, magic, mask }: Format, header: readonly number[]): boolean {
  if (magic.length === 0 || offset + magic.length > header.length) return false;
  return magic.every((byte, at) => (((header[offset + at] ?? 0) ^ byte) & (mask[at] ?? 0xff)) === 0);
}

/** May a format take a file that begins so? One by the end of a name may take any. */
export const isTakenByFormat = (header: Buffer, folder = FOLDER): boolean =>
  enabledFormats(folder).some((format) => format.magic.length === 0 || takes(format, [...header]));

/**
 * Registers a static QEMU of the PATH for the user namespace that we are in, which has formats of its own since Linux 6.7; for
 * as long as the namespace lives; not where root's emulators would be hidden. @returns whether the kernel runs the architecture's
 * programs now
 */
export async function registerEmulator(architecture: string): Promise<boolean> {
  const { mount } = await import('#sys/ffi.ts');
  const line = registration(architecture, process.env.PATH ?? '');
  if (line === undefined) return false;
  try {
    if (isOffered()) return false;
    if (!isOurs(FOLDER)) mount('binfmt_misc', FOLDER, 'binfmt_misc', 0, null);
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
  const processor = PROCESSORS[architecture];
  if (processor === undefined) return undefined;
  const { qemu, order } = processor;
  const folder = path.split(':').find((place) => place.startsWith('/') && existsSync(`${place}/qemu-${qemu}-static`));
  if (folder === undefined || folder.includes('\n')) return undefined;
  const magic = headerOf(processor);
  // Any OS ABI; executables and shared objects, as position-independent ones are.
  const mask = magic.map((_, at): number => (at === 7 ? 0 : 0xff));
  mask[order === 'big' ? 17 : 16] = 0xfe;
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
