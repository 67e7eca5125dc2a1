import { expect, test } from 'vitest';
import { hostFacts, ownLimits } from '#container/facts.ts';
import { temporaryStore } from '#test/support/store.ts';

const LIMITS = `Limit                     Soft Limit           Hard Limit           Units     
Max cpu time              unlimited            unlimited            seconds   
Max open files            1024                 524288               files     
Max nice priority         0                    0                    
`;

test('our own limits are read by the names that Docker has for them', () => {
  const limits = ownLimits(LIMITS);
  expect(limits.get('cpu')).toEqual({ soft: undefined, hard: undefined });
  expect(limits.get('nofile')).toEqual({ soft: 1024, hard: 524288 });
  expect(limits.get('nice')).toEqual({ soft: 0, hard: 0 });
});

test('the host that the tests run on is read', () => {
  const facts = hostFacts(temporaryStore());
  expect(facts.kernel[0]).toBeGreaterThanOrEqual(5);
  expect(facts.oomScoreAdj).toBeGreaterThanOrEqual(-1000);
  expect(facts.userns.uids.length).toBeGreaterThan(0);
});
