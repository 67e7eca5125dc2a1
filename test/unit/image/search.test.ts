import { beforeEach, describe, expect, test, vi } from 'vitest';
import { searchRows } from '#image/search.ts';
import { refuse, startRegistry, type TestRegistry } from '#test/support/registry.ts';
import { temporaryDirectory } from '#test/support/store.ts';

const FOUND = [
  { name: 'nginx', description: 'Official build of Nginx.', star_count: 20000, is_official: true },
  { name: 'a/nginx', description: `${'x'.repeat(50)}\n\u001b[31mred`, star_count: 19, is_official: false },
  { name: 'b/nginx', description: null },
];

beforeEach(() => {
  vi.stubEnv('HOME', temporaryDirectory());
  return () => vi.unstubAllEnvs();
});

/** A registry with the search of version 1. */
async function startHub(answer: unknown = { results: FOUND }): Promise<TestRegistry> {
  const hub = await startRegistry();
  hub.misbehave = (request, response) => {
    if (!request.url?.startsWith('/v1/search')) return false;
    response.end(typeof answer === 'string' ? answer : JSON.stringify(answer));
    return true;
  };
  return hub;
}

const names = async (term: string, ...filters: string[]) =>
  (await searchRows(term, { filters }, { json: false })).map((row) => row.Name);

test('a host before the term is asked, and what it says is one line each', async () => {
  const hub = await startHub();
  const rows = await searchRows(`${hub.host}/ng inx`, { limit: 7 }, { json: false });
  expect(hub.asked.at(-1)?.path).toBe('/v1/search?q=ng+inx&n=7');
  expect(rows).toEqual([
    { Name: 'nginx', Description: 'Official build of Nginx.', StarCount: '20000', IsOfficial: '[OK]' },
    { Name: 'a/nginx', Description: `${'x'.repeat(44)}…`, StarCount: '19', IsOfficial: '' },
    { Name: 'b/nginx', Description: '', StarCount: '0', IsOfficial: '' },
  ]);
  const [first, second] = await searchRows(`${hub.host}/x`, { noTrunc: true }, { json: true });
  expect(first?.IsOfficial).toBe('true');
  expect(second).toMatchObject({ Description: `${'x'.repeat(50)} [31mred`, IsOfficial: 'false' });
});

test('filters choose', async () => {
  const hub = await startHub();
  const term = `${hub.host}/nginx`;
  expect(await names(term, 'is-official=true')).toEqual(['nginx']);
  expect(await names(term, 'is-official=0')).toEqual(['a/nginx', 'b/nginx']);
  expect(await names(term, 'stars=19')).toEqual(['nginx', 'a/nginx']);
  expect(await names(term, 'stars=19', 'stars=20')).toEqual(['nginx']);
  expect(await names(term, 'is-automated=true')).toEqual([]);
  expect(await names(term, 'is-automated=false')).toHaveLength(3);
});

test('a registry without search is asked for its repositories, page by page', async () => {
  const registry = await startRegistry();
  registry.misbehave = (request, response) => {
    if (!request.url?.startsWith('/v2/_catalog')) return false;
    const isFirst = !request.url.includes('last=');
    if (isFirst) response.setHeader('Link', '</v2/_catalog?last=m&n=1000>; rel="next"');
    response.end(JSON.stringify({ repositories: isFirst ? ['a/app', 'b/other'] : ['my/app', 'z/app'] }));
    return true;
  };
  const hit = (name: string) => `${registry.host}/${name}`;
  expect(await names(hit('app'))).toEqual([hit('a/app'), hit('my/app'), hit('z/app')]);
  const rows = await searchRows(hit('app'), { limit: 2 }, { json: false });
  expect(rows.map((row) => row.Name)).toEqual([hit('a/app'), hit('my/app')]);
});

describe('an error is one line:', () => {
  test.each([
    [{ filters: ['stars=x'] }, `invalid filter 'stars=x': strconv.Atoi: parsing "x": invalid syntax`],
    [{ filters: ['is-official=x'] }, "invalid filter 'is-official=[x]'"],
    [{ limit: 101 }, 'limit 101 is outside the range of [1, 100]'],
  ])('%j', async (options, message) => {
    await expect(searchRows('x', options, { json: false })).rejects.toThrow(
      expect.objectContaining({ kind: 'unavailable', message }),
    );
  });

  test.each([
    ['<html>', 'error decoding registry search results: it is not valid JSON'],
    ['[]', 'error decoding registry search results: there is no list of results'],
    ['{"results": 5}', 'error decoding registry search results: there is no list of results'],
  ])('the answer %s', async (answer, message) => {
    const hub = await startHub(answer);
    await expect(names(`${hub.host}/x`)).rejects.toThrow(message);
  });

  test('a refusal', async () => {
    const hub = await startRegistry();
    hub.misbehave = (request, response) => {
      if (request.url === '/v2/') return false;
      refuse(response, request.url?.startsWith('/v1/') ? 404 : 405, 'UNSUPPORTED', 'no catalog here');
      return true;
    };
    await expect(names(`${hub.host}/x`)).rejects.toThrow('Unexpected status code 404');
  });

  test('a scheme', async () => {
    await expect(names('https://a/x')).rejects.toThrow('repository name (https://a/x) should not have a scheme');
  });
});
