/** What long operations report while they run. Who shows it (bars, lines, JSON, nobody) is a face's business. */

/** The steps of one layer, in the words of docker pull and docker push. */
export type LayerStatus =
  | 'Pulling fs layer'
  | 'Waiting'
  | 'Downloading'
  | 'Verifying Checksum'
  | 'Download complete'
  | 'Extracting'
  | 'Pull complete'
  | 'Already exists'
  | 'Preparing'
  | 'Pushing'
  | 'Pushed'
  | 'Layer already exists'
  | `Mounted from ${string}`
  | 'Skipped foreign layer';

/** Nothing more comes of a layer after these. */
export const isLayerEnd = (status: LayerStatus): boolean => ENDS.has(status) || status.startsWith('Mounted from');

const ENDS: ReadonlySet<string> = new Set(['Pushed', 'Layer already exists', 'Pull complete', 'Already exists']);

export type Progress =
  /** A name is being looked up; familiar form with its tag or digest. */
  | { kind: 'resolving'; reference: string }
  /** One layer; id is the first 12 hex digits of its digest; current and total in bytes. */
  | { kind: 'layer'; id: string; status: LayerStatus; current?: number; total?: number }
  /** A line of text; with an id it stands on that id's line. */
  | { kind: 'message'; text: string; id?: string };
