import { expect, test } from 'vitest';
import { parseMountFlag } from '#volume/mount-flag.ts';

test.each([
  ['type=bind,src=/a,dst=/b,ro', { Type: 'bind', Source: '/a', Target: '/b', ReadOnly: true }],
  [
    'type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=1770',
    { Type: 'tmpfs', Target: '/t', TmpfsOptions: { SizeBytes: 1048576, Mode: 0o1770 } },
  ],
  [
    'source=data,destination=/d,volume-nocopy',
    { Type: 'volume', Source: 'data', Target: '/d', VolumeOptions: { NoCopy: true, DriverConfig: {} } },
  ],
  ['"type=bind","source=/a,b",target=/c', { Type: 'bind', Source: '/a,b', Target: '/c' }],
  [
    'type=bind,source=/a,target=/b,bind-propagation=rslave,readonly=false',
    { Type: 'bind', Source: '/a', Target: '/b', ReadOnly: false, BindOptions: { Propagation: 'rslave' } },
  ],
  [
    'type=volume,src=a,dst=/b,volume-subpath=sub,volume-driver=local,volume-opt=type=tmpfs,volume-opt=o=a=b,volume-nocopy',
    {
      Type: 'volume',
      Source: 'a',
      Target: '/b',
      VolumeOptions: {
        NoCopy: true,
        Subpath: 'sub',
        DriverConfig: { Name: 'local', Options: { type: 'tmpfs', o: 'a=b' } },
      },
    },
  ],
  [
    'type=image,src=a,dst=/b,image-subpath=bin',
    { Type: 'image', Source: 'a', Target: '/b', ImageOptions: { Subpath: 'bin' } },
  ],
  [
    'type=bind,src=/a,dst=/b,ro,bind-recursive=writable',
    { Type: 'bind', Source: '/a', Target: '/b', ReadOnly: true, BindOptions: { ReadOnlyNonRecursive: true } },
  ],
  [
    'type=bind,src=/a,dst=/b,bind-recursive=disabled',
    { Type: 'bind', Source: '/a', Target: '/b', BindOptions: { NonRecursive: true } },
  ],
])('--mount %s is read', (text, expected) => {
  expect(parseMountFlag(text)).toEqual(expected);
});

test.each([
  ['type=bind', 'target is required'],
  ['type=bind,target=/b,size', "invalid field 'size' must be a key=value pair"],
  ['type=bind,target=/b,colour=red', "unexpected key 'colour' in 'colour=red'"],
  ['type=bind,target=/b,ro=maybe', 'invalid value for ro: maybe'],
  ['type=bind,target=/b,tmpfs-size=1m', "cannot mix 'tmpfs-*' options with mount type 'bind'"],
  ['type=tmpfs,target=/b,tmpfs-mode=9', 'invalid value for tmpfs-mode: 9'],
  ['type=bind,src=/a,dst=/b,volume-subpath=x', "cannot mix 'volume-*' options with mount type 'bind'"],
  ['src=a,dst=/b,image-subpath=x', "cannot mix 'image-*' options with mount type 'volume'"],
  [
    'type=bind,src=/a,dst=/b,bind-recursive=foo',
    'invalid value for bind-recursive: foo (must be "enabled", "disabled", "writable", or "readonly")',
  ],
  [
    'type=bind,src=/a,dst=/b,bind-recursive=writable',
    "option 'bind-recursive=writable' requires 'readonly' to be specified in conjunction",
  ],
  [
    'type=bind,src=/a,dst=/b,ro,bind-recursive=readonly',
    "option 'bind-recursive=readonly' requires 'bind-propagation=rprivate' to be specified in conjunction",
  ],
])('--mount %s is refused as Docker refuses it', (text, message) => {
  expect(() => parseMountFlag(text)).toThrow(expect.objectContaining({ kind: 'invalid', message }));
});
