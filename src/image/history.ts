/** history: how an image came about, step by step, as Docker shows it. */
import { asDaemon } from '#base/filter.ts';
import { ellipsis, shortId } from '#base/text.ts';
import { ago, humanSize, localRfc3339 } from '#base/units.ts';
import { type Image, needImage } from '#image/names.ts';
import { layerSizes } from '#image/sizes.ts';
import { needPlatform } from '#image/view.ts';
import { parsePlatformFlag } from '#oci/platform.ts';
import type { Store } from '#store/store.ts';

/** One line of `history`, with Docker's fields. */
export interface HistoryRow {
  Comment: string;
  CreatedAt: string;
  CreatedBy: string;
  CreatedSince: string;
  ID: string;
  Size: string;
}

export interface HistoryOptions {
  /** Sizes and times for people; exact ones else. */
  human?: boolean;
  noTrunc?: boolean;
  /** os[/architecture[/variant]] that the image must be for. */
  platform?: string;
}

/** Columns that a command line is cut to. */
const COMMAND_WIDTH = 45;

/** Docker shows no age of what claims to be older. */
const OLDEST = Date.UTC(2000, 0, 1);

/** The steps, the last one first. Throws kind `not-found` for what is no image, or one for another platform. */
export function historyRows(store: Store, text: string, options: HistoryOptions = {}): HistoryRow[] {
  const { human = true, noTrunc = false, platform } = options;
  const image = asDaemon(() => needImage(store, text));
  if (platform !== undefined) needPlatform(image, text, parsePlatformFlag(platform));
  const short = (command: string) => (noTrunc ? command : ellipsis(command, COMMAND_WIDTH));
  return steps(store, image).map(({ created, command, comment, size }, at) => {
    const time = Number.isNaN(created) ? 0 : created;
    const exact = localRfc3339(new Date(time));
    const since = time <= OLDEST ? 'N/A' : ago(new Date(time));
    return {
      Comment: comment,
      CreatedAt: exact,
      CreatedBy: short(command.replaceAll('\t', ' ')),
      CreatedSince: human ? since : exact,
      ID: at > 0 ? '<missing>' : noTrunc ? image.id : shortId(image.id),
      Size: human ? humanSize(size, 3) : String(size),
    };
  });
}

interface Step {
  /** Milliseconds since 1970; NaN where nobody has noted it. */
  created: number;
  command: string;
  comment: string;
  size: number;
}

/** Steps that changed files have the layers in turn. */
function steps(store: Store, { config, diffIds, sizes: noted }: Image): Step[] {
  const sizes = noted.length === diffIds.length ? noted : layerSizes(store, diffIds, new Map());
  let layer = 0;
  const upwards = (config.history ?? []).map(({ created, created_by: command, comment, empty_layer: empty }) => {
    const size = empty === true ? 0 : (sizes[layer] ?? 0);
    if (empty !== true) layer += 1;
    return { created: Date.parse(created ?? ''), command: command ?? '', comment: comment ?? '', size };
  });
  return upwards.reverse();
}
