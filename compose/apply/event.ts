/** What compose's operations report while they run: one thing (a container, a network, an image) and how far it is. */

/** Of one thing: `Container web-1` is `Starting`. Several of one id tell one after another how far it is. */
export interface StepEvent {
  /** `Container x-web-1`, `Network x_default`, `Volume "x_data"`, `web` (an image's service) … */
  id: string;
  /** compose's word for what happens or has happened: Creating, Created, Starting, Healthy … */
  state: string;
  /** How it stands; `working` and `warning` may go on, `done` and `error` are the end. */
  status: 'working' | 'done' | 'warning' | 'error';
  /** What stands between the id and the state; mostly nothing. */
  text?: string;
  /** The id of what it is a part of: a layer's is its image. */
  parent?: string;
  /** Bytes, where they are counted. */
  current?: number;
  total?: number;
  /** 0 to 100. */
  percent?: number;
}

/** A sentence that belongs to no thing; shown below all steps on a terminal. */
interface MessageEvent {
  message: string;
}

export type ComposeEvent = StepEvent | MessageEvent;

export type Report = (event: ComposeEvent) => void;
