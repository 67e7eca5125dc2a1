import { describe, expect, test } from 'vitest';
import { type Conditions, customSeccomp, defaultSeccomp } from '#container/seccomp.ts';

const conditions: Conditions = { capabilities: ['CAP_CHOWN', 'CAP_SYS_CHROOT'], arch: 'x64', kernel: [6, 1] };

function allowed(more: Partial<Conditions> = {}): Set<string> {
  const rules = defaultSeccomp({ ...conditions, ...more }).syscalls ?? [];
  return new Set(rules.filter((rule) => rule.action === 'SCMP_ACT_ALLOW').flatMap((rule) => rule.names));
}

describe("Docker's profile", () => {
  test('refuses with EPERM what it does not name, for the programs of the machine and its older ones', () => {
    expect(defaultSeccomp(conditions)).toMatchObject({
      defaultAction: 'SCMP_ACT_ERRNO',
      defaultErrnoRet: 1,
      architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
    });
    expect(defaultSeccomp({ ...conditions, arch: 'arm64' }).architectures).toEqual([
      'SCMP_ARCH_AARCH64',
      'SCMP_ARCH_ARM',
    ]);
  });

  test.each(['read', 'openat2', 'clone', 'chroot', 'ptrace', 'futex_waitv', 'arch_prctl'])('allows %s', (call) => {
    expect(allowed()).toContain(call);
  });

  test.each([
    'mount',
    'unshare',
    'bpf',
    'keyctl',
    'add_key',
    'kexec_load',
    'init_module',
    'reboot',
    'userfaultfd',
    'io_uring_setup',
    'open_by_handle_at',
  ])('does not allow %s', (call) => {
    expect(allowed()).not.toContain(call);
  });

  test.each([
    ['CAP_SYS_ADMIN', 'mount'],
    ['CAP_SYS_MODULE', 'init_module'],
    ['CAP_SYS_BOOT', 'reboot'],
    ['CAP_SYS_TIME', 'clock_settime'],
    ['CAP_BPF', 'bpf'],
    ['CAP_DAC_READ_SEARCH', 'open_by_handle_at'],
  ])('allows with %s also %s', (capability, call) => {
    expect(allowed({ capabilities: [capability] })).toContain(call);
  });

  test('lets clone make no namespaces, and sends libc from clone3 back to it, but for the mighty', () => {
    const rules = defaultSeccomp(conditions).syscalls ?? [];
    expect(rules.find((rule) => rule.names.includes('clone'))?.args).toEqual([
      { index: 0, value: 0x7e020000, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' },
    ]);
    expect(rules.find((rule) => rule.names.includes('clone3'))).toMatchObject({
      action: 'SCMP_ACT_ERRNO',
      errnoRet: 38,
    });
    expect(allowed({ capabilities: ['CAP_SYS_ADMIN'] })).toContain('clone3');
  });

  test('has what only one kind of machine has there alone', () => {
    expect(allowed({ arch: 'arm64' })).toContain('cacheflush');
    expect(allowed({ arch: 'arm64' })).not.toContain('arch_prctl');
    expect(allowed({ kernel: [4, 7] })).not.toContain('ptrace');
  });
});

describe('a profile of the user', () => {
  const rules = (syscalls: object[], more: object = {}) =>
    customSeccomp(JSON.stringify({ defaultAction: 'SCMP_ACT_ERRNO', ...more, syscalls }), conditions);

  test('keeps the rules whose conditions hold', () => {
    const made = rules([
      { names: ['a'], action: 'SCMP_ACT_ALLOW' },
      {
        names: ['b'],
        action: 'SCMP_ACT_ALLOW',
        includes: { caps: ['CAP_CHOWN'], arches: ['amd64'], minKernel: '5.0' },
      },
      { names: ['c'], action: 'SCMP_ACT_ALLOW', includes: { caps: ['CAP_SYS_ADMIN'] } },
      { names: ['d'], action: 'SCMP_ACT_ALLOW', excludes: { arches: ['amd64'] } },
      { names: ['e'], action: 'SCMP_ACT_ALLOW', excludes: { minKernel: '6.1' } },
      { name: 'f', action: 'SCMP_ACT_ERRNO', errnoRet: 5, comment: 'x' },
    ]);
    expect(made?.syscalls).toEqual([
      { names: ['a'], action: 'SCMP_ACT_ALLOW' },
      { names: ['b'], action: 'SCMP_ACT_ALLOW' },
      { names: ['f'], action: 'SCMP_ACT_ERRNO', errnoRet: 5 },
    ]);
  });

  test("takes this machine's row of archMap", () => {
    const archMap = [{ architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] }];
    expect(rules([], { archMap })?.architectures).toEqual(['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86']);
  });

  test('keeps masks of 64 bits to the digit', () => {
    const text = `{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["x"],"action":"SCMP_ACT_ERRNO",
      "args":[{"index":0,"value":18446744069414584321,"op":"SCMP_CMP_EQ"}]}]}`;
    expect(JSON.stringify(customSeccomp(text, conditions))).toContain('"value":18446744069414584321');
  });

  test('that says nothing is none', () => {
    expect(customSeccomp('{}', conditions)).toBeUndefined();
  });

  test.each([
    ['not json', /^Decoding seccomp profile failed: /],
    ['[]', 'it is not a JSON object'],
    ['{"defaultAction":"x","architectures":["a"],"archMap":[{}],"syscalls":[]}', "both 'architectures' and 'archMap'"],
    ['{"defaultAction":"x","syscalls":[{"name":"a","names":["b"],"action":"y"}]}', "both 'name' and 'names'"],
    [
      '{"defaultAction":"x","syscalls":[{"names":["b"],"action":"y","includes":{"minKernel":"5"}}]}',
      'invalid kernel version',
    ],
  ])('%s is refused', (text, message) => {
    expect(() => customSeccomp(text, conditions)).toThrow(message);
  });
});
