/** Patterns of names, as Go has them. */
import { WherryError } from '#base/error.ts';

/** Go's path.Match: `*` and `?` stop at a slash, `[a-z]` and `[^a-z]` are classes. Throws kind `invalid`. */
export function globOf(pattern: string): RegExp {
  const token = /\\(.)|(\*)|(\?)|\[(\^?)((?:\\.|[^\]\\])+)\]|([\\[])|([^\\*?[])/gs;
  const source = [...pattern.matchAll(token)].map(([, escaped, star, question, negated, set, broken, plain]) => {
    if (broken !== undefined) throw new WherryError('invalid', 'syntax error in pattern');
    if (star !== undefined) return '[^/]*';
    if (question !== undefined) return '[^/]';
    if (set !== undefined) return `[${negated}${set.replace(/[[\]^]/g, '\\$&')}]`;
    return (escaped ?? plain ?? '').replace(/[.+*?^${}()|[\]\\/-]/g, '\\$&');
  });
  try {
    return new RegExp(`^${source.join('')}$`, 's');
  } catch (cause) {
    throw new WherryError('invalid', 'syntax error in pattern', { cause });
  }
}
