import { expect, test } from 'vitest';
import { manualPages } from '#cli/man.ts';

test('each command that is not hidden has a page under its shortest name, and wherry(1) lists them', async () => {
  const pages = await manualPages();
  expect([...pages.keys()]).toEqual(
    expect.arrayContaining(['wherry.1', 'wherry-run.1', 'wherry-ps.1', 'wherry-image-inspect.1']),
  );
  expect(pages.has('wherry-container-cleanup.1')).toBe(false);
  expect(pages.get('wherry.1')).toContain('wherry\\-run');
});

test('a page is man(7): a title, sections, and no line that roff would take for a request', async () => {
  const pages = await manualPages();
  for (const [name, text] of pages) {
    expect([name, text.split('\n')[1]]).toEqual([
      name,
      expect.stringMatching(/^\.TH WHERRY.* (?:1 "" "wherry" "User Commands"|7 "" "wherry" "Miscellaneous")$/),
    ]);
    const requests = text
      .split('\n')
      .filter((line) => /^[.']/.test(line) && !/^\.(\\"|TH |SH |TP|PP|br|nf|fi|RS|RE)/.test(line));
    expect([name, requests]).toEqual([name, []]);
  }
});
