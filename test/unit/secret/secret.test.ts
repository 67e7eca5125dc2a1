import { statSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createSecret, listSecrets, needSecret, readSecret, removeSecret } from '#secret/secret.ts';
import { temporaryStore } from '#test/support/store.ts';

const data = Buffer.from('hunter2');

test('a secret is found by its name, its id and the beginning of that, and only its owner can read it', async () => {
  const store = temporaryStore();
  const { id } = await createSecret(store, 'word', data, { labels: { a: 'b' } });
  expect(id).toMatch(/^[0-9a-f]{25}$/);
  for (const text of ['word', id, id.slice(0, 5)])
    expect(needSecret(store, text)).toMatchObject({ id, labels: { a: 'b' } });
  expect(readSecret(store, 'word')).toEqual(data);
  expect(statSync(store.path('secrets', id, 'data')).mode & 0o777).toBe(0o600);
});

test('a name is taken once, unless the secret is made anew or left as it is', async () => {
  const store = temporaryStore();
  const { id } = await createSecret(store, 'word', data);
  await expect(createSecret(store, 'word', data)).rejects.toThrow('secret word already exists');
  expect(await createSecret(store, 'word', Buffer.from('x'), { ignore: true })).toMatchObject({ id });
  const anew = await createSecret(store, 'word', Buffer.from('x'), { replace: true });
  expect(listSecrets(store).map((secret) => secret.id)).toEqual([anew.id]);
  expect(readSecret(store, 'word').toString()).toBe('x');
});

test.each([
  ['a b', data, /^invalid name, must be 64 characters or less/],
  ['-a', data, /^invalid name/],
  ['a'.repeat(65), data, /^invalid name/],
  ['a', Buffer.alloc(0), /must be larger than 0 and less than 512000 bytes/],
  ['a', Buffer.alloc(512_001), /must be larger than 0/],
])('the secret %s is refused', async (name, content, words) => {
  await expect(createSecret(temporaryStore(), name, content)).rejects.toThrow(words);
});

test('what was removed is not found', async () => {
  const store = temporaryStore();
  await createSecret(store, 'word', data);
  await removeSecret(store, 'word');
  expect(() => needSecret(store, 'word')).toThrow('no such secret: word');
  expect(listSecrets(store)).toEqual([]);
});
