/** What `system check` finds: something in the store that is not as it must be. */
export interface Damage<Remedy = unknown> {
  /** Where it is. */
  path: string;
  /** `the blob is missing`; with whom it concerns. */
  what: string;
  /** What --repair does about it; where it can't do anything, what the user has to do. In the imperative. */
  advice: string;
  /** Absent where nothing can be mended here. */
  remedy?: Remedy;
  /** An earlier repair noted it, and can do no more: told, but not counted. */
  known?: true;
}

/** Names in a sentence; of many only the first. */
export function few(names: readonly string[], most = 3): string {
  const rest = names.length - most;
  return rest > 0 ? `${names.slice(0, most).join(', ')} and ${rest} more` : names.join(', ');
}
