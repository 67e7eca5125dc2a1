import { describe, expect, test } from 'vitest';
import { canonical, familiar, familiarName, nameOnly, parseReference, withDefaultTag } from '#oci/reference.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

describe('a reference is read as Docker reads it', () => {
  test.each([
    ['busybox', 'docker.io/library/busybox', 'busybox'],
    ['busybox:1.36', 'docker.io/library/busybox:1.36', 'busybox:1.36'],
    ['library/busybox', 'docker.io/library/busybox', 'busybox'],
    ['docker.io/busybox', 'docker.io/library/busybox', 'busybox'],
    ['index.docker.io/a/b', 'docker.io/a/b', 'a/b'],
    ['docker.io/library/a/b', 'docker.io/library/a/b', 'library/a/b'],
    ['user/app:v1', 'docker.io/user/app:v1', 'user/app:v1'],
    ['localhost/app', 'localhost/app', 'localhost/app'],
    ['localhost:5000/app:x', 'localhost:5000/app:x', 'localhost:5000/app:x'],
    ['[::1]:5000/app', '[::1]:5000/app', '[::1]:5000/app'],
    ['quay.io/a/b/c:t', 'quay.io/a/b/c:t', 'quay.io/a/b/c:t'],
    ['HOST/app', 'HOST/app', 'HOST/app'],
    ['a__b-c/e_f.g', 'docker.io/a__b-c/e_f.g', 'a__b-c/e_f.g'],
    [`busybox@${DIGEST}`, `docker.io/library/busybox@${DIGEST}`, `busybox@${DIGEST}`],
    [`busybox:1@${DIGEST}`, `docker.io/library/busybox:1@${DIGEST}`, `busybox:1@${DIGEST}`],
  ])('%s', (text, whole, short) => {
    const reference = parseReference(text);
    expect(canonical(reference)).toBe(whole);
    expect(familiar(reference)).toBe(short);
    expect(parseReference(familiar(reference))).toEqual(reference);
  });
});

describe('what is no reference is refused in the words of Docker', () => {
  test.each([
    ['', 'invalid reference format'],
    ['a b', 'invalid reference format'],
    ['busybox:', 'invalid reference format'],
    ['a//b', 'invalid reference format'],
    ['-a', 'invalid reference format'],
    ['a/', 'invalid reference format'],
    ['busybox:.x', 'invalid reference format'],
    [`busybox:${'x'.repeat(129)}`, 'invalid reference format'],
    ['busybox@sha256:123', 'invalid reference format'],
    ['../../etc', 'invalid reference format'],
    ['Busybox', 'invalid reference format: repository name (library/Busybox) must be lowercase'],
    ['host:1/App:V', 'invalid reference format: repository name (App) must be lowercase'],
    ['a'.repeat(64), `invalid repository name (${'a'.repeat(64)}), cannot specify 64-byte hexadecimal strings`],
    [`x/${'b'.repeat(254)}`, 'repository name must not be more than 255 characters'],
    [`busybox@sha1:${'a'.repeat(40)}`, 'unsupported digest algorithm'],
    [`busybox@sha256:${'a'.repeat(40)}`, 'invalid checksum digest length'],
    [`busybox@sha256:${'A'.repeat(64)}`, 'invalid checksum digest format'],
  ])('%s', (text, message) => {
    expect(() => parseReference(text)).toThrow(expect.objectContaining({ kind: 'invalid', message }));
  });
});

test('the tag is latest where neither tag nor digest is written', () => {
  expect(canonical(withDefaultTag(parseReference('a/b')))).toBe('docker.io/a/b:latest');
  expect(canonical(withDefaultTag(parseReference(`a/b@${DIGEST}`)))).toBe(`docker.io/a/b@${DIGEST}`);
});

test('a digest makes the tag beside it void', () => {
  expect(canonical(nameOnly(parseReference(`a/b:1@${DIGEST}`)))).toBe(`docker.io/a/b@${DIGEST}`);
});

test('the familiar name has neither tag nor digest', () => {
  expect(familiarName(parseReference(`busybox:1@${DIGEST}`))).toBe('busybox');
});
