/** The dates in an image's configuration: what the plan leaves out, and what SOURCE_DATE_EPOCH takes back. Pure. */
import type { SolvedLayer } from '#build/solve/means.ts';
import type { ImageConfig } from '#oci/manifest.ts';

type Config = Omit<ImageConfig, 'rootfs'>;
type History = NonNullable<ImageConfig['history']>;

/**
 * The history with a date in each entry, as BuildKit fills it (exporter/containerimage, normalizeLayersAndHistory): a layer's
 * own, and for entries without a layer that of the layer before, or of the first new one. epoch: seconds; nothing is younger.
 */
export function datedConfig(config: Config, layers: readonly SolvedLayer[], epoch?: number): Config {
  const history = withOneEach(config.history ?? [], layers);
  const dated = fillDates(history);
  const last = epoch === undefined ? undefined : instant(epoch * 1000);
  const clamp = (date: string | undefined) =>
    last === undefined || (date !== undefined && Date.parse(date) <= epochOf(epoch)) ? date : last;
  const clamped = dated.map((entry) => withDate(entry, clamp(entry.created)));
  const created = clamp(config.created ?? clamped.at(-1)?.created) ?? last ?? instant(Date.now());
  return { created, ...config, ...(config.created === undefined ? {} : { created }), history: clamped };
}

const epochOf = (epoch: number | undefined) => (epoch ?? 0) * 1000;

/** As Go writes a time: no fraction where there is none. */
const instant = (milliseconds: number): string => new Date(milliseconds).toISOString().replace(/\.000Z$/, 'Z');

function withDate(entry: History[number], created: string | undefined): History[number] {
  const { created: _was, ...rest } = entry;
  return created === undefined ? rest : { created, ...rest };
}

/** Each layer has an entry that is not empty: those of a base that says less are made up, those it says too much go. */
function withOneEach(history: History, layers: readonly SolvedLayer[]): History {
  const own = history.filter((entry) => !entry.empty_layer).length;
  if (own > layers.length) {
    let left = layers.length;
    return history.filter((entry) => {
      if (entry.empty_layer) return true;
      left -= 1;
      return left >= 0;
    });
  }
  const missing: History = layers.slice(own).map(() => ({ comment: 'buildkit.exporter.image.v0' }));
  let layer = -1;
  return [...history, ...missing].map((entry) => {
    if (entry.empty_layer) return entry;
    layer += 1;
    return withDate(entry, entry.created ?? layers[layer]?.created);
  });
}

function fillDates(history: History): History {
  let date = firstDate(history);
  let missed = false;
  return history.map((entry) => {
    if (entry.created !== undefined) {
      if (missed) date = entry.created;
      return entry;
    }
    missed = true;
    return withDate(entry, date);
  });
}

/** The first date that comes after an entry without one; else the last there is. */
function firstDate(history: History): string | undefined {
  let date: string | undefined;
  let missed = false;
  for (const { created } of history) {
    if (created === undefined) missed = true;
    else {
      date = created;
      if (missed) break;
    }
  }
  return date;
}
